"""The checks of the project, in the order of their price: style, types, import rules, tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from installer.console import Console
from installer.environment import Environment, clean_variables
from installer.errors import SetupError
from installer.project import Project


@dataclass(frozen=True, slots=True)
class ProjectCheck:
    """A command of the environment's Python, and what a failure of it is called in the summary."""

    title: str
    arguments: tuple[str, ...]
    shows_output: bool = False
    """Whether its output is worth seeing when it passes, as it appears."""
    runs_beside: bool = False
    """Whether it takes long, and runs while the others do. What it says comes after them."""


_LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
)
_TESTS = ("-m", "pytest")
_IN_PARALLEL = ("-q", "--numprocesses", "2", "--dist", "worksteal")

_TYPES = ProjectCheck("Types (mypy, strict)", ("-m", "mypy"), runs_beside=True)
LINT = (
    ProjectCheck("Style (ruff check)", ("-m", "ruff", "check", ".")),
    ProjectCheck("Format (ruff format)", ("-m", "ruff", "format", "--check", ".")),
    _TYPES,
    ProjectCheck("Import rules (import-linter)", ("-c", _LINT_IMPORTS)),
)
"""What ``test --lint`` runs: everything that reads the code without running it."""

QUICK = (
    *(check for check in LINT if check is not _TYPES),  # mypy takes longer than all the others together
    ProjectCheck(
        "Quick tests (pytest)",
        (*_TESTS, *_IN_PARALLEL, "-m", "not (slow or integration or golden)"),
        shows_output=True,
    ),
)
"""What ``test --quick`` runs, between two changes of a line of code."""

CHECKS = (
    *LINT,
    ProjectCheck("Tests (pytest)", (*_TESTS, *_IN_PARALLEL), shows_output=True),
)
"""What ``test`` runs, here and in continuous integration."""

COVERAGE = (
    ProjectCheck(
        "Tests (pytest, coverage)",
        (*_TESTS, *_IN_PARALLEL, "--cov", "--cov-report=term"),
        shows_output=True,
    ),
)
"""What ``test --coverage`` runs: counting lines takes as long again as the Python that is counted."""

SELECTIONS = {"--lint": LINT, "--quick": QUICK, "--coverage": COVERAGE}


def run_checks(environment: Environment, project: Project, console: Console, arguments: Sequence[str]) -> int:
    """Runs all checks, or with one of ``SELECTIONS`` its own, or with other ``arguments`` pytest alone.

    Every check is run, also after one has failed, so that one run shows everything that is wrong.

    Returns:
        0 when everything passed, otherwise 1; with arguments for pytest, pytest's own status.

    Raises:
        SetupError: when ``arguments`` hold a selection and something else.
    """
    selection = next((argument for argument in arguments if argument in SELECTIONS), None)
    if selection is None:
        if arguments:
            return _run(environment, project, (*_TESTS, *arguments))
        return _run_all(CHECKS, environment, project, console)
    if len(arguments) > 1:
        raise SetupError(
            f"test {' '.join(arguments)}",
            f"{selection} is a choice of checks by itself",
            f"python3 installer test {selection}, or leave {selection} out and give pytest the rest",
        )
    return _run_all(SELECTIONS[selection], environment, project, console)


def _run_all(
    checks: Sequence[ProjectCheck], environment: Environment, project: Project, console: Console
) -> int:
    started = time.monotonic()
    failed = set()
    with ThreadPoolExecutor() as pool:
        beside = {
            check: pool.submit(_read, check, environment, project) for check in checks if check.runs_beside
        }
        for check in sorted(checks, key=lambda check: check.runs_beside):
            console.say(f"  {console.mark_busy} {check.title}")
            if check.shows_output:
                status, said = _run(environment, project, check.arguments), ""
            else:
                status, said = (
                    beside[check].result() if check in beside else _read(check, environment, project)
                )
            if status != 0:
                failed.add(check)
                console.say(said.rstrip())
    console.say()
    for check in checks:
        console.check(check.title, check not in failed, "failed" if check in failed else "passed")
    console.say(f"  {time.monotonic() - started:.0f} s in all")
    return 1 if failed else 0


def _read(check: ProjectCheck, environment: Environment, project: Project) -> tuple[int, str]:
    """Return the status of ``check`` and all that it said."""
    done = subprocess.run(
        [str(environment.python), *check.arguments],
        cwd=project.root,
        env=_variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def _run(environment: Environment, project: Project, arguments: Sequence[str]) -> int:
    command = [str(environment.python), *arguments]
    return subprocess.run(command, cwd=project.root, env=_variables(), check=False).returncode


def _variables() -> dict[str, str]:
    """Return the variables of checks. Python keeps what it has compiled: tests start it a thousand times, and
    each time everything would be compiled again."""
    return {name: value for name, value in clean_variables().items() if name != "PYTHONDONTWRITEBYTECODE"}
