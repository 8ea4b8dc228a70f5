"""``python3 installer nuke``: puts the plug-in into Nuke's folder, with packages for Nuke's own Python."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from installer import nuke_folder, nuke_wheels, provision, server_wheels
from installer.console import Console
from installer.environment import Environment, make_environment, open_environment
from installer.errors import SetupError
from installer.nuke_wheels import NEEDED, NUKE_PYTHONS, PLATFORMS, NukePython
from installer.project import Project


def run(
    prefix: Path, project: Project, console: Console, arguments: Sequence[str], *, verbose: bool = False
) -> int:
    """Install or uninstall, as ``arguments`` say, and return the exit status.

    Raises:
        SetupError: when a step cannot be done; the first such step ends the run.
    """
    options = _parse(arguments)
    nuke_dir = Path(options.nuke_dir).expanduser().absolute()
    if options.uninstall:
        was_there = nuke_folder.uninstall(nuke_dir)
        console.say(
            f"VOID for Nuke is removed from {nuke_dir}."
            if was_there
            else f"VOID for Nuke is not installed in {nuke_dir}: nothing to do."
        )
        return 0
    python = NukePython(options.python, options.platform or nuke_wheels.this_platform())
    console.say(f"VOID for Nuke, with Python {python.version} on {python.platform}: {nuke_dir}")
    with tempfile.TemporaryDirectory(prefix="void-wheels-") as temporary:
        house = Path(options.wheelhouse or temporary).expanduser().absolute()
        wheels = _wheels(house, python, prefix, project, console)
        if options.server:
            provision.fetch_server("nuke", house, prefix, project, console)
        if options.fill:
            console.say(f"  Take {house} to the machine without a network, and there run:")
            console.say(f"    python3 installer nuke --python {python.version} --wheelhouse {house}")
            return 0
        with console.step("Plug-in, gizmos and packages") as line:
            environment = open_environment(prefix)
            server = (environment or Environment(prefix, "")).python
            nuke_folder.install(nuke_dir, project.root, python, wheels, project.version, server)
            line.detail = str(nuke_dir / nuke_folder.FOLDER)
    servers_own = server_wheels.find_folder(house) if options.wheelhouse else None
    if options.no_server or (options.wheelhouse and servers_own is None):
        console.say(f"  The server's own packages were left as they are in {prefix}.")
    else:
        provision.provide("nuke", prefix, project, console, verbose=verbose, wheels=servers_own)
    console.say("  Start Nuke: the menu is in the toolbar's VOID button, the panel under Pane > VOID.")
    return 0


def _wheels(house: Path, python: NukePython, prefix: Path, project: Project, console: Console) -> list[Path]:
    wheels = nuke_wheels.find_wheels(house, python, project)
    if len(wheels) == len(NEEDED):
        return wheels
    with provision.alone(prefix, console):
        environment = open_environment(prefix) or make_environment(prefix, project.root)
        with console.step("Packages for Nuke's Python") as line:
            nuke_wheels.fetch_wheels(house, python, project, environment)
            wheels = nuke_wheels.find_wheels(house, python, project)
            line.detail = ", ".join(path.name.partition("-cp")[0] for path in wheels)
    if len(wheels) < len(NEEDED):
        why = f"{house} lacks wheels for Python {python.version} on {python.platform} after the download"
        raise SetupError("Packages for Nuke", why, "run it again with an empty folder as --wheelhouse")
    return wheels


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 installer nuke", allow_abbrev=False)
    parser.add_argument("--nuke-dir", metavar="DIR", default="~/.nuke", help="default: %(default)s")
    parser.add_argument(
        "--python", choices=NUKE_PYTHONS, default=NUKE_PYTHONS[0], help="Nuke's: 3.11 (16, 17) or 3.10 (15)"
    )
    parser.add_argument("--uninstall", action="store_true", help="take it out again, exactly")
    parser.add_argument(
        "--wheelhouse",
        metavar="DIR",
        help="take Nuke's packages from this folder; what is missing there is downloaded into it first",
    )
    parser.add_argument("--fill", action="store_true", help="only fill the wheelhouse")
    parser.add_argument(
        "--server",
        action="store_true",
        help="fill the wheelhouse with the server's packages too, for this system and Python",
    )
    parser.add_argument("--platform", choices=PLATFORMS, help="for another machine than this")
    parser.add_argument(
        "--no-server", action="store_true", help="only the plug-in: the server runs on another machine"
    )
    options = parser.parse_args(list(arguments))
    if options.fill and not options.wheelhouse:
        parser.error("--fill needs --wheelhouse DIR")
    if options.server and not options.fill:
        parser.error("--server needs --fill and --wheelhouse DIR; installing takes what the folder has")
    if options.server and options.platform not in (None, nuke_wheels.this_platform()):
        parser.error("--server is for this system: fill that part on a machine like the other one")
    return options
