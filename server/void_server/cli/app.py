"""The ``void`` command."""

from __future__ import annotations

import signal
from importlib.metadata import version
from typing import Annotated

import typer

from . import (
    batch,
    clean,
    demo,
    doctor,
    farm,
    jobs,
    keys,
    logs,
    make,
    models,
    pictures,
    queue,
    run,
    serve,
    status,
)
from .explain import ExplainingGroup

app = typer.Typer(
    name="void",
    cls=ExplainingGroup,
    help="Remove an object from a shot together with everything it did to the scene.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"void {version('void-nuke')}")
        raise typer.Exit


@app.callback()
def void(
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the release.")
    ] = False,
) -> None:
    """Remove an object from a shot together with everything it did to the scene."""
    # --debug is read by ExplainingGroup from the context, where every error passes.


for family in (run, batch, make, pictures, serve, jobs, status, logs, queue, clean, demo):
    family.add_to(app)
app.command("doctor", help=doctor.doctor.__doc__)(doctor.doctor)
app.add_typer(farm.app, name="farm")
app.add_typer(models.app, name="models", help="VOID's model files: fetch, check, make tiny ones for tests.")
app.add_typer(keys.app, name="keys", help="Who may use the server, and the keys of both sides.")


def main() -> None:
    """The entry point."""
    # A dispatcher's SIGTERM ends a command as Ctrl-C does: told, and with its status.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
