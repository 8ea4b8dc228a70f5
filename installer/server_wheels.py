"""Fetches the server's own packages into a wheelhouse, for a machine that has no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from installer.environment import Environment, clean_variables
from installer.pip_run import constrained, run_pip
from installer.project import Project

FOLDER = "server"
"""The folder of the server's packages, beside those for Nuke's Python, so that one folder is carried over."""
# hatchling asks for this when it installs a project in place; pip finds that out only while it builds.
_FOR_EDITABLE = ("editables",)


def find_folder(house: Path) -> Path | None:
    """Return the server's folder in a wheelhouse, or None when there is none."""
    folder = house / FOLDER
    return folder if any(folder.glob("*.whl")) else None


def fetch(
    house: Path,
    project: Project,
    environment: Environment,
    extras: Sequence[str],
    on_line: Callable[[str], None],
) -> Path:
    """Download all that ``extras`` need, and what building the project in place needs, at the pinned
    versions, for this system and the environment's Python. Return the folder.

    Raises:
        PackageError: when that fails; it has the package, the cause and the remedy.
    """
    folder = house / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(str(environment.python), "-I", "-m", "pip", "download", "--no-input", "--only-binary=:all:"),
        *("--disable-pip-version-check", "--progress-bar", "off", "--dest", str(folder)),
        *project.requirements(extras),
        *project.build_requirements,
        *(_FOR_EDITABLE if any("hatchling" in one for one in project.build_requirements) else ()),
    ]
    run_pip(command, constrained(clean_variables(), project), "the server's packages", environment, on_line)
    return folder
