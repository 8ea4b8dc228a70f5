"""Slurm: an array job for each step, each after the one before has ended well.

The options of ``sbatch``: https://slurm.schedmd.com/sbatch.html
"""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, step_commands
from void_server.farm.errors import FarmError
from void_server.farm.submitter import handed_over
from void_server.farm.targets.commands import exports, shell_words

FOLDER = "slurm"
TASK_TOKEN = "{task}"  # noqa: S105 - becomes the array's index
WORDS = ("priority", "pool", "department", "retries", "limits", "machine_limit", "tags")
MOST_IN_ARRAY = 1000
"""How many tasks one array has at most: Slurm's own default for MaxArraySize is 1001."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")

_SCRIPT = """\
#!/bin/sh
{directives}
# Which of the step's arrays this is: a step of more than {most} tasks has several.
first=${{VOID_FIRST_TASK:-0}}
task=$((first + SLURM_ARRAY_TASK_ID))
{exports}
{attempts}"""

_ONCE = """\
exec {command}
"""
_AGAIN = """\
attempt=0
until {command}; do
    attempt=$((attempt + 1))
    [ "$attempt" -le {retries} ] || exit 1
done
"""


def write(bundle: Bundle) -> Path:
    """Write a batch script for each step, and return their folder."""
    folder = bundle.folder / FOLDER
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    for step in step_commands(bundle, TASK_TOKEN):
        path = _script_of(bundle, step)
        path.write_text(script(bundle, step), encoding="utf-8")
        path.chmod(0o755)
    return folder


def script(bundle: Bundle, step: StepCommand) -> str:
    """Return the batch script of a step. Its array is given when it is submitted."""
    order = bundle.order
    logs = bundle.folder / FOLDER / "logs"
    options = {
        "job-name": _UNSAFE.sub("_", f"void_{bundle.name}_{step.name}"),
        "output": f"{logs}/{step.name}_%A_%a.log",
        "cpus-per-task": str(step.needs.cores),
        "mem": f"{step.needs.memory_mib}M",
        "time": str(math.ceil(step.needs.timeout_s / 60)),
        "signal": f"TERM@{order.grace_s}",
    }
    if step.needs.gpus:
        options["gres"] = f"gpu:{step.needs.gpus}"
    if order.priority is not None:
        # A user may only step back from the priority that Slurm gives: 100 keeps it, 0 is the last.
        options["nice"] = str((100 - order.priority) * 100)
    if order.pool:
        options["partition"] = order.pool
    if order.department:
        options["account"] = order.department
    if order.limits:
        options["licenses"] = ",".join(order.limits)
    if tags := order.tags_for(step.needs.gpus):
        options["constraint"] = "&".join(tags)
    command = shell_words(step.words, TASK_TOKEN, "$task")
    attempts = _ONCE if not order.retries else _AGAIN
    return _SCRIPT.format(
        directives="\n".join(f"#SBATCH --{name}={_directive(value)}" for name, value in options.items()),
        most=MOST_IN_ARRAY,
        exports=exports(bundle),
        attempts=attempts.format(command=command, retries=order.retries or 0),
    )


def arrays(step: StepCommand, machine_limit: int | None) -> list[tuple[int, str]]:
    """Return the arrays of a step: for each its first task and Slurm's words for its indices."""
    most = "" if machine_limit is None else f"%{machine_limit}"
    return [
        (first, f"0-{min(MOST_IN_ARRAY, step.tasks - first) - 1}{most}")
        for first in range(0, step.tasks, MOST_IN_ARRAY)
    ]


def obstacle() -> str:
    """Return why nothing can be submitted from here; empty when it can."""
    return "" if shutil.which("sbatch") else "there is no sbatch here; submit from a machine of the cluster"


def submit(bundle: Bundle) -> str:
    """Submit the steps in order, each array after all of the step before have ended well.

    Raises:
        FarmError: when ``sbatch`` does not take a step.
    """
    before: list[str] = []
    for step in step_commands(bundle, TASK_TOKEN):
        ids = []
        for first, indices in arrays(step, bundle.order.machine_limit):
            words = ["sbatch", "--parsable", f"--array={indices}", f"--export=ALL,VOID_FIRST_TASK={first}"]
            if before:
                words += [f"--dependency=afterok:{':'.join(before)}", "--kill-on-invalid-dep=yes"]
            ran = handed_over([*words, str(_script_of(bundle, step))], f"the step {step.name}")
            ids.append(ran.stdout.strip().partition(";")[0])
        before = ids
    return f"{bundle.name}: Slurm job {before[-1]} and those it depends on"


def _script_of(bundle: Bundle, step: StepCommand) -> Path:
    return bundle.folder / FOLDER / f"{step.name}.sh"


def _directive(value: str) -> str:
    """Quote a value of a directive, which Slurm splits at blanks."""
    if '"' in value or "\n" in value:
        raise FarmError(
            f"Slurm's directives cannot hold a quotation mark, and {value} has one; rename the folder"
        )
    return f'"{value}"' if " " in value else value
