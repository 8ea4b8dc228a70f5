"""Royal Render: a submission file with a job for each step, and the small scripts that its clients run.

Each job is one of Royal Render's own application *Python*, renderer *PerFrame*, which calls a script as
``SCRIPT FIRST LAST STEP``: a task is a frame. Jobs of one file wait for each other by their PreIDs.
The file: https://www.royalrender.de/help/rrJobsubmitxmlfile.html
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from void_server.farm.bundle import Bundle
from void_server.farm.commands import StepCommand, step_commands
from void_server.farm.errors import FarmError
from void_server.farm.submitter import handed_over

FOLDER = "royalrender"
JOBS_NAME = "royalrender.xml"
TASK_TOKEN = "{task}"  # noqa: S105 - the step's script puts the frame's number there
WORDS = ("priority", "pool", "department", "retries", "limits", "machine_limit")
_CONSOLE = "rrSubmitterconsole"
_SYSTEMS = {"win32": "windows", "darwin": "osx"}
_MIB_IN_GIB = 1024

SCRIPT = '''"""Run tasks of a removal: SCRIPT FIRST LAST STEP. Royal Render's Python may be an old one."""
import json
import os
import subprocess
import sys
import time

STEP = json.loads({step!r})


def run(task):
    words = []
    for word in STEP["words"]:
        is_for_task = word == STEP["token"] or word.endswith("=" + STEP["token"])
        words.append(word[: len(word) - len(STEP["token"])] + str(task) if is_for_task else word)
    environment = dict(os.environ)
    environment.update(STEP["environment"])
    process = subprocess.Popen(words, env=environment)
    limit = time.time() + STEP["timeout_s"]
    while process.poll() is None:
        if time.time() > limit:
            print("Error: task %d took longer than %d s" % (task, STEP["timeout_s"]))
            process.terminate()
            limit = time.time() + STEP["grace_s"]
            while process.poll() is None and time.time() < limit:
                time.sleep(0.1)
            if process.poll() is None:
                process.kill()
            process.wait()
            return 1
        time.sleep(0.1)
    return process.returncode


def main(first, last, every):
    for task in range(first, last + 1, max(1, every)):
        status = 1
        for attempt in range(STEP["attempts"]):
            status = run(task)
            if status == 0:
                break
        if status != 0:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(*[int(float(word)) for word in sys.argv[1:4]]))
'''


def write(bundle: Bundle) -> Path:
    """Write the scripts and the submission file, and return the file's path."""
    folder = bundle.folder / FOLDER
    folder.mkdir(exist_ok=True)
    root = ElementTree.Element("rrJob_submitFile", syntax_version="6.0")
    ElementTree.SubElement(root, "DeleteXML").text = "0"
    before: int | None = None
    for number, step in enumerate(step_commands(bundle, TASK_TOKEN), start=1):
        script = folder / f"{step.name}.py"
        script.write_text(_script(bundle, step), encoding="ascii")
        _add_job(root, bundle, step, script, number, before)
        before = number
    ElementTree.indent(root)
    path = bundle.folder / JOBS_NAME
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _script(bundle: Bundle, step: StepCommand) -> str:
    order = bundle.order
    told = {
        "words": list(step.words),
        "token": TASK_TOKEN,
        "environment": dict(bundle.environment),
        "timeout_s": step.needs.timeout_s,
        "grace_s": order.grace_s,
        "attempts": 1 + (order.retries or 0),
    }
    return SCRIPT.replace("{step!r}", repr(json.dumps(told)))


def _add_job(
    root: ElementTree.Element,
    bundle: Bundle,
    step: StepCommand,
    script: Path,
    number: int,
    before: int | None,
) -> None:
    order = bundle.order
    job = ElementTree.SubElement(root, "Job")
    nodes = {
        "Software": "Python",
        "Renderer": "PerFrame",
        "Version": "1.0",
        "SceneName": str(script),
        "SceneOS": _SYSTEMS.get(sys.platform, "linux"),
        "IsActive": "true",
        "Layer": f"VOID {bundle.name} - {step.name}",
        "SeqStart": "0",
        "SeqEnd": str(step.tasks - 1),
        "SeqStep": "1",
        "SeqFileOffset": "0",
        # Royal Render wants a name for the frames that a job renders; what these tasks write has other names.
        "ImageDir": str(script.parent),
        "ImageFilename": f"{step.name}.",
        "ImageExtension": ".done",
        "PreID": str(number),
    }
    if before is not None:
        nodes["WaitForPreID"] = str(before)
    if order.limits:
        nodes["RequiredLicenses"] = ";".join(order.limits)
    for name, text in nodes.items():
        ElementTree.SubElement(job, name).text = text
    settings: dict[str, int | str] = {
        "SequenceDivide": 1,
        "SeqDivMIN": 1,
        "SeqDivMAX": 1,
        "RenderPreviewFirst": 0,
        "DoNotCheckForFrames": 1,
        "PPSequenceCheck": 0,
        "PPCreateSmallVideo": 0,
        "RequiredMemory": math.ceil(step.needs.memory_mib / _MIB_IN_GIB),
    }
    group = order.gpu_group if step.needs.gpus and order.gpu_group else order.pool
    if group:
        settings["DefaultClientGroup"] = group
    if step.needs.gpus:
        settings["GPUrequired"] = 1
    if order.priority is not None:
        settings["Priority"] = order.priority
    if order.department:
        settings["CompanyProjectName"] = order.department
    if order.machine_limit is not None:
        settings["MaxClientsAtATime"] = order.machine_limit
    for name, value in settings.items():
        ElementTree.SubElement(job, "SubmitterParameter").text = f"{name}=1~{_setting(value)}"


def _setting(value: int | str) -> str:
    """A value of a submitter's parameter, which is one word of a line of them."""
    text = str(value)
    if any(sign in text for sign in ' \t\n"~'):
        raise FarmError(
            f"Royal Render's parameters hold no blanks, quotation marks or '~', and {text!r} has one"
        )
    return text


def obstacle() -> str:
    """Return why nothing can be submitted from here; empty when it can."""
    if _console():
        return ""
    return f"there is no {_CONSOLE} here; set RR_ROOT, or load {JOBS_NAME} in the rrSubmitter"


def submit(bundle: Bundle) -> str:
    """Hand the file to Royal Render's submitter without a window.

    Raises:
        FarmError: when it does not take the file.
    """
    handed_over([_console(), str(bundle.folder / JOBS_NAME)], bundle.name)
    return f"{bundle.name}: given to Royal Render"


def _console() -> str:
    """The submitter for command lines: on the PATH, or in Royal Render's own folder."""
    root = os.environ.get("RR_ROOT")
    folders = [os.environ.get("PATH", "")]
    if root:
        folders += [str(Path(root) / "bin" / system) for system in ("lx64", "win64", "mac64")]
    return shutil.which(_CONSOLE, path=os.pathsep.join(folders)) or ""
