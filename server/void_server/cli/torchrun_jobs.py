"""Runs one shot in several processes that ``torchrun`` started: the first runs the jobs, the others help
it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, cast

from void_engine.diffusion.torchrun import process_count, process_rank
from void_engine.engines.info import TorchrunMain, load
from void_engine.engines.registry import AUTO, engine_info, sharing_engines
from void_protocol.job import RemovalJob
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.terminal import say

if TYPE_CHECKING:
    from void_engine.arrays import Float32Array


class _HelperMonitor:
    """The monitor of a helping process. It prints only what matters, and the leading process stops it."""

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        """Show nothing, because the leading process does."""

    def preview(self, frame: int, picture: Float32Array) -> None:
        """Show nothing, because the leading process does."""

    def log(self, message: str) -> None:
        say(f"process {process_rank()}: {message}", to_stderr=True)

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
    main = _torchrun_main(jobs)
    if process_rank() > 0:
        # SIGTERM reaches every process. The leading one ends the step together with the others.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(lead, [job.settings.engine_options for job in jobs], _HelperMonitor())


def _torchrun_main(jobs: Collection[RemovalJob]) -> TorchrunMain:
    names = {job.settings.engine for job in jobs}
    for job in jobs:
        name = job.settings.engine
        if name == AUTO or not engine_info(name).shares_windows:
            raise CommandError(
                f"{job.shot.name}: several processes share the windows of {sharing_engines()} only, and this "
                f"job asks for {name!r}; run it without torchrun",
                ExitCode.INVALID_JOB,
            )
    if len(names) > 1:
        raise CommandError(
            f"several processes run jobs of one engine, and these ask for {', '.join(sorted(names))}; run "
            "them one by one",
            ExitCode.INVALID_JOB,
        )
    return cast(TorchrunMain, load(engine_info(names.pop()).torchrun))
