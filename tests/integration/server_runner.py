"""Small real runners for the tests of the server: they copy plates to results, or misbehave on request.

The prompt of a job says how: words such as ``slow``, ``crash``, ``crash-once``, ``deaf``, ``fail``.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from void_engine.errors import PlateError
from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import RemovalJob
from void_protocol.sequence import frame_path


def copy_frames(
    job: RemovalJob, monitor: RemovalMonitor, *, resume: bool = False, wait_s: float = 0.0
) -> None:
    """Copy each plate frame, with every input file's size in the log."""
    words = job.settings.prompt.split()
    monitor.log(f"copying, resume {resume}")
    for matte in job.mattes:
        monitor.log(f"matte has {frame_path(matte.pattern, job.shot.first_frame).stat().st_size} bytes")
    if job.anchors is not None:
        monitor.log(f"anchor {frame_path(job.anchors.pattern, job.anchors.frames[0]).read_bytes()!r}")
    if "fail" in words:
        raise PlateError("frame 1001 is broken; render it again")
    if "talk" in words:
        monitor.log("word " * 2_000_000)
        raise PlateError("sorry " * 1_000_000)
    if "bug" in words:
        raise KeyError("no such thing")
    total = len(job.shot.frame_numbers)
    for step, frame in enumerate(job.shot.frame_numbers, start=1):
        target = frame_path(job.output.versioned_pattern, frame)
        if not (resume and target.exists()):
            _misbehave(words, job, frame, monitor)
            part = target.with_suffix(".part")
            part.write_bytes(frame_path(job.shot.plate, frame).read_bytes())
            part.rename(target)
        monitor.frame_done(frame, target)
        monitor.preview(frame, np.full((4, 6, 3), 0.5, np.float32))
        monitor.progress("copy", step, total, frame)


def _misbehave(words: list[str], job: RemovalJob, frame: int, monitor: RemovalMonitor) -> None:
    if frame == job.shot.first_frame:
        return
    if "slow" in words:
        for _ in range(20):
            monitor.check_cancelled()
            time.sleep(0.02)
    if "deaf" in words:
        time.sleep(60)
    once = Path(job.output.versioned_pattern).parent / "crashed.once"
    if "crash" in words or ("crash-once" in words and not once.exists()):
        if not once.exists():
            # The last lines before a sudden end are not promised, and a test looks for the first run's.
            time.sleep(0.3)
        once.touch()
        print("about to die", flush=True)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
