"""``void host-files``: writes what Nuke and OpenFX hosts load into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_server.cli.terminal import say
from void_server.errors import ServiceError
from void_server.operation.host_files import (
    SYSTEMS,
    build_openfx,
    fetch_packages,
    this_system,
    write_host_files,
)


def host_files(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; put it on NUKE_PATH.")],
    python: Annotated[
        list[str] | None,
        typer.Option(help="Nuke's Python: 3.11 (Nuke 16 and 17, the default) or 3.10 (15); several times."),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option("--platform", help=f"For Nukes on other machines: {', '.join(SYSTEMS)}; several times."),
    ] = None,
    wheelhouse: Annotated[
        Path | None, typer.Option(help="Take the packages from this folder of wheels, without a network.")
    ] = None,
    packages: Annotated[
        bool,
        typer.Option(
            help="Put pyzmq and msgspec for Nuke's Python beside the plug-in; else Nuke needs them."
        ),
    ] = True,
    openfx: Annotated[
        bool | None,
        typer.Option(
            help="Build the OpenFX plug-in for this system into DIR/openfx; by default where a compiler is."
        ),
    ] = None,
) -> None:
    """Write panel, gizmos and their packages into a folder for NUKE_PATH, the OpenFX plug-in below it.

    A folder of its own for each release lets several be used side by side. The plug-in is compiled with the
    system's C++ compiler, or with Zig: pip install ziglang.

    Example: void host-files /studio/void/0.1.0/nuke --python 3.11 --python 3.10
    """
    for one in system or []:
        if one not in SYSTEMS:
            raise typer.BadParameter(f"{one!r} is none of {', '.join(SYSTEMS)}", param_hint="--platform")
    folder = folder.expanduser().absolute()
    write_host_files(folder)
    if packages:
        for one in system or [this_system()]:
            for release in python or ["3.11"]:
                fetch_packages(folder, release, one, wheelhouse)
    say(f"{folder}: panel and gizmos; start Nuke with NUKE_PATH={folder}")
    if openfx is not False:
        try:
            made = build_openfx(folder / "openfx")
        except ServiceError as error:
            if openfx:
                raise
            say(f"no OpenFX plug-in: {error}")
        else:
            say(f"{made}: start OpenFX hosts with OFX_PLUGIN_PATH={made.parent}")


def add_to(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("host-files")(host_files)
