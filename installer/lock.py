"""Lets only one set-up at a time work on an environment, because pip cannot share one with a second pip."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_RETRY_S = 0.5


@contextmanager
def exclusive(folder: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep ``folder`` to this process. While another process has it, wait, and call ``on_wait`` once before.

    The lock is a file in the temporary folder, because ``folder`` itself may have to be deleted. The
    operating system releases the lock when the process ends, so that none is ever left behind.
    """
    with _lock_file(folder).open("a") as file:
        if not _try_lock(file):
            on_wait()
            while not _try_lock(file):
                time.sleep(_RETRY_S)
        yield


def _lock_file(folder: Path) -> Path:
    name = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    # Each user has a lock of their own, because another user's temporary file may not be opened.
    user = os.environ.get("USERNAME", "") if sys.platform == "win32" else str(os.getuid())
    return Path(tempfile.gettempdir()) / f"void-setup-{user}-{name}.lock"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
