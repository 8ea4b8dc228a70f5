"""``python3 installer openfx``: builds the OpenFX plug-in and installs it, or makes a bundle to carry."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from installer import provision, server_wheels
from installer.console import Console
from installer.environment import Environment, open_environment
from installer.errors import SetupError
from installer.folder_swap import replaced
from installer.openfx import bundle, install, places
from installer.openfx.build import build
from installer.openfx.compilers import Compiler, system_compiler, zig_compiler
from installer.openfx.targets import TARGETS, Target, these_targets, this_system
from installer.openfx.universal import join
from installer.plan import ZIG
from installer.project import Project

_HOUSE_BUNDLE = "openfx"
"""The folder of the bundle in a wheelhouse."""


def run(
    prefix: Path, project: Project, console: Console, arguments: Sequence[str], *, verbose: bool = False
) -> int:
    """Build, install or uninstall, as ``arguments`` say, and return the exit status.

    Raises:
        SetupError: when a step cannot be done; the first such step ends the run.
    """
    options = _parse(arguments)
    plugins = Path(options.plugin_path or places.default_folder()).expanduser().absolute()
    if options.uninstall:
        return _uninstall(plugins, console)
    setup = _Setup(
        prefix, project, console, verbose=verbose, zig=options.zig, may_fetch=not options.no_zig_download
    )
    if options.bundle:
        made = setup.make_bundle(Path(options.bundle).expanduser().absolute(), _targets(options))
        console.say(f"  {made}: copy it into a folder where hosts look for plug-ins.")
        console.say(
            "  Its bridge needs a Python with VOID's server: `python3 installer openfx` on that machine notes"
        )
        console.say("  which, or VOID_OPENFX_PYTHON names it.")
        return 0
    house = Path(options.wheelhouse).expanduser().absolute() if options.wheelhouse else None
    if options.fill:
        assert house is not None
        return _fill(house, setup, _targets(options))
    return _install(plugins, house, setup, options)


def _install(plugins: Path, house: Path | None, setup: _Setup, options: argparse.Namespace) -> int:
    console, project = setup.console, setup.project
    console.say(f"VOID for OpenFX hosts: {plugins}")
    install.check_writable(plugins, chosen=bool(options.plugin_path))
    python = options.python or str(setup.server_python)
    with tempfile.TemporaryDirectory(prefix="void-bundle-") as temporary:
        ready = house / _HOUSE_BUNDLE / bundle.FOLDER if house else None
        if ready is None or not _fits(ready):
            ready = setup.make_bundle(Path(temporary), these_targets())
        with console.step("Plug-in") as line:
            note = bundle.Note(project.version, {this_system(): python})
            line.detail = str(install.install(ready, plugins, note))
    for cleared in places.clear_host_caches():
        console.say(f"  Deleted {cleared}: the host makes it again, with the new plug-in.")
    servers_own = server_wheels.find_folder(house) if house else None
    if options.python or options.no_server or (house and servers_own is None):
        console.say(f"  The bridge runs with {python}, which was left as it is.")
    else:
        provision.provide("openfx", setup.prefix, project, console, verbose=setup.verbose, wheels=servers_own)
    if options.plugin_path:
        console.say(f"  Set OFX_PLUGIN_PATH to {plugins} where hosts start, unless they look there already.")
    console.say("  Start the host: the effect is VOID Remove, in the group VOID.")
    return 0


def _uninstall(plugins: Path, console: Console) -> int:
    was_there = install.uninstall(plugins)
    console.say(
        f"VOID Remove is removed from {plugins}."
        if was_there
        else f"VOID Remove is not installed in {plugins}: nothing to do."
    )
    if was_there:
        places.clear_host_caches()
    return 0


def _fill(house: Path, setup: _Setup, targets: Sequence[Target]) -> int:
    setup.make_bundle(house / _HOUSE_BUNDLE, targets)
    provision.fetch_server("openfx", house, setup.prefix, setup.project, setup.console)
    setup.console.say(f"  Take {house} to the machine without a network, and there run:")
    setup.console.say(f"    python3 installer openfx --wheelhouse {house}")
    return 0


def _fits(ready: Path) -> bool:
    """Whether a bundle has a binary for this machine."""
    return all(bundle.binary_of(ready, target).is_file() for target in these_targets())


def _targets(options: argparse.Namespace) -> Sequence[Target]:
    return TARGETS if options.all_platforms else these_targets()


class _Setup:
    """What every step needs: the environment's place, the project, the console, and compilers."""

    def __init__(
        self, prefix: Path, project: Project, console: Console, *, verbose: bool, zig: bool, may_fetch: bool
    ) -> None:
        self.prefix = prefix
        self.project = project
        self.console = console
        self.verbose = verbose
        self._zig_only = zig
        self._may_fetch = may_fetch
        self._zig: Compiler | None = None

    @property
    def server_python(self) -> Path:
        return (open_environment(self.prefix) or Environment(self.prefix, "")).python

    def make_bundle(self, out: Path, targets: Sequence[Target]) -> Path:
        """Build for ``targets`` and return the bundle in the folder ``out``, there whole or as it was."""
        ready = out / bundle.FOLDER
        if ready.exists() and bundle.read_note(ready) is None:
            why = f"{ready} is there and was not made by this installer"
            raise SetupError("The bundle", why, "move that folder away, or name another")
        with tempfile.TemporaryDirectory(prefix="void-bundle-") as temporary:
            fresh = Path(temporary) / bundle.FOLDER
            bundle.write_frame(fresh, self.project.root, self.project.version)
            bundle.write_note(fresh, bundle.Note(self.project.version))
            for folder in dict.fromkeys(target.folder for target in targets):
                self._build_folder(fresh, [target for target in targets if target.folder == folder])
            out.mkdir(parents=True, exist_ok=True)
            with replaced(ready) as incoming:
                shutil.copytree(fresh, incoming)
        return ready

    def _build_folder(self, fresh: Path, targets: Sequence[Target]) -> None:
        """Build one folder of a bundle: one binary, which on macOS is for both processors."""
        place = bundle.binary_of(fresh, targets[0])
        parts = []
        for target in targets:
            compiler = self._compiler(target)
            with self.console.step(f"Plug-in for {target.name}") as line:
                part = place if len(targets) == 1 else place.with_suffix(f".{target.name}")
                build(self.project.root, compiler, target, part, self.project.version)
                parts.append(part)
                name = "Zig" if compiler.is_zig else compiler.command[0]
                line.detail = f"{name}, {part.stat().st_size / 1e6:.1f} MB"
        if len(parts) > 1:
            place.write_bytes(join([part.read_bytes() for part in parts]))
            place.chmod(0o755)
            for part in parts:
                part.unlink()

    def _compiler(self, target: Target) -> Compiler:
        if not self._zig_only and target in these_targets():
            found = system_compiler()
            if found is not None:
                return found
        if self._zig is None:
            self._zig = zig_compiler(Path(sys.executable)) or zig_compiler(self.server_python)
        if self._zig is None and not self._may_fetch:
            why = "there is none, and Zig is not to be fetched"
            raise SetupError("A C++ compiler", why, "pip install ziglang, or install g++")
        if self._zig is None:
            provision.provide_steps((ZIG,), self.prefix, self.project, self.console, verbose=self.verbose)
            self._zig = zig_compiler(self.server_python)
        if self._zig is None:
            raise SetupError(
                "A C++ compiler", "there is none, and the ziglang package does not run", "install g++"
            )
        return self._zig


