"""What may stand in a removal's way and pass by itself: a full disk, a drive that is gone, a late frame.

An error that names an obstacle (:attr:`~void_engine.errors.EngineError.obstacle`) is worth another try. What
is tried again is the single read or write that failed, so that no work of the engine is lost.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from void_engine.errors import EngineError

T = TypeVar("T")
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0
_PROBE_BYTES = 64 * 1024
_CHECK_S = 0.2
"""How often whoever waits looks whether the removal was cancelled."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_GONE = (
    errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.ECONNRESET,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
)  # fmt: skip
"""What a drive says that is not there any more."""
_FOLDER_GONE = (errno.ENOENT, errno.ENOTDIR)


def read_obstacle(path: Path, number: int, error: OSError) -> str:
    """What keeps frame ``number`` from being read, if it may pass; else an empty text."""
    code = _code_of(error)
    if code in _FORBIDDEN and not path.is_dir():
        return f"waiting for permission to read frame {number} ({path})"
    if code in _GONE:
        return f"waiting for the drive of frame {number} ({path}): {os.strerror(code)}"
    return ""


def write_obstacle(path: Path, error: OSError) -> str:
    """What keeps a file from being written, if it may pass; else an empty text.

    Ask before what was written of it is deleted: a library that failed may not tell why, and a volume that is
    full must still be so.
    """
    folder = path.parent
    code = _code_of(error) or _code_of_probe(folder)
    if code in _FULL:
        return f"output volume full: {_amount(_free_bytes(folder))} left"
    if code == errno.EROFS:
        return f"output folder {folder} is read-only"
    if code in _FORBIDDEN:
        return f"no permission to write into output folder {folder}"
    if code in _GONE:
        return f"the drive of output folder {folder} does not answer: {os.strerror(code)}"
    if code in _FOLDER_GONE and not folder.exists():
        return f"output folder {folder} is gone"
    return ""


def with_need(obstacle: str, needed_bytes: int) -> str:
    """The obstacle of a full volume with what is still to be written; any other as it is."""
    if obstacle.startswith("output volume full"):
        return f"{obstacle}, needs about {_amount(needed_bytes)}"
    return obstacle


def _code_of(error: OSError) -> int:
    """The error's number, also where a library has left only its text."""
    if error.errno:
        return error.errno
    text = str(error)
    for code in (*_FULL, errno.EROFS, *_FORBIDDEN, *_GONE):
        if os.strerror(code) in text:
            return code
    return 0


def _code_of_probe(folder: Path) -> int:
    """The number of the error that writing a small file there runs into; 0 where it goes well."""
    probe = folder / f".void-probe-{secrets.token_hex(8)}"
    try:
        with probe.open("xb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno or 0
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return 0


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _amount(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


class Patience:
    """Tries again while an obstacle stands, up to a limit. Safe to use from several threads."""

    def __init__(
        self,
        limit_s: float = 0.0,
        tell: Callable[[str], None] = lambda obstacle: None,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to wait for obstacles.

        Args:
            limit_s: how long one obstacle may stand; 0 does not wait at all.
            tell: hears each new obstacle, and an empty text when there is none any more.
            check_cancelled: asked a few times a second; what it raises ends the wait.
        """
        self._limit_s = limit_s
        self._tell = tell
        self._check_cancelled = check_cancelled
        self._lock = threading.Lock()
        self._obstacles: dict[int, str] = {}
        """What each waiting thread waits for, by the thread's number."""
        self._told = ""

    def insist(self, attempt: Callable[[], T], *, limit_s: float | None = None) -> T:
        """What ``attempt`` returns, tried again while it raises an error with an obstacle.

        Raises:
            EngineError: one without an obstacle, or any when the limit (``limit_s`` if given) is over.
            RemovalCancelled: when the removal is stopped meanwhile.
        """
        limit_s = self._limit_s if limit_s is None else limit_s
        pause_s, began = _FIRST_PAUSE_S, 0.0
        waited = False
        try:
            while True:
                try:
                    return attempt()
                except EngineError as error:
                    obstacle = error.obstacle
                    if not obstacle or limit_s <= 0:
                        raise
                    if waited and time.monotonic() >= began + limit_s:
                        text = f"{error} (waited {limit_s:g} s for it)"
                        raise type(error)(text, obstacle=obstacle) from error
                if not waited:
                    began, waited = time.monotonic(), True
                self._note(obstacle)
                self._pause(min(pause_s, limit_s))
                pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
        finally:
            if waited:
                self._note("")

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._check_cancelled()
            time.sleep(min(_CHECK_S, left))
        self._check_cancelled()

    def _note(self, obstacle: str) -> None:
        """Keep what this thread waits for, and tell when that changes what is waited for at all."""
        with self._lock:
            if obstacle:
                self._obstacles[threading.get_ident()] = obstacle
            else:
                self._obstacles.pop(threading.get_ident(), None)
            now = next(iter(self._obstacles.values()), "")
            if now != self._told:
                self._told = now
                self._tell(now)


NO_PATIENCE = Patience()
