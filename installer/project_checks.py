"""The checks of the project, in the order of their price: style, types, import rules, tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from installer.console import Console
from installer.environment import Environment, clean_variables
from installer.project import Project


@dataclass(frozen=True, slots=True)
class ProjectCheck:
    """A command of the environment's Python, and what a failure of it is called in the summary."""

    title: str
    arguments: tuple[str, ...]
    shows_output: bool = False
    """Whether its output is worth seeing when it passes, as it appears."""


_LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
)
_TESTS = ("-m", "pytest")

CHECKS = (
    ProjectCheck("Style (ruff check)", ("-m", "ruff", "check", ".")),
    ProjectCheck("Format (ruff format)", ("-m", "ruff", "format", "--check", ".")),
    ProjectCheck("Types (mypy, strict)", ("-m", "mypy")),
    ProjectCheck("Import rules (import-linter)", ("-c", _LINT_IMPORTS)),
    ProjectCheck(
        "Tests (pytest, coverage)",
        (*_TESTS, "-q", "--numprocesses", "2", "--cov", "--cov-report=term"),
        shows_output=True,
    ),
)
"""What ``test`` runs. All of them, also after a failure: one run shows everything that is wrong."""


def run_checks(
    environment: Environment, project: Project, console: Console, pytest_arguments: Sequence[str]
) -> int:
    """Runs all checks, or with ``pytest_arguments`` only the tests that these choose.

    Returns:
        0 when everything passed, otherwise 1; with ``pytest_arguments``, pytest's own status.
    """
    if pytest_arguments:
        return _run(environment, project, (*_TESTS, *pytest_arguments))
    started = time.monotonic()
    failed = [check.title for check in CHECKS if not _passes(check, environment, project, console)]
    console.say()
    for check in CHECKS:
        console.check(check.title, check.title not in failed, "failed" if check.title in failed else "passed")
    console.say(f"  {time.monotonic() - started:.0f} s in all")
    return 1 if failed else 0


def _passes(check: ProjectCheck, environment: Environment, project: Project, console: Console) -> bool:
    console.say(f"  {console.mark_busy} {check.title}")
    if check.shows_output:
        return _run(environment, project, check.arguments) == 0
    done = subprocess.run(
        [str(environment.python), *check.arguments],
        cwd=project.root,
        env=clean_variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        console.say(done.stdout.rstrip())
    return done.returncode == 0


def _run(environment: Environment, project: Project, arguments: Sequence[str]) -> int:
    command = [str(environment.python), *arguments]
    return subprocess.run(command, cwd=project.root, env=clean_variables(), check=False).returncode
