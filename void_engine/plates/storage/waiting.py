"""Waiting for obstacles that may pass by themselves: a full disk, a drive that is gone, a late frame.

An error that names an obstacle (:attr:`~void_engine.errors.EngineError.obstacle`) is worth another attempt.
Only the single read or write that failed is repeated, so that no work of the engine is lost.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from void_engine.errors import EngineError, OutputError
from void_engine.plates.storage.output_folder import OutputFolder, free_bytes

T = TypeVar("T")
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0
_PROBE_BYTES = 64 * 1024
"""Size of the file that is written to find out whether a volume is full."""
_LEAST_SHARE = 0.9
"""The share of the expected room that a volume must have before the work begins."""
_CHECK_S = 0.2
"""Seconds between two checks for a cancelled removal during a wait."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_GONE = (
    errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.ECONNRESET,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
)  # fmt: skip
"""The errors of a drive that is not there any more."""
_FOLDER_GONE = (errno.ENOENT, errno.ENOTDIR)


def read_obstacle(path: Path, number: int, error: OSError) -> str:
    """Describe the obstacle that keeps frame ``number`` from being read; empty if it will not pass."""
    code = error_code(error)
    if code in _FORBIDDEN and not path.is_dir():
        return f"waiting for permission to read frame {number} ({path})"
    if code in _GONE:
        return f"waiting for the drive of frame {number} ({path}): {os.strerror(code)}"
    return ""


def write_obstacle(path: Path, error: OSError, folder: OutputFolder | None = None, began: float = 0.0) -> str:
    """Describe the obstacle that keeps a file from being written; empty if it will not pass.

    This must be called before the incomplete file is deleted: a library may not tell why it failed, so the
    volume is probed, and it should still be full then. Another thread may have deleted its own incomplete
    file by that time; so it is remembered when a volume was found full, and a write that had begun before
    that is taken to have failed for the same reason.

    Args:
        path: the file.
        error: what the write has raised.
        folder: the file's folder, where it could be opened.
        began: when the write began, as :func:`time.monotonic` tells it.
    """
    code = error_code(error)
    if not code and folder is not None:
        code = _code_of_probe(folder) or _known_full.code_since(folder, began)
    if code in _FULL and folder is not None:
        _known_full.note(folder, code)
    folder_path = path.parent
    if code in _FULL:
        left = free_bytes(folder_path) if folder is None else folder.free_bytes()
        return f"output volume full: {_amount(left)} left"
    if code == errno.EROFS:
        return f"output folder {folder_path} is read-only"
    if code in _FORBIDDEN:
        return f"no permission to write into output folder {folder_path}"
    if code in _GONE:
        return f"the drive of output folder {folder_path} does not answer: {os.strerror(code)}"
    if code in _FOLDER_GONE and not folder_path.exists():
        return f"output folder {folder_path} is gone"
    return ""


def with_need(obstacle: str, needed_bytes: int) -> str:
    """Add the bytes still to be written to the obstacle of a full volume; others stay as they are."""
    if obstacle.startswith("output volume full"):
        return f"{obstacle}, needs about {_amount(needed_bytes)}"
    return obstacle


def require_room(folder: OutputFolder, size: int, count: int) -> None:
    """Make sure that an output folder's volume has room for results.

    Frames vary in size, so a shot is refused only where it would not fit if its frames were a tenth smaller.

    Args:
        folder: the open folder, in which one frame lies already.
        size: the size of that frame in bytes.
        count: how many such frames are to come, that one among them.

    Raises:
        OutputError: when there is not enough; on a full volume with an obstacle, since somebody may make
        room.
    """
    needed = int(_LEAST_SHARE * size * count)
    free = folder.free_bytes()
    if free and needed > free + size:
        raise OutputError(
            f"{count} frames of about {_amount(size)} do not fit on the volume of {folder.path}, which has "
            f"{_amount(free)} left; make room, or choose another folder",
            obstacle=f"output volume full: {_amount(free)} left, needs about {_amount(size * count)}",
        )


def error_code(error: OSError) -> int:
    """Return the error's number, recovered from its text where a library has dropped the number; 0 where
    nobody knows."""
    if error.errno:
        return error.errno
    text = str(error)
    for code in (*_FULL, errno.EROFS, *_FORBIDDEN, *_GONE):
        if os.strerror(code) in text:
            return code
    return 0


def _code_of_probe(folder: OutputFolder) -> int:
    """The number of the error that writing a small file in ``folder`` raises; 0 where it succeeds."""
    try:
        with folder.new_file("void-probe-") as probe:
            probe.write(bytes(_PROBE_BYTES))
    except OSError as error:
        return error.errno or 0
    return 0


class _KnownFull:
    """When each volume was last found full. Several threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[int, tuple[float, int]] = {}
        """For each volume, by its number, the time and the number of the error."""

    def note(self, folder: OutputFolder, code: int) -> None:
        """Remember that the folder's volume is full now."""
        with self._lock, suppress(OSError):
            self._found[folder.device()] = time.monotonic(), code

    def code_since(self, folder: OutputFolder, began: float) -> int:
        """Return the number of the error if the folder's volume was full at any time since ``began``; else
        0."""
        with self._lock, suppress(OSError):
            found_at, code = self._found.get(folder.device(), (0.0, 0))
            return code if found_at >= began else 0
        return 0


_known_full = _KnownFull()


def _amount(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


class Patience:
    """Repeats an attempt while an obstacle stands, up to a time limit; several threads may share it."""

    def __init__(
        self,
        limit_s: float = 0.0,
        tell: Callable[[str], None] = lambda obstacle: None,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to wait for obstacles.

        Args:
            limit_s: how many seconds one obstacle may stand; 0 does not wait at all.
            tell: called with each new obstacle, and with an empty text when there is none any more.
            check_cancelled: called a few times a second; an error that it raises ends the wait.
        """
        self._limit_s = limit_s
        self._tell = tell
        self._check_cancelled = check_cancelled
        self._lock = threading.Lock()
        self._obstacles: dict[int, str] = {}
        """The obstacle that each waiting thread waits for, by the thread's number."""
        self._told = ""

    def insist(self, attempt: Callable[[], T], *, limit_s: float | None = None) -> T:
        """Call ``attempt`` until it no longer raises an error with an obstacle, and return its result.

        Args:
            attempt: the read or write to repeat.
            limit_s: how many seconds an obstacle may stand; None for the limit of this object.

        Raises:
            EngineError: when the attempt fails without an obstacle, or with one for longer than the limit.
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
        """Remember the obstacle of this thread, and tell when that changes the obstacle of them all."""
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
"""A patience that does not wait at all."""
