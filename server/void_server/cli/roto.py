"""``void roto``: shows the roto shapes in scripts of Nuke and in other programs' files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from void_server.cli.terminal import PlainTable, Terminal, cell, say_json
from void_server.roto_files.model import RotoFile, RotoNode
from void_server.roto_files.readers import read_roto_file

app = typer.Typer(help="Show the roto shapes in other programs' files.", no_args_is_help=True)


@app.callback()
def _roto() -> None:
    """Show the roto shapes in other programs' files."""


@app.command("list")
def list_shapes(
    file: Annotated[Path, typer.Argument(help="A Nuke script or gizmo, or a Silhouette or Natron file.")],
    view: Annotated[str | None, typer.Option(help="The stereo view; the first one if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List nodes, layers, shapes and keys of a file, and what cannot be carried into a job and why.

    Example: void roto list shot.nk
    """
    found = read_roto_file(file, view)
    if as_json:
        say_json(listing(found))
        return
    console = Terminal(soft_wrap=True)
    if not found.nodes:
        console.print(f"{file}: no roto node")
    for node in found.nodes:
        console.print(cell(f"{node.name} ({node.class_name})", "bold"))
        console.print(_table(node))


def listing(found: RotoFile) -> dict[str, Any]:
    """Return what ``--json`` prints: every curve of every node."""
    return {
        "nodes": [
            {
                "name": node.name,
                "class": node.class_name,
                "shapes": [
                    {
                        "name": curve.name,
                        "kind": curve.kind,
                        "points": curve.points,
                        "keys": curve.keys,
                        "carried": curve.carried,
                        "why": curve.why,
                    }
                    for curve in node.curves
                ],
            }
            for node in found.nodes
        ]
    }


def _table(node: RotoNode) -> PlainTable:
    table = PlainTable(box=None)
    for title in ("shape", "kind", "points", "keys", "carried"):
        table.add_column(title, no_wrap=True)
    table.add_column("why")
    for curve in node.curves:
        carried = Text("yes", style="green") if curve.carried else Text("no", style="yellow")
        keys = str(curve.keys) if curve.keys else "-"
        table.add_row(curve.path, curve.kind, str(curve.points), keys, carried, curve.why)
    return table
