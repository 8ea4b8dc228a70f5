"""Where the shots of a batch can be worked on side by side: one place for each device, or for some cores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from void_engine.engines.registry import engine_info, engine_name
from void_engine.errors import SettingError
from void_protocol.job import RemovalJob
from void_server.workers.devices import worker_environments


@dataclass(frozen=True)
class Places:
    """The processes that a batch has, each with a device or cores of its own."""

    environments: Sequence[Mapping[str, str]]
    """The variables of each process, which give it its device and its share of the cores."""
    threads: int
    """How many cores each has."""
    about: str
    """What there is, for the log."""


def places_for(jobs: Sequence[RemovalJob], most: int) -> Places:
    """Return the places for a list of jobs.

    Args:
        most: how many to have at most; 0 for as many as devices or cores allow.
    """
    devices = _cuda_devices() if any(_needs_device(job) for job in jobs) else []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    there = len(devices) or cores
    count = max(1, min(most or there, there, len(jobs)))
    names = devices[:count] or ["cpu"] * count
    found = worker_environments(names, os.environ, cores)
    kind = "devices" if devices else "cores"
    return Places(
        environments=[variables for _, variables in found],
        threads=max(1, cores // count),
        about=f"{count} side by side, of {there} {kind}",
    )


def _needs_device(job: RemovalJob) -> bool:
    try:
        return engine_info(engine_name(job.settings.engine)).needs.gpus > 0
    except SettingError:
        return False  # The shot fails with that error when its turn comes.


def _cuda_devices() -> list[str]:
    """The names of this machine's CUDA devices that this process may see."""
    try:
        import torch
    except ImportError:
        return []
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
