"""``void batch``: many shots, with one table and one report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from void_engine.errors import RemovalCancelled
from void_server.cli.declared_options import with_options
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError, exit_code_of
from void_server.cli.job_overrides import JobOverrides, with_overrides
from void_server.cli.progress import StageProgress
from void_server.cli.run import TerminalMonitor
from void_server.cli.stopping import stopping_on_signals
from void_server.scratch import settle_in


class _ShotsMonitor(TerminalMonitor):
    """Shows one shot after the other on the terminal."""

    def begin_shot(self, name: str, index: int, count: int) -> None:
        self.frames_done = 0
        self._progress.message(f"[{index + 1}/{count}] {name}")


@with_options
def batch(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCES...",
            help="Job files, folders of them, manifests (.csv, .json), editorial timelines (.otio, .edl).",
        ),
    ],
    overrides: JobOverrides,
    report: Annotated[
        Path | None, typer.Option(help="The report, as JSON; default: beside the first source.")
    ] = None,
    plate: Annotated[
        str, typer.Option(help="Plate pattern of shots that name none; {shot} becomes the name.")
    ] = "",
    output: Annotated[str, typer.Option(help="Result pattern; {shot} and {version} are filled in.")] = "",
    remove: Annotated[str, typer.Option(help="Mattes of what to remove: PATTERN[:CHANNEL];...")] = "",
    affected: Annotated[str, typer.Option(help="Mattes of what the object did to the scene.")] = "",
    ignore: Annotated[str, typer.Option(help="Mattes of hold-outs.")] = "",
    quadmask: Annotated[str, typer.Option(help="A quadmask instead of mattes.")] = "",
    prompt: Annotated[str, typer.Option(help="Prompt of shots that have none.")] = "",
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for temporary files and, where none is set, caches.")
    ] = None,
) -> None:
    """Run many shots here, skip what is done from the same inputs, and report on all of them."""
    if scratch is not None:
        settle_in(scratch)
    from void_server.batch.manifest_row import ManifestRow
    from void_server.batch.report import ShotState
    from void_server.batch.running import run_batch
    from void_server.batch.sources import read_sources

    row = ManifestRow(
        plate=plate,
        output=output,
        remove=remove,
        affected=affected,
        ignore=ignore,
        quadmask=quadmask,
        prompt=prompt,
    )
    jobs = [with_overrides(job, overrides) for job in read_sources(sources, row)]
    path = report or sources[0].absolute().with_name(f"{sources[0].absolute().stem}_report.json")
    console = Console(file=sys.stdout, highlight=False)
    with StageProgress("batch", console) as bars:
        monitor = _ShotsMonitor(bars)
        try:
            with stopping_on_signals(monitor.stop):
                found = run_batch(jobs, monitor, path, exit_status=exit_code_of)
        except RemovalCancelled:
            typer.echo(f"report: {path}")
            raise
    console.print(found.table())
    typer.echo(f"{found.summary}; report: {path}")
    failed = found.count(ShotState.FAILED)
    if failed:
        raise CommandError(f"{failed} of {len(jobs)} shots failed; {path} says why", ExitCode.SOME_FAILED)


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(batch)
