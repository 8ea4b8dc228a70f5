"""The server's own packages in a wheelhouse, for a machine that has no network."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from installer import pip_failure
from installer.environment import Environment, clean_variables
from installer.pip_run import constrained
from installer.project import Project

FOLDER = "server"
"""Beside the packages for Nuke's Python: one folder is carried over."""
# What hatchling asks for when it installs a project in place; pip finds that out only while it builds.
_FOR_EDITABLE = ("editables",)


def find_folder(house: Path) -> Path | None:
    """The server's part of a wheelhouse; None when it has none."""
    folder = house / FOLDER
    return folder if any(folder.glob("*.whl")) else None


def fetch(
    house: Path,
    project: Project,
    environment: Environment,
    extras: Sequence[str],
    on_line: Callable[[str], None],
) -> Path:
    """Downloads all that ``extras`` need, at the pinned versions, for this system and the environment's
    Python, and what building the project in place needs; returns the folder.

    Raises:
        PackageError: with the package, the cause and the remedy.
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
    output: list[str] = []
    with environment.log.open("a", encoding="utf-8") as log:
        log.write(f"\n== The server's packages\n{' '.join(command)}\n")
        with subprocess.Popen(
            command,
            env=constrained(clean_variables(), project),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as pip:
            assert pip.stdout is not None
            for line in pip.stdout:
                log.write(line)
                output.append(line.rstrip())
                on_line(output[-1])
    if pip.returncode != 0:
        raise pip_failure.explain(output, pip.returncode, "the server's packages", environment.python_version)
    return folder
