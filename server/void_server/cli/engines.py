"""``void engines``: lists the engines of this machine, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from void_protocol.messages import EngineDescription
from void_server.cli.terminal import PlainTable, Terminal, cell, say_json

if TYPE_CHECKING:
    from void_engine.engines.info import EngineInfo


def engines(
    name: Annotated[
        str | None, typer.Argument(metavar="[ENGINE]", help="Show one engine with its options.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the engines of this machine, or one with its options.

    Example: void engines propagation
    """
    from void_engine.engines.registry import engine_info
    from void_server.engine_descriptions import describe, describe_engines

    chosen = None if name is None else engine_info(name)
    if as_json:
        found = describe_engines() if chosen is None else [describe(chosen)]
        say_json(found)
    else:
        Terminal().print(engine_table(describe_engines()) if chosen is None else _engine_page(chosen))


def engine_table(found: list[EngineDescription]) -> PlainTable:
    """Return a table of the engines, which says which of them can be used."""
    table = PlainTable(box=None)
    for title in ("engine", "title", "options"):
        table.add_column(title, no_wrap=True)
    table.add_column("can be used")
    for one in found:
        verdict = Text("yes") if not one.problem else cell(f"no: {one.problem}", "yellow")
        table.add_row(one.name, one.title, str(len(one.options) or "-"), verdict)
    return table


def _engine_page(info: EngineInfo) -> RenderableType:
    problem = info.problem()
    verdict = f"cannot be used: {problem}" if problem else "can be used here"
    reads = "reads the prompt" if info.reads_prompt else "reads no prompt"
    title = info.title if info.title != info.name else ""
    about = " ".join(text for text in (title and f"{title}.", info.summary) if text)
    head = Text(f"{info.name}{': ' if about else ''}{about}\n{verdict}\n{reads}\n")
    presets = [
        Text(f"quality {quality}: " + ", ".join(f"{name} {value}" for name, value in options.items()))
        for quality, options in info.presets.items()
    ]
    if not info.options:
        return Group(head, *presets, Text("no options"))
    table = PlainTable(box=None)
    table.add_column("option", no_wrap=True)
    for title in ("default", "takes", "what it does"):
        table.add_column(title)
    for option in info.options:
        table.add_row(option.name, option.default_text, option.domain, option.help)
    return Group(head, *presets, table)


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(engines)
