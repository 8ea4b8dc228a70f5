"""``void run``: runs jobs in this process, without a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from void_engine.diffusion.torchrun import process_count
from void_engine.errors import RemovalCancelled
from void_protocol.job import RemovalJob
from void_server.cli.declared_options import with_options
from void_server.cli.each_job import each_by_itself, good_jobs
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.frame_options import frames_in, frames_option
from void_server.cli.job_files import jobs_of_files
from void_server.cli.job_overrides import PlateOverrides
from void_server.cli.progress import StageProgress
from void_server.cli.stopping import stopping_on_signals
from void_server.cli.terminal import say
from void_server.cli.torchrun_jobs import run_with_torchrun
from void_server.cli.versions import VersionChoice, ask_to_overwrite, free_version
from void_server.scratch import settle_in

if TYPE_CHECKING:
    from void_engine.arrays import Float32Array
    from void_engine.shares import Shares

_WAIT_S = 600.0
"""How long to wait, in seconds, for an obstacle that may pass, once a removal has begun and has work to
lose."""

ModelsFolder = Annotated[
    Path | None, typer.Option(help="VOID's model folder; by default the one VOID_MODELS names.")
]
WaitSeconds = Annotated[
    float | None,
    typer.Option(
        help="Seconds to wait for a late frame, a full disk or a drive that is gone; by default none "
        f"before the work begins, {_WAIT_S:g} s after.",
        min=0,
    ),
]


def use_models(folder: Path | None) -> None:
    """Take VOID's models from a folder, in this process and in those that it starts; None changes nothing."""
    if folder is not None:
        from void_engine.diffusion.model.folder import MODELS_VARIABLE

        os.environ[MODELS_VARIABLE] = str(folder.absolute())


def work_wait(wait: float | None) -> float:
    """Return how long to wait, in seconds, for an obstacle once a removal has begun."""
    return _WAIT_S if wait is None else wait


class TerminalMonitor:
    """Shows a removal on the terminal and stops it on Ctrl-C or SIGTERM."""

    def __init__(self, progress: StageProgress) -> None:
        self._progress = progress
        self._stop = False
        self.frames_done = 0

    def stop(self) -> None:
        """Ask the removal to stop at its next check."""
        self._stop = True

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.check_cancelled()
        self._progress.update(stage, step, steps, "" if frame is None else f"frame {frame}")

    def preview(self, frame: int, picture: Float32Array) -> None:
        """Show nothing, because a terminal has no pictures."""

    def log(self, message: str) -> None:
        self._progress.message(message)

    def composed(self, shares: Shares) -> None:
        """Show nothing, because the log sums it up at the end."""

    def waiting(self, obstacle: str) -> None:
        self._progress.message(obstacle or "going on")

    def check_cancelled(self) -> None:
        if self._stop:
            raise RemovalCancelled("stopped on request")

    def frame_done(self, number: int, path: Path) -> None:
        self.frames_done += 1


@with_options
def run(
    job_files: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (JSON).")],
    overrides: PlateOverrides,
    versions: VersionChoice,
    frames: Annotated[
        str | None,
        typer.Option(help="Make only these frames, as a test; the whole shot is still seen. 1010-1015,1030."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another job's frames, after a question.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer the question of --overwrite with yes.")] = False,
    resume: Annotated[bool, typer.Option(help="Keep frames that this job has already written.")] = True,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Decode the frames that would be kept, and make damaged ones again."),
    ] = False,
    models: ModelsFolder = None,
    scratch: Annotated[
        Path | None,
        typer.Option(help="Folder for temporary files and, where none is set, caches; for farms."),
    ] = None,
    wait: WaitSeconds = None,
) -> None:
    """Run jobs here, one after another, without a server. They share one model load.

    Example: void run sh010.json --engine propagation --frames 1010-1015
    """
    if scratch is not None:
        settle_in(scratch)
    use_models(models)
    from void_server.job_run import run_job

    if overwrite and process_count() > 1 and not yes:
        raise typer.BadParameter("several processes cannot be asked; add --yes", param_hint="--overwrite")
    jobs = jobs_of_files(job_files, overrides)
    if frames is not None:
        frames_option(frames)  # What is typed wrong is told before the first job begins.
    takes_next = versions.next_version and overrides.version is None and not overwrite

    def run_one(job: RemovalJob) -> None:
        if takes_next:
            job = free_version(job)
        wanted = None if frames is None else frames_in(job, frames)
        replaces = overwrite and ask_to_overwrite(job, yes=yes)
        with StageProgress(job.shot.name) as bars:
            monitor = TerminalMonitor(bars)
            with stopping_on_signals(monitor.stop):
                run_job(
                    job,
                    monitor,
                    resume=resume,
                    verify=verify,
                    overwrite=replaces,
                    only=wanted,
                    wait_s=work_wait(wait),
                    start_wait_s=wait or 0.0,
                )
        say(f"{job.shot.name}: {monitor.frames_done} frames in {job.output.versioned_pattern}")
        if monitor.frames_done != len(wanted or job.shot.frame_numbers):
            raise CommandError(f"{job.shot.name}: some frames were not written", ExitCode.FAILED)

    run_with_torchrun(good_jobs(jobs), lambda: each_by_itself(jobs, run_one))


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(run)
