"""Brings an environment to the state that a verb needs, doing only what is not done yet."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from installer import nuke_wheels, pip_run, server_wheels, system_libraries
from installer.console import Console
from installer.environment import Environment, free_bytes, make_environment, open_environment
from installer.errors import VenvError
from installer.lock import exclusive
from installer.pip_failure import package_in
from installer.plan import INSTALL_STEPS, InstallStep
from installer.project import Project
from installer.stamp import Stamp

_GIB = 1024**3
_VENV_BYTES = 100 * 1024**2


def provide(
    verb: str,
    prefix: Path,
    project: Project,
    console: Console,
    *,
    verbose: bool,
    wheels: Path | None = None,
) -> Environment:
    """Return the environment in ``prefix`` with all that ``verb`` needs; with ``wheels``, from that folder
    alone.

    Raises:
        SetupError: when a step cannot be done. The steps before it are kept, and the next call goes on after
            them.
    """
    return provide_steps(INSTALL_STEPS[verb], prefix, project, console, verbose=verbose, wheels=wheels)


def provide_steps(
    steps: Iterable[InstallStep],
    prefix: Path,
    project: Project,
    console: Console,
    *,
    verbose: bool,
    wheels: Path | None = None,
) -> Environment:
    """Return the environment in ``prefix`` with all that ``steps`` install, as :func:`provide` does.

    Raises:
        SetupError: when a step cannot be done.
    """
    with alone(prefix, console):
        environment = _environment(prefix, project, console)
        stamp = Stamp(prefix, project, environment.python_version)
        is_new = False
        for step in steps:
            if not stamp.covers(step):
                _install(step, environment, project, console, verbose=verbose, wheels=wheels)
                stamp.add(step)
                is_new = True
        if is_new:  # Once for all steps, because it looks at everything that is there.
            with console.step("Python modules compiled"):
                pip_run.compile_installed(environment)
        return environment


def fetch_server(verb: str, house: Path, prefix: Path, project: Project, console: Console) -> None:
    """Download what ``verb`` installs into the wheelhouse ``house``, for this system and the Python in
    ``prefix``.

    Raises:
        SetupError: when that fails.
    """
    with alone(prefix, console):
        environment = open_environment(prefix) or make_environment(prefix, project.root)
        with console.step("Packages for the server") as line:

            def show(said: str) -> None:
                if (package := package_in(said)) is not None:
                    line.activity(package)

            extras = [extra for step in INSTALL_STEPS[verb] for extra in step.extras]
            folder = server_wheels.fetch(house, project, environment, extras, show)
            platform = nuke_wheels.this_platform()
            line.detail = f"for Python {environment.python_version} on {platform}: {folder}"


def alone(prefix: Path, console: Console) -> AbstractContextManager[None]:
    """Keep the environment in ``prefix`` to this process; where another has it, say so and wait."""
    return exclusive(prefix, lambda: console.say(f"  Waiting: another set-up is busy in {prefix}"))


def _environment(prefix: Path, project: Project, console: Console) -> Environment:
    environment = open_environment(prefix)
    if environment is not None:
        return environment
    title = "Environment remade (it was broken)" if (prefix / "pyvenv.cfg").exists() else "Environment made"
    with console.step(title) as line:
        _require_room(prefix, _VENV_BYTES)
        environment = make_environment(prefix, project.root)
        line.detail = f"Python {environment.python_version} in {prefix}"
    return environment


def _install(
    step: InstallStep,
    environment: Environment,
    project: Project,
    console: Console,
    *,
    verbose: bool,
    wheels: Path | None,
) -> None:
    missing = system_libraries.find_missing(project.distributions(step.extras))
    if missing:
        with console.step("System libraries") as line:
            line.detail = ", ".join(library.soname for library in missing)
            system_libraries.provide(missing)
    with console.step(step.title) as line:
        _require_room(environment.prefix, step.needs_bytes)

        def show(said: str) -> None:
            if verbose:
                console.say("    " + said)
            elif (package := package_in(said)) is not None:
                line.activity(package)

        pip_run.install(environment, project, step, show, wheels)


def _require_room(folder: Path, needed_bytes: int) -> None:
    free = free_bytes(folder)
    if free < needed_bytes:
        why = f"the disk has {free / _GIB:.1f} GiB left, and up to {needed_bytes / _GIB:.1f} GiB are needed"
        raise VenvError(f"The environment {folder}", why, "make room, or choose another disk with --prefix")
