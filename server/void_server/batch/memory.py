"""How much main memory the shots of a batch need, and how much there is."""

from __future__ import annotations

from pathlib import Path

import psutil

from void_engine.engines.registry import engine_info, engine_name
from void_protocol.job import RemovalJob

GIB = 2**30
_SHARE = 0.9
"""How much of the free memory a batch plans with; the rest is for whatever else grows meanwhile."""
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def needed_bytes(job: RemovalJob, threads: int) -> int:
    """Return how much main memory a job needs at most, as its engine plans it.

    Raises:
        SettingError: when the engine is not known.
    """
    shot, scale = job.shot, job.settings.proxy_scale
    return engine_info(engine_name(job.settings.engine)).main_memory(
        round(shot.format.width * scale), round(shot.format.height * scale), len(shot.frame_numbers), threads
    )


def usable_bytes(group: Path = _CONTROL_GROUP) -> int:
    """Return how much main memory may be planned with now: what is free, and within the limit of a container
    or of a dispatcher's control group."""
    free = psutil.virtual_memory().available
    try:
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # There is no such file here, or it says "max".
        pass
    return max(0, round(free * _SHARE))
