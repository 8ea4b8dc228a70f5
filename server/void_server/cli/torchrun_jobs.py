"""Runs one shot in several processes that ``torchrun`` started: the first runs the jobs, the others help
it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from void_engine.diffusion.torchrun import process_count, process_rank
from void_protocol.job import RemovalJob
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError

if TYPE_CHECKING:
    from void_engine.arrays import Float32Array

_ENGINE = "void"
"""The only engine that can share the windows of a shot among devices."""


class _HelperMonitor:
    """The monitor of a helping process. It prints only what matters, and the leading process stops it."""

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        """Show nothing, because the leading process does."""

    def preview(self, frame: int, picture: Float32Array) -> None:
        """Show nothing, because the leading process does."""

    def log(self, message: str) -> None:
        sys.stderr.write(f"process {process_rank()}: {message}\n")

    def check_cancelled(self) -> None:
        """Do nothing: only the leading process is asked to stop, and it tells the others after the step."""


def run_with_torchrun(jobs: Collection[RemovalJob], lead: Callable[[], None]) -> None:
    """Call ``lead`` in the only process, or in the first one of several.

    Raises:
        CommandError: when several processes get a job that only one can run.
    """
    if process_count() == 1:
        lead()
        return
    for job in jobs:
        if job.settings.engine != _ENGINE:
            raise CommandError(
                f"{job.shot.name}: several processes share the windows of engine {_ENGINE!r} only, and this "
                f"job asks for {job.settings.engine!r}; run it without torchrun",
                ExitCode.INVALID_JOB,
            )
    import torch

    from void_engine.diffusion.sampling.denoise_pass import Follower
    from void_engine.diffusion.sampling.distributed import joined_processes

    on_cpu = any(job.settings.engine_options.get("device") == "cpu" for job in jobs)
    device = "cuda" if torch.cuda.is_available() and not on_cpu else "cpu"
    if process_rank() > 0:
        # SIGTERM reaches every process. The leading one ends the step together with the others.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with joined_processes(device) as group:
        if group.leads:
            lead()
        else:
            Follower(group, _HelperMonitor()).serve()
