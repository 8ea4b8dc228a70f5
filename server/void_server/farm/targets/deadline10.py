"""Thinkbox Deadline 10: job-info and plug-in-info files for ``deadlinecommand``, one pair for each step.

The steps use Deadline's plug-in CommandLine. The keys are documented here:
https://docs.thinkboxsoftware.com/products/deadline/10.4/1_User%20Manual/manual/manual-submission.html
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, step_commands
from void_server.farm.errors import FarmError
from void_server.farm.submitter import handed_over, not_taken

FRAME_TOKEN = "<STARTFRAME>"  # noqa: S105 - the plug-in replaces it with the task's frame
FOLDER = "deadline10"
WORDS = ("priority", "pool", "department", "retries", "limits", "machine_limit")
_JOB_ID = re.compile(r"^JobID=(\S+)", re.MULTILINE)


def write(bundle: Bundle) -> Path:
    """Write a pair of files for each step, and return their folder."""
    folder = bundle.folder / FOLDER
    folder.mkdir(exist_ok=True)
    for command in step_commands(bundle, FRAME_TOKEN):
        _write(folder / f"{command.name}_job_info.job", job_info(bundle, command))
        _write(folder / f"{command.name}_plugin_info.job", plugin_info(command))
    return folder


def job_info(bundle: Bundle, command: StepCommand, *, after: str = "") -> dict[str, str]:
    """Return the job-info file of a step.

    Args:
        after: id, as Deadline gave it, of the job that must be done before.
    """
    info = {
        "Plugin": "CommandLine",
        "Name": f"VOID {bundle.name} - {command.name}",
        "BatchName": f"VOID {bundle.name}",
        "Frames": f"0-{command.tasks - 1}",
        "ChunkSize": "1",
        "TaskTimeoutSeconds": str(command.needs.timeout_s),
        "OnTaskTimeout": "Error",
        "OutputDirectory0": bundle.assets.outputs[-1],
    }
    order = bundle.order
    if order.priority is not None:
        info["Priority"] = str(order.priority)
    if order.pool:
        info["Pool"] = order.pool
    if order.department:
        info["Department"] = order.department
    if order.retries is not None:
        info |= {"OverrideTaskFailureDetection": "true", "FailureDetectionTaskErrors": str(order.retries + 1)}
    if order.limits:
        info["LimitGroups"] = ",".join(order.limits)
    if order.machine_limit is not None:
        info["MachineLimit"] = str(order.machine_limit)
    if after:
        info["JobDependencies"] = after
    for index, (name, value) in enumerate(sorted(bundle.environment.items())):
        info[f"EnvironmentKeyValue{index}"] = f"{name}={value}"
    if command.needs.gpus and bundle.order.gpu_group:
        info["Group"] = bundle.order.gpu_group
    return info


def plugin_info(command: StepCommand) -> dict[str, str]:
    """Return the plug-in-info file of a step."""
    return {
        "Executable": command.words[0],
        "Arguments": " ".join(_quoted(word) for word in command.words[1:]),
        "Shell": "default",
        "ShellExecute": "False",
        "SingleFramesOnly": "True",
    }


def obstacle() -> str:
    """Return why nothing can be submitted from here; empty when it can."""
    return "" if _command() else "there is no deadlinecommand here; put it on the PATH or set DEADLINE_PATH"


def submit(bundle: Bundle) -> str:
    """Submit the steps in order, each depending on the one before.

    Raises:
        FarmError: when ``deadlinecommand`` fails or gives no job id.
    """
    folder = write(bundle)
    before = ""
    for command in step_commands(bundle, FRAME_TOKEN):
        info = folder / f"{command.name}_job_info.job"
        _write(info, job_info(bundle, command, after=before))
        program, what = _command(), f"the step {command.name}"
        ran = handed_over([program, str(info), str(folder / f"{command.name}_plugin_info.job")], what)
        found = _JOB_ID.search(ran.stdout)
        if found is None:
            raise not_taken(program, what, ran.stderr or ran.stdout)
        before = found[1]
    return f"{bundle.name}: Deadline job {before} and those it depends on"


def _command() -> str:
    folder = os.environ.get("DEADLINE_PATH", "")
    return shutil.which("deadlinecommand", path=folder or None) or ""


def _quoted(word: str) -> str:
    """Quote a word. The plug-in has its own token for quotes, because it reads none in the file."""
    if '"' in word:
        raise FarmError(
            f"Deadline 10's command lines cannot hold a quotation mark, and {word} has one; rename the file "
            "or folder"
        )
    return f"<QUOTE>{word}<QUOTE>" if " " in word else word


def _write(path: Path, entries: Mapping[str, str]) -> None:
    path.write_text("".join(f"{key}={value}\n" for key, value in entries.items()), encoding="utf-8")
