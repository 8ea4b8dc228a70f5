"""``void check``: a verdict on every frame of a result, without knowing the truth."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from void_engine.errors import OutputError
from void_protocol.job import RemovalJob
from void_protocol.verdict import BAD, FrameEntry, Verdict
from void_server.cli.declared_options import with_options
from void_server.cli.each_job import each_by_itself
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.frame_options import frames_in
from void_server.cli.job_overrides import JobOverrides
from void_server.cli.progress import StageProgress
from void_server.cli.run import TerminalMonitor
from void_server.cli.shot_lists import ShotDefaults, Sources, listed_results
from void_server.cli.stopping import stopping_on_signals
from void_server.cli.terminal import PlainTable, Terminal, say, say_json

_COLOURS = {"green": "green", "amber": "yellow", "red": "red"}


@with_options
def check_command(
    sources: Sources,
    defaults: ShotDefaults,
    overrides: JobOverrides,
    frames: Annotated[
        str | None, typer.Option(help="Frames to judge, such as 1001-1040x10,1055; default: the shot.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List every frame, not only those to look at.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdicts as JSON, one line each.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write a table of all frames to this file.")
    ] = None,
    save: Annotated[
        bool,
        typer.Option("--save/--no-save", help="Write NAME.check.json beside the result, for panel and page."),
    ] = True,
) -> None:
    """Judge the frames of jobs without knowing the truth: green, amber or red, and why.

    The exit status is 9 where frames are red or missing.
    """
    from void_server.verdict.job_result import judge_job
    from void_server.verdict.job_result import save as save_verdict

    jobs = listed_results(sources, defaults, overrides, notes_to_stderr=as_json)
    console = Terminal()
    found: list[Verdict] = []

    def check_one(job: RemovalJob) -> None:
        wanted = None if frames is None else frames_in(job, frames)
        with StageProgress(job.shot.name, Terminal(stderr=True)) as bars:
            monitor = TerminalMonitor(bars)
            with stopping_on_signals(monitor.stop):
                verdict = judge_job(job, monitor, wanted)
        found.append(verdict)
        path = None
        if save and wanted is None and verdict.frames:
            try:
                path = save_verdict(verdict)
            except OSError as error:
                raise OutputError(
                    f"the verdict cannot be written beside {verdict.result} ({error.strerror or error}); "
                    "--no-save leaves it out"
                ) from error
        if as_json:
            say_json(verdict)
            return
        rows = [one for one in verdict.frames if every or one.status != "green"]
        if rows:
            console.print(_table(rows))
        for finding in verdict.findings:
            say(finding.line)
        say(f"{verdict.shot}: {verdict.summary}" + ("" if path is None else f"; verdict: {path}"))

    try:
        each_by_itself(jobs, check_one)
    finally:
        if table is not None and found:
            _write_csv(table, found)
    red = [one.shot for one in found if one.status == BAD]
    if red:
        raise CommandError(f"frames are at fault or missing: {', '.join(red)}", ExitCode.NOT_GOOD)


def _table(frames: Sequence[FrameEntry]) -> PlainTable:
    table = PlainTable("frame", "verdict", "faults", "nearest", "invented")
    for one in frames:
        nearest = max(one.severity, key=lambda flag: one.severity[flag], default="")
        table.add_row(
            str(one.frame),
            one.status,
            ", ".join(one.flags),
            f"{nearest} {one.severity[nearest]:.2f}" if nearest else "",
            "" if one.invented is None else f"{round(100 * one.invented)} %",
            style=_COLOURS.get(one.status),
        )
    return table


def _write_csv(path: Path, verdicts: Sequence[Verdict]) -> None:
    kinds = sorted({flag for verdict in verdicts for one in verdict.frames for flag in one.severity})
    measures = sorted({name for verdict in verdicts for one in verdict.frames for name in one.measures})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["shot", "frame", "verdict", "faults", "invented", "touched", *kinds, *measures])
    for verdict in verdicts:
        for one in verdict.frames:
            touched = "" if one.touched is None else f"{one.touched[0]} {one.touched[1]}"
            values = [one.severity.get(kind, "") for kind in kinds] + [
                one.measures.get(name, "") for name in measures
            ]
            invented = "" if one.invented is None else one.invented
            writer.writerow(
                [verdict.shot, one.frame, one.status, " ".join(one.flags), invented, touched, *values]
            )
        for number in verdict.missing:
            writer.writerow([verdict.shot, number, "missing"])
    try:
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise OutputError(f"{path}: the table cannot be written ({error.strerror})") from error


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("check")(check_command)
