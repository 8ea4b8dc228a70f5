"""Measures a worker's memory, in the worker's process."""

from __future__ import annotations

import sys

import psutil

from void_protocol.messages import MemoryUse

_process = psutil.Process()


def measure_memory() -> MemoryUse:
    """Return the memory of this process, and of its device if the engine has begun to use one."""
    used, total = _device_memory()
    return MemoryUse(
        resident_bytes=_process.memory_info().rss, device_used_bytes=used, device_total_bytes=total
    )


def _device_memory() -> tuple[int | None, int | None]:
    # The device is looked at only where the engine has opened it itself: looking must not take memory.
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None, None
    free, total = cuda.mem_get_info()
    return int(total - free), int(total)
