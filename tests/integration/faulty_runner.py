"""The real runner on a machine that fails on request: the prompt of a job says how.

``full``, ``read-only``, ``forbidden`` and ``gone`` keep results from being written while the file
``fault`` lies in the plate's folder. ``hang`` stands still for good, ``hold`` keeps Python's lock for three
seconds, ``hungry`` runs out of memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from pathlib import Path

from void_engine.plates.exr import file as exr
from void_engine.plates.storage.output_folder import NewFile, OutputFolder
from void_engine.removal_monitor import RemovalMonitor
from void_protocol.job import RemovalJob
from void_server import job_run, translate

_CODES = {"full": errno.ENOSPC, "read-only": errno.EROFS, "forbidden": errno.EACCES, "gone": errno.ESTALE}
_put_in_place = exr.put_in_place


def run(job: RemovalJob, monitor: RemovalMonitor, *, resume: bool = False, wait_s: float = 0.0) -> None:
    word = job.settings.prompt
    fault = Path(job.shot.plate).parent / "fault"

    def put_in_place(file: NewFile, folder: OutputFolder, name: str) -> None:
        if word in _CODES and fault.exists():
            raise OSError(_CODES[word], os.strerror(_CODES[word]))
        _put_in_place(file, folder, name)

    exr.put_in_place = put_in_place
    translate.TURN_S = 0.7
    if word == "hang":
        monitor.progress("dreaming", 0, 10)
        _sleep_for_ever()
    if word == "hold":
        monitor.progress("counting", 0, 10)
        ctypes.PyDLL(None).sleep(3)
    if word == "hungry":
        raise MemoryError
    job_run.run_job(job, monitor, resume=resume, wait_s=wait_s)


def _sleep_for_ever() -> None:
    while True:
        time.sleep(60)
