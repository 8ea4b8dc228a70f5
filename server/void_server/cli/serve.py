"""``void serve``: the server in this terminal."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.logging import RichHandler

from void_protocol.keys import home_folder
from void_server.settings import DEFAULT_ENDPOINT, ServerSettings


def serve(
    home: Annotated[
        Path | None, typer.Option(help="Keys, job store and spool; default: VOID_HOME or ~/.void-nuke.")
    ] = None,
    endpoint: Annotated[
        str, typer.Option(help="Where to listen; port 0 takes a free one.")
    ] = DEFAULT_ENDPOINT,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Allow to listen on more than this machine.")
    ] = False,
    read_root: Annotated[
        list[Path] | None, typer.Option(help="Jobs may read only below these folders.")
    ] = None,
    output_root: Annotated[
        list[Path] | None, typer.Option(help="Jobs may write only below these folders.")
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="VOID's model folder; by default the one VOID_MODELS names.")
    ] = None,
    device: Annotated[list[str] | None, typer.Option(help="One worker for each; default: auto.")] = None,
) -> None:
    """Run the server until Ctrl-C."""
    from void_server.serve import serve as serve_until_stopped

    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(show_path=False)])
    if models is not None:
        from void_engine.engines.registry import MODELS_VARIABLE

        os.environ[MODELS_VARIABLE] = str(models.resolve())  # which the workers inherit
    settings = ServerSettings(
        home=home_folder(home),
        endpoint=endpoint,
        allow_remote=allow_remote,
        devices=tuple(device or ("auto",)),
        read_roots=tuple(read_root or ()),
        output_roots=tuple(output_root or ()),
    )
    serve_until_stopped(settings, on_ready=lambda where: typer.echo(f"void serve: listening on {where}"))


def add_to(app: typer.Typer) -> None:
    """Register this family's commands."""
    app.command()(serve)