def _parse(arguments: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 installer openfx", allow_abbrev=False)
    parser.add_argument(
        "--plugin-path",
        metavar="DIR",
        help=f"install there (default: {places.default_folder()}, for everybody)",
    )
    parser.add_argument("--uninstall", action="store_true", help="take it out again")
    parser.add_argument("--bundle", metavar="OUT", help="only make the bundle, in this folder")
    parser.add_argument(
        "--all-platforms", action="store_true", help="with --bundle or --fill: Linux, Windows and macOS"
    )
    parser.add_argument(
        "--zig", action="store_true", help="compile with Zig also where the system has a compiler"
    )
    parser.add_argument(
        "--no-zig-download", action="store_true", help="where there is no compiler, say so and fetch none"
    )
    parser.add_argument(
        "--python", metavar="FILE", help="the Python that the bridge runs with, which has the server"
    )
    parser.add_argument("--no-server", action="store_true", help="leave the server's packages as they are")
    parser.add_argument(
        "--wheelhouse", metavar="DIR", help="take the bundle and the server's packages from this folder"
    )
    parser.add_argument("--fill", action="store_true", help="only fill the wheelhouse")
    options = parser.parse_args(list(arguments))
    if options.fill and not options.wheelhouse:
        parser.error("--fill needs --wheelhouse DIR")
    if options.all_platforms and not (options.bundle or options.fill):
        parser.error("--all-platforms needs --bundle OUT or --fill; an installation is for this system")
    return options
