"""Runs jobs in the processes that ``torchrun`` started: the first runs them, the others help to denoise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from void_engine.diffusion.sampling.denoise_pass import Follower
from void_engine.diffusion.sampling.distributed import joined_processes
from void_engine.engines.interface import Monitor
from void_engine.engines.options import Scalar


def run_together(lead: Callable[[], None], options: Sequence[Mapping[str, Scalar]], monitor: Monitor) -> None:
    """Call ``lead`` in the first process, and compute its windows in the others until it is done.

    Args:
        lead: runs the jobs.
        options: the engine options of each job.
        monitor: the monitor of a helping process.

    Raises:
        DeviceError: when there are more processes on this machine than CUDA devices, or nccl is not there.
        PeerError: when another process failed.
    """
    on_cpu = any(one.get("device") == "cpu" for one in options)
    with joined_processes("cuda" if torch.cuda.is_available() and not on_cpu else "cpu") as group:
        if group.leads:
            lead()
        else:
            Follower(group, monitor).serve()
