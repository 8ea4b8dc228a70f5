"""Plain commands with their dependencies, for queues of one's own, Argo, make, or a shell.

They are a JSON graph, and a POSIX shell script that runs all of it or one task.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, is_for_task, step_commands
from void_server.farm.errors import FarmError

GRAPH_NAME = "commands.json"
SCRIPT_NAME = "commands.sh"
TASK_TOKEN = "{task}"  # noqa: S105 - whoever runs a command replaces it by the task's number
WORDS = ("priority", "pool", "department", "retries", "limits", "machine_limit", "tags")

_SCRIPT = """\
#!/bin/sh
# Runs the removal {title}: all of it, one step, or one task.
#
#   commands.sh                  all steps in order; JOBS tasks at a time (1)
#   commands.sh STEP             all tasks of a step: {names}
#   commands.sh STEP TASK        one task, from 0
#
# What is whole is kept, so the script may be run again after a failure.
set -u
{exports}
run_task() {{
    task=$2
    case $1 in
{cases}
    *) echo "$0: there is no step $1; the steps are {names}" >&2; return 2 ;;
    esac
}}

tasks_of() {{
    case $1 in
{counts}
    *) echo 0 ;;
    esac
}}

run_step() {{
    count=$(tasks_of "$1")
    next=0
    while [ "$next" -lt "$count" ]; do
        # A group of JOBS tasks runs side by side; the step fails when one of them does.
        pids=
        end=$((next + ${{JOBS:-1}}))
        while [ "$next" -lt "$count" ] && [ "$next" -lt "$end" ]; do
            run_task "$1" "$next" &
            pids="$pids $!"
            next=$((next + 1))
        done
        for pid in $pids; do
            wait "$pid" || return $?
        done
    done
}}

case $# in
0)
    for step in {names}; do
        run_step "$step" || exit $?
    done
    ;;
1) run_step "$1" ;;
*) run_task "$1" "$2" ;;
esac
"""


def write(bundle: Bundle) -> Path:
    """Write the graph and the script, and return the graph's path."""
    steps = step_commands(bundle, TASK_TOKEN)
    order = bundle.order
    graph = {
        "name": f"VOID {bundle.name}",
        "environment": bundle.environment,
        "task_token": TASK_TOKEN,
        "priority": order.priority,
        "pool": order.pool,
        "department": order.department,
        "retries": order.retries,
        "limits": list(order.limits),
        "machine_limit": order.machine_limit,
        "tags": list(order.tags),
        "steps": [_step(step) for step in steps],
    }
    path = bundle.folder / GRAPH_NAME
    path.write_text(json.dumps(graph, indent=1) + "\n", encoding="utf-8")
    script = bundle.folder / SCRIPT_NAME
    script.write_text(_script(bundle, steps), encoding="utf-8")
    script.chmod(0o755)
    return path


def obstacle() -> str:
    """Say that no service takes plain commands."""
    return f"run {SCRIPT_NAME} of the bundle, or give {GRAPH_NAME} to a queue of your own"


def submit(bundle: Bundle) -> str:
    """Refuse, for the reason that :func:`obstacle` gives."""
    raise FarmError(obstacle())


def _step(step: StepCommand) -> dict[str, object]:
    return {
        "name": step.name,
        "command": list(step.words),
        "tasks": step.tasks,
        "after": [] if step.after is None else [step.after],
        **asdict(step.needs),
    }


def _script(bundle: Bundle, steps: list[StepCommand]) -> str:
    return _SCRIPT.format(
        title=" ".join(bundle.name.split()),
        names=" ".join(step.name for step in steps),
        exports=exports(bundle),
        cases="\n".join(
            f"    {step.name}) {shell_words(step.words, TASK_TOKEN, '$task')} ;;" for step in steps
        ),
        counts="\n".join(f"    {step.name}) echo {step.tasks} ;;" for step in steps),
    )


def exports(bundle: Bundle) -> str:
    """Return the shell's lines that set the variables of every task."""
    return "\n".join(
        f"export {name}={shlex.quote(value)}" for name, value in sorted(bundle.environment.items())
    )


def shell_words(words: Sequence[str], token: str, variable: str) -> str:
    """Quote words for a POSIX shell, with a shell variable for the token: a word of its own, or the end of an
    option's."""
    return " ".join(_shell_word(word, token, variable) for word in words)


def _shell_word(word: str, token: str, variable: str) -> str:
    if not is_for_task(word, token):
        return shlex.quote(word)
    option = word.removesuffix(token)
    return f'{shlex.quote(option) if option else ""}"{variable}"'
