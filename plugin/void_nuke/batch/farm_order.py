"""Hands jobs to a render farm by running ``void farm bundle`` with the server's own Python."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from void_nuke.batch.server_python import plain_variables, without_window
from void_nuke.errors import ExportCancelled, FarmOrderError

TARGETS: Mapping[str, str] = {
    "openjd": "Open Job Description",
    "deadline-cloud": "Deadline Cloud",
    "opencue": "OpenCue",
    "deadline10": "Deadline 10",
    "slurm": "Slurm",
    "tractor": "Tractor",
    "royalrender": "Royal Render",
    "commands": "Plain commands",
}
"""The targets of ``void farm bundle --to``, with the names that the artist reads. Kubernetes is not among
them, because it wants an image and volumes named on the command line."""

_ERROR = "error:"
"""The command's error messages begin with this."""
_MOST_SIGNS = 600
_LOOK_S = 0.1
_LIMIT_S = 900.0
"""Writing a bundle of hundreds of shots takes seconds; a command that takes longer than this is stuck."""


@dataclass(frozen=True)
class FarmOrder:
    """Which farm gets the jobs, and which Python hands them over."""

    target: str
    """The farm, one of :data:`TARGETS`."""
    python: str
    """The Python that has the server's packages."""


def job_file_of(result_pattern: str) -> Path:
    """Return the job's file, which lies beside the frames of ``result_pattern`` (with its version filled
    in)."""
    pattern = Path(result_pattern)
    return pattern.with_name(f"{pattern.name.partition('.')[0]}.job.json")


def bundle_folder_of(result_pattern: str, target: str) -> Path:
    """Return the folder for the bundle of one job, which lies beside the job's frames."""
    return Path(result_pattern).parent / f"farm_{target}"


def hand_over(
    order: FarmOrder,
    job_files: Sequence[Path],
    folder: Path,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    limit_s: float = _LIMIT_S,
) -> str:
    """Bundle the jobs and, where the target does that, submit them. This must not run on the main thread.

    Args:
        order: the farm and its Python.
        job_files: files that :func:`void_protocol.job_file.write_job` wrote.
        folder: where to write the bundle.
        is_cancelled: asked ten times a second; when it says yes, the process is ended.
        limit_s: after this many seconds the process is taken for stuck and ended.

    Returns:
        The command's last line.

    Raises:
        FarmOrderError: when there is no such Python, or the command fails; its own message says why.
        ExportCancelled: when ``is_cancelled`` said so.
    """
    if not order.python or not Path(order.python).is_file():
        raise FarmOrderError(
            f"there is no Python for the farm's command{f' at {order.python}' if order.python else ''}; "
            "run 'python3 installer nuke' in the checkout, or choose the server's Python in the panel"
        )
    command = [order.python, "-m", "void_server", "farm", "bundle", *map(str, job_files)]
    command += ["--to", order.target, "-o", str(folder)]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=plain_variables(),
            **without_window(),
        )
    except OSError as error:
        raise FarmOrderError(
            f"the farm's command cannot be started with {order.python} ({error.strerror}); "
            "choose another Python"
        ) from error
    with process:
        said = _wait(process, is_cancelled, time.monotonic() + limit_s)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if process.returncode != 0:
        why = _complaint(lines) or f"it ended with status {process.returncode} and left no word"
        raise FarmOrderError(f"{TARGETS.get(order.target, order.target)} did not take the job: {why}")
    return lines[-1] if lines else ""


def _complaint(lines: Sequence[str]) -> str:
    """Return the command's message from ``error:`` on as one line, or its last line where it says no such
    thing."""
    begins = [index for index, line in enumerate(lines) if line.startswith(_ERROR)]
    told = lines[begins[-1] :] if begins else lines[-1:]
    return " ".join(told).removeprefix(_ERROR).strip()[:_MOST_SIGNS]


def _wait(process: subprocess.Popen[str], is_cancelled: Callable[[], bool], limit: float) -> str:
    while True:
        try:
            return process.communicate(timeout=_LOOK_S)[0]
        except subprocess.TimeoutExpired:
            if is_cancelled():
                process.kill()
                raise ExportCancelled(
                    "cancelled before the farm had the job; nothing was submitted"
                ) from None
            if time.monotonic() > limit:
                process.kill()
                raise FarmOrderError(
                    "the farm's command does not come to an end; run 'void farm bundle' in a terminal "
                    "to see why"
                ) from None
