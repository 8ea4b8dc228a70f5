"""The installer's command line: ``python3 installer [--prefix DIR] [--verbose] VERB [arguments]``."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Sequence
from pathlib import Path

from installer import nuke
from installer.console import Console
from installer.environment import Environment, clean_variables
from installer.errors import PackageError, SetupError
from installer.host_checks import check_host
from installer.openfx import verb as openfx
from installer.openfx.compilers import system_compiler
from installer.plan import ZIG
from installer.project import Project
from installer.project_checks import run_checks
from installer.provision import provide, provide_steps

_VERBS = {
    "demo": "remove an object from a generated HDR shot, through the real server, and show the result",
    "test": "run the project's checks and tests (--quick, --lint, --coverage: some; else: pytest alone)",
    "doctor": "check this machine, one line for each finding",
    "nuke": "put the panel and the gizmos into Nuke's folder (--uninstall takes them out)",
    "openfx": "build the plug-in for OpenFX hosts and put it where they look (--uninstall takes it out)",
}
_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run the installer with ``arguments`` and return the exit status."""
    options, passed_on = _parse(arguments)
    console = Console()
    project = Project()
    prefix = Path(options.prefix).expanduser().resolve() if options.prefix else project.root / ".venv"
    try:
        return _run(options.verb, prefix, project, console, passed_on, verbose=options.verbose)
    except SetupError as error:
        console.failure(error.what, error.why, error.remedy)
        if isinstance(error, PackageError):
            console.say(f"  Log: {prefix / 'install.log'}")
        return 1
    except KeyboardInterrupt:
        console.say("\n  Stopped. What is finished is kept; the same command goes on from there.")
        return _INTERRUPTED


def _run(
    verb: str, prefix: Path, project: Project, console: Console, passed_on: Sequence[str], *, verbose: bool
) -> int:
    if verb == "nuke":
        return nuke.run(prefix, project, console, passed_on, verbose=verbose)
    if verb == "openfx":
        return openfx.run(prefix, project, console, passed_on, verbose=verbose)
    if verb == "doctor":
        host_is_fine = check_host(prefix, console)
        environment = provide(verb, prefix, project, console, verbose=verbose)
        return max(_void(environment, verb, passed_on), 0 if host_is_fine else 1)
    console.say(f"VOID for Nuke, {verb}: {prefix}")
    environment = provide(verb, prefix, project, console, verbose=verbose)
    if verb == "test":
        if system_compiler() is None:  # the tests build the OpenFX plug-in
            provide_steps((ZIG,), prefix, project, console, verbose=verbose)
        return run_checks(environment, project, console, passed_on)
    return _void(environment, verb, passed_on)


def _void(environment: Environment, verb: str, passed_on: Sequence[str]) -> int:
    """Run the ``void`` command of the environment and return its status, also when it is interrupted."""
    command = [str(environment.python), "-m", "void_server", verb, *passed_on]
    with subprocess.Popen(command, env=clean_variables()) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the command got the signal too, and tidies up before it ends
            process.wait()
            return _INTERRUPTED


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--prefix", metavar="DIR", help="the environment (default: .venv in the checkout)")
    own.add_argument("--verbose", action="store_true", help="show all that pip says")
    verbs = "\n".join(f"  {verb:<8} {what}" for verb, what in _VERBS.items())
    parser = argparse.ArgumentParser(
        prog="python3 installer",
        description="Sets VOID for Nuke up in an environment of its own and runs it. Verbs:\n" + verbs,
        epilog="Everything else behind the verb is passed on, for example: python3 installer test -k roto\n"
        "test --quick: style, import rules and the fast unit tests; test --lint: style, types, import rules\n"
        "test --coverage: all tests, and which lines they ran",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[own],
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=_VERBS)
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="for the demo, pytest, the doctor, nuke or openfx"
    )
    options = parser.parse_args(arguments)
    # The installer's own options may also come after the verb, where the first pass leaves them.
    return own.parse_known_args(options.arguments, options)
