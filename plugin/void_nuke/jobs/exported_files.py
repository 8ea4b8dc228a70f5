"""Files that a removal leaves on the way: its exported plates and mattes, and the job for a farm."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

from void_nuke.errors import ExportError
from void_protocol.job import RemovalJob
from void_protocol.job_file import write_job

_log = logging.getLogger(__name__)


def discard(folder: Path) -> None:
    """Remove temporary files. Those that cannot be removed are only logged."""
    if folder.exists():
        shutil.rmtree(
            folder, onerror=lambda _, path, error: _log.warning("cannot remove %s: %s", path, error[1])
        )


def discard_later(folder: str) -> None:
    """Remove files on another thread than the main one: hundreds of files on a network drive take a while."""
    threading.Thread(target=discard, args=(Path(folder),), name="void-discard").start()


def save_job(job: RemovalJob, path: Path) -> None:
    """Write a job's file, and its folder where that is missing.

    Raises:
        ExportError: when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_job(job, path)
    except OSError as error:
        raise ExportError(
            f"the job cannot be written to {path} ({error.strerror or error}); choose another output"
        ) from error
