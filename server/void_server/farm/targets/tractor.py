"""Pixar's Tractor: a job script, in the Tcl operators that ``tractor-spool`` reads.

The operators and their options: https://rmanwiki.pixar.com/display/TRA/Job+Scripting+Operators
Progress lines: https://rmanwiki.pixar.com/display/TRA/Job+Scripting
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, step_commands
from void_server.farm.errors import FarmError
from void_server.farm.monitor import Dialect
from void_server.farm.submitter import handed_over, last_line

SCRIPT_NAME = "tractor.alf"
TASK_TOKEN = "{task}"  # noqa: S105 - each task's command is written out with its own number
WORDS = ("priority", "pool", "department", "limits", "machine_limit", "tags")
_SPOOL = "tractor-spool"
_SPECIAL = re.compile(r'[\\{}\[\]$"; \t#]')


def write(bundle: Bundle) -> Path:
    """Write the job script and return its path."""
    path = bundle.folder / SCRIPT_NAME
    path.write_text(script(bundle), encoding="utf-8")
    return path


def script(bundle: Bundle) -> str:
    """Return the job script: the steps one after the other, in each of them all tasks side by side.

    Raises:
        FarmError: when a path has a sign that Tractor gives a meaning of its own.
    """
    order = bundle.order
    options = {"title": tcl_word(f"VOID {bundle.name}")}
    if order.priority is not None:
        options["priority"] = tcl_word(str(order.priority))
    if order.department:
        options["projects"] = tcl_list([order.department])
    if order.limits:
        options["tags"] = tcl_list(order.limits)
    if order.machine_limit is not None:
        options["maxactive"] = str(order.machine_limit)
    if bundle.environment:
        options["envkey"] = tcl_list(f"setenv {name}={value}" for name, value in bundle.environment.items())
    steps = "".join(_step(bundle, step) for step in step_commands(bundle, TASK_TOKEN, Dialect.TRACTOR))
    return (
        "##AlfredToDo 3.0\n"
        f"Job {_options(options)} -subtasks {{\n"
        f"  Task {{steps}} -serialsubtasks 1 -subtasks {{\n{steps}  }}\n}}\n"
    )


def _step(bundle: Bundle, step: StepCommand) -> str:
    """The task of a step, whose own tasks run side by side."""
    # A command takes as many slots of a blade as it has cores.
    slots = str(step.needs.cores)
    options = {"atleast": slots, "atmost": slots, "maxrunsecs": str(step.needs.timeout_s)}
    order = bundle.order
    keys = [key for key in (order.pool, *order.tags_for(step.needs.gpus)) if key]
    if keys:
        options["service"] = tcl_word(",".join(keys))
    tasks = "".join(
        f"      Task {tcl_word(f'{step.name} {task}')} -cmds {{\n"
        f"        RemoteCmd {tcl_list(_plain(step.words_of(task, TASK_TOKEN)))} {_options(options)}\n"
        "      }\n"
        for task in range(step.tasks)
    )
    return f"    Task {tcl_word(step.name)} -subtasks {{\n{tasks}    }}\n"


def _options(options: dict[str, str]) -> str:
    return " ".join(f"-{name} {value}" for name, value in options.items())


def _plain(words: list[str]) -> list[str]:
    for word in words:
        if "%" in word:
            raise FarmError(
                f"Tractor puts a value of its own for a percent sign in a command, and {word} has one; "
                "rename the folder"
            )
    return words


def tcl_list(words: Iterable[str]) -> str:
    """Return words as one braced list of Tcl's."""
    return "{" + " ".join(tcl_word(word) for word in words) + "}"


def tcl_word(text: str) -> str:
    """Return a text as one word of a Tcl list, also inside further braces; line breaks become blanks."""
    text = " ".join(text.splitlines())
    if not any(sign in text for sign in "\\{}"):
        return "{" + text + "}"
    return _SPECIAL.sub(lambda found: "\\" + found[0], text)


def obstacle() -> str:
    """Return why nothing can be submitted from here; empty when it can."""
    if shutil.which(_SPOOL):
        return ""
    return f"there is no {_SPOOL} here; run '{_SPOOL} {SCRIPT_NAME}' where Tractor is installed"


def submit(bundle: Bundle) -> str:
    """Hand the script to ``tractor-spool``, which knows the engine.

    Raises:
        FarmError: when it does not take the script.
    """
    ran = handed_over([_SPOOL, str(bundle.folder / SCRIPT_NAME)], bundle.name)
    return f"{bundle.name}: Tractor, {last_line(ran.stdout.strip() or ran.stderr)}"
