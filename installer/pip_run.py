"""Runs pip quietly: its output goes to a log, and its present activity to the screen."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from installer import pip_failure
from installer.environment import Environment, clean_variables
from installer.plan import InstallStep
from installer.project import Project

# pip retries a broken connection by itself a few times. With 0 it would not even say that there is none.
_RETRIES = 4


def install(
    environment: Environment,
    project: Project,
    step: InstallStep,
    on_line: Callable[[str], None],
    wheels: Path | None = None,
) -> None:
    """Install what ``step`` asks for, at the pinned versions, and this project in place. Nothing is compiled.

    ``on_line`` is called with every line that pip prints. With ``wheels``, pip looks only at that folder.

    Raises:
        PackageError: when pip fails; it has the package, the cause and the remedy.
    """
    command = [
        *(str(environment.python), "-I", "-m", "pip", "install"),
        *(
            "--no-input",
            "--no-user",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
            "--retries",
            str(_RETRIES),
            "--no-compile",  # pip would compile one module after another; see compile_installed
        ),
        *step.requirements,
    ]
    if step.extras:
        command += ["--editable", f"{project.root}[{','.join(step.extras)}]"]
    variables = constrained(clean_variables(), project)
    if wheels is not None:
        variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri()}
    run_pip(command, variables, step.title, environment, on_line)


def compile_installed(environment: Environment) -> None:
    """Compile what :func:`install` has installed, on all cores, so that nobody waits for it at a first start.

    What cannot be compiled, such as a package's templates, does not matter: Python says so if it is ever
    imported.
    """
    subprocess.run(
        [
            str(environment.python),
            "-I",
            *("-m", "compileall", "-q", "-q", "-j", "0"),
            str(environment.prefix),
        ],
        env=clean_variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def run_pip(
    command: list[str],
    variables: dict[str, str],
    title: str,
    environment: Environment,
    on_line: Callable[[str], None],
) -> None:
    """Run one pip command. Its output goes to the environment's log and, line by line, to ``on_line``.

    Raises:
        PackageError: when pip fails; it has the package, the cause and the remedy.
    """
    output: list[str] = []
    with environment.log.open("a", encoding="utf-8") as log:
        log.write(f"\n== {title}\n{' '.join(command)}\n")
        with subprocess.Popen(
            command,
            env=variables,
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
                log.flush()
                output.append(line.rstrip())
                on_line(output[-1])
    if pip.returncode != 0:
        raise pip_failure.explain(output, pip.returncode, title, environment.python_version)


def constrained(variables: dict[str, str], project: Project) -> dict[str, str]:
    """Return ``variables`` with the project's pins for pip.

    The pins go into variables rather than options, because pip passes only variables on to the builds that it
    starts. They are URLs, because pip splits the text at blanks. Limits that the studio has set hold too.
    """
    pins = {
        name: f"{project.constraints.as_uri()} {variables.get(name, '')}".strip()
        for name in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")
    }
    return variables | pins
