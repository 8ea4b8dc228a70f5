"""``void clean``: shows what can be deleted and, with ``--yes``, deletes it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from void_protocol.keys import home_folder
from void_protocol.messages import CleanReport
from void_protocol.operating import Operating
from void_server.broker.jobs.spool import Spool
from void_server.broker.jobs.store import Store
from void_server.broker.operators import cleaning
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.jobs import EndpointOption, HomeOption, connected_client
from void_server.cli.terminal import PlainTable, Terminal, say, say_json
from void_server.errors import HomeInUseError
from void_server.settings import ServerSettings

_SHOWN = 30


def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it nothing is deleted.")] = False,
    days: Annotated[
        float | None,
        typer.Option(help="Delete everything older than this, whatever the retention.", min=0.0),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    home: HomeOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Show what can be deleted (old jobs, logs and results, leftovers, caches), and delete it with --yes.

    A running server does it with its own retention, for operators only. Where no server runs, this command
    does it with the default retention.

    Example: void clean --days 3, and then: void clean --days 3 --yes
    """
    report = None
    if endpoint is None and (home_folder(home) / "jobs.sqlite").exists():
        with suppress(HomeInUseError):  # a server has started meanwhile, and it does the cleaning
            report = _clean_here(home_folder(home), yes, days)
    if report is None:
        with connected_client(home, endpoint) as client:
            report = Operating(client).clean(apply=yes, days=days).result()
    if as_json:
        say_json(report)
    else:
        _tell(report)
    if report.problems:
        raise CommandError("\n".join(report.problems), ExitCode.BAD_OUTPUT)


def _clean_here(home: Path, yes: bool, days: float | None) -> CleanReport:
    settings, spool = ServerSettings(home=home), Spool(home)
    store = Store(home / "jobs.sqlite")
    try:
        found = cleaning.find(settings, spool, cleaning.ask(store, settings, days), days)
        problems: list[str] = []
        if yes:
            cleaning.forget(store, found)
            store.commit()
            problems = cleaning.delete(found)
    finally:
        store.close()
    return cleaning.report(0, found, applied=yes, problems=problems)


def _tell(report: CleanReport) -> None:
    table = PlainTable(box=None, pad_edge=False)
    for name in ("kind", "what", "size", "why"):
        table.add_column(name, no_wrap=name != "why", justify="right" if name == "size" else "left")
    for item in report.items[:_SHOWN]:
        table.add_row(item.kind, item.what, f"{item.size_bytes / 1e6:.1f} MB", item.why)
    if report.items:
        Terminal().print(table)
    if report.count > _SHOWN:
        say(f"and {report.count - _SHOWN} more")
    total = f"{report.count} things, {report.size_bytes / 1e6:.1f} MB"
    if report.applied:
        say(f"deleted: {total}")
    elif report.count:
        say(f"{total} may go; nothing was deleted: 'void clean --yes' does that")
    else:
        say("nothing to clean")


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command()(clean)
