"""``void batch``: many shots, with one table and one report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_engine.errors import RemovalCancelled
from void_protocol.verdict import BAD
from void_server.batch.listed import BadShot
from void_server.batch.report import BatchReport, ShotReport, ShotState
from void_server.cli.declared_options import with_options
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError, exit_code_of
from void_server.cli.job_overrides import JobOverrides
from void_server.cli.progress import StageProgress
from void_server.cli.run import ModelsFolder, TerminalMonitor, WaitSeconds, use_models, work_wait
from void_server.cli.shot_lists import ShotDefaults, Sources, listed_jobs
from void_server.cli.stopping import stopping_on_signals
from void_server.cli.terminal import PlainTable, Terminal, say
from void_server.scratch import settle_in


class _ShotsMonitor(TerminalMonitor):
    """Shows one shot after the other on the terminal."""

    def begin_shot(self, name: str, index: int, count: int) -> None:
        self.frames_done = 0
        self._progress.message(f"[{index + 1}/{count}] {name}")

    def shot_progress(self, place: int, shot: str, stage: str, step: int, steps: int, note: str) -> None:
        self._progress.update(stage, step, steps, note, place=place, title=shot)


@with_options
def batch(
    sources: Sources,
    defaults: ShotDefaults,
    overrides: JobOverrides,
    report: Annotated[
        Path | None, typer.Option(help="The report, as JSON; default: beside the first source.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Decode the frames that would be kept, and make damaged ones again."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Judge each result, as 'void check' does.")
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with exit status 9 where frames of a result are at fault.")
    ] = False,
    side_by_side: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            help="How many shots to run side by side at most, as far as memory, and devices or cores, allow; "
            "0: as many as there are devices or cores.",
            min=0,
        ),
    ] = 1,
    models: ModelsFolder = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for temporary files and, where none is set, caches.")
    ] = None,
    wait: WaitSeconds = None,
) -> None:
    """Run many shots here, skip what is done from the same inputs, and report on all of them."""
    if scratch is not None:
        settle_in(scratch)
    use_models(models)
    from void_server.batch.places import places_for
    from void_server.batch.running import HowToRun, run_batch
    from void_server.batch.side_by_side import run_side_by_side

    jobs = listed_jobs(sources, defaults, overrides)
    how = HowToRun(
        exit_status=exit_code_of,
        verify=verify,
        check=check or strict,
        wait_s=work_wait(wait),
        start_wait_s=wait or 0.0,
    )
    path = report or _report_beside(sources[0].absolute())
    console = Terminal()
    with StageProgress("batch", console) as bars:
        monitor = _ShotsMonitor(bars)
        try:
            with stopping_on_signals(monitor.stop):
                if side_by_side == 1:
                    found = run_batch(jobs, monitor, path, how)
                else:
                    good = [job for job in jobs if not isinstance(job, BadShot)]
                    places = places_for(good, side_by_side)
                    found = run_side_by_side(jobs, monitor, path, how, places)
        except RemovalCancelled:
            say(f"report: {path}")
            raise
    console.print(_table(found))
    say(f"{found.summary}; report: {path}")
    bad = [shot for shot in jobs if isinstance(shot, BadShot)]
    if len(bad) == len(jobs):  # There was nothing to run, so this is as a single wrong job is.
        raise bad[0].error
    failed = found.count(ShotState.FAILED)
    if failed:
        raise CommandError(f"{failed} of {len(jobs)} shots failed; {path} says why", ExitCode.SOME_FAILED)
    red = [shot.shot for shot in found.shots if shot.verdict == BAD]
    if strict and red:
        raise CommandError(
            f"frames are at fault in {len(red)} of {len(jobs)} shots: {', '.join(red)}; {path} says why",
            ExitCode.NOT_GOOD,
        )


def _report_beside(source: Path) -> Path:
    """The report's name holds the source's ending: ``cut.otio`` and ``cut.csv`` may lie side by side."""
    return source.with_name(f"{source.name.replace('.', '_')}_report.json")


def _table(report: BatchReport) -> PlainTable:
    colours = {ShotState.DONE: "green", ShotState.FAILED: "red", ShotState.CANCELLED: "yellow"}
    table = PlainTable(
        "shot", "state", "frames", "time", "real/guessed/invented", "verdict", "result, or why not"
    )
    for shot in report.shots:
        kept = f" ({shot.frames_kept} kept)" if shot.frames_kept and shot.state is ShotState.DONE else ""
        table.add_row(
            shot.shot,
            shot.state.value,
            f"{shot.frames}/{shot.frames_wanted}{kept}",
            f"{shot.seconds:.1f} s" if shot.seconds else "",
            _shares(shot),
            f"red ({shot.at_fault})" if shot.verdict == BAD else shot.verdict,
            shot.reason or shot.output,
            style=colours.get(shot.state),
        )
    return table


def _shares(shot: ShotReport) -> str:
    """The shares in percent, and the frame with the most that is invented."""
    if shot.real is None or shot.guessed is None or shot.invented is None:
        return ""
    told = "/".join(str(round(100 * share)) for share in (shot.real, shot.guessed, shot.invented)) + " %"
    worst = max(shot.shares, key=lambda one: one.invented)
    return f"{told} ({round(100 * worst.invented)} % in {worst.frame})" if worst.invented else told


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(batch)
