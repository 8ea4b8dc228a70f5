"""``void openfx-bridge``: the process beside an OpenFX host."""

from __future__ import annotations

import os

import typer


def bridge() -> None:
    """Talk to the OpenFX plug-in that started this process, through standard input and output.

    The plug-in starts it by itself; docs/openfx_protocol.md says what goes between the two.
    """
    from void_server.openfx_bridge.main import run_bridge

    status = run_bridge()
    # Threads may wait for a server or a disk, and nothing is left to be done.
    os._exit(status)


def add_to(app: typer.Typer) -> None:
    """Add this family's commands to ``app``."""
    app.command("openfx-bridge")(bridge)
