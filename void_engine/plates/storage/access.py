"""Opens files for the engine, and checks the opened file itself rather than its name.

Whoever may write in a folder can put a link in a file's place after its name was checked. So a file is opened
first, and then the open file is checked. OpenImageIO opens files by name only: on Linux it gets a name that
means the open file and no other (:func:`library_path`); elsewhere :func:`confirm` compares, after it has
opened the file, what it holds. What is written is in :mod:`~void_engine.plates.storage.output_folder`.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from void_engine.errors import PlateError, RefusedFileError
from void_engine.plates.storage.policy import current_policy

_OPEN_FILES = Path("/proc/self/fd")
HAS_OPEN_FILES = _OPEN_FILES.is_dir()
"""Whether an open file has a name of its own here."""
_MAC_PATH_BYTES = 1024
_PREFIX = "void-open-"
_NAME_OF_OPEN = re.compile(rf"[^\s\"']*{_PREFIX}[^/\s\"']+/\d+\.exr")
# Opening must not block on a pipe or device without a peer, nor make a terminal this process's own.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@contextmanager
def opened(path: Path, number: int) -> Iterator[BinaryIO]:
    """Open a frame's file for reading.

    Raises:
        OSError: when the file cannot be opened.
        RefusedFileError: when it is no regular file, or lies in no folder that may be read.
    """
    described = f"frame {number} ({path})"
    descriptor = os.open(path, _FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise RefusedFileError(f"{described} cannot be opened: it is a folder")
        if not stat.S_ISREG(mode):
            raise RefusedFileError(
                f"{described} cannot be opened: it is no file, but a device, a pipe or a socket"
            )
        folders = current_policy().read_folders
        if folders is not None:
            real = real_path(descriptor, path)
            if real is None or real.parent not in folders:
                raise RefusedFileError(
                    f"{described} is outside the folders of this job's files, as they were when the job was "
                    "accepted: a link leads elsewhere; submit the job again, or send the files instead of "
                    "their paths"
                )
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file


def library_path(file: BinaryIO, path: Path) -> str:
    """Return a name under which a library of this process finds the very file that is open. It is good while
    the file is open. Where the system has no such name, it is ``path``, and :func:`confirm` has to follow."""
    if not HAS_OPEN_FILES:
        return str(path)
    return name_of_open(file.fileno())


def name_of_open(descriptor: int) -> str:
    """Return a name, with the suffix of an EXR file, that means a file that this process has open."""
    # Libraries choose a reader by the suffix, which the system's own name for the file does not have. The
    # link that has one lies in a folder that nobody else may write to, and says the same in every process.
    target = _OPEN_FILES / str(descriptor)
    for _ in range(2):
        name = _names() / f"{descriptor}.exr"
        try:
            if not name.is_symlink():
                name.symlink_to(target)
        except FileExistsError:  # another thread has just made it
            pass
        except FileNotFoundError:  # whoever tidies up temporary files has taken the folder
            _names.cache_clear()
            continue
        break
    return str(name)


@cache
def _names() -> Path:
    """Return the folder of these links: one for each user, so that processes which are killed leave nothing
    that grows."""
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix=_PREFIX))  # somebody else was there before


def with_own_name(text: str, path: Path) -> str:
    """Return a library's message with ``path`` in place of a name of :func:`name_of_open`."""
    return _NAME_OF_OPEN.sub(lambda found: str(path), text)


def confirm(file: BinaryIO, path: Path, number: int) -> None:
    """Make sure that a library of this process that opened ``path`` by name holds the same file as ``file``.

    This is checked only where folders are restricted, since elsewhere every file may be read, and where
    :func:`library_path` has nothing better.

    Raises:
        PlateError: when the file was replaced in between.
    """
    if current_policy().read_folders is None or HAS_OPEN_FILES:
        return
    if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
        raise PlateError(f"frame {number} ({path}) was exchanged while it was opened; try again")


def real_path(descriptor: int, path: Path) -> Path | None:
    """Return the path of an open file or folder with links resolved; None when its name means another one by
    now."""
    if HAS_OPEN_FILES:
        return (_OPEN_FILES / str(descriptor)).readlink()
    if sys.platform == "darwin":
        import fcntl

        found = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_MAC_PATH_BYTES))
        return Path(os.fsdecode(found.rstrip(b"\0")))
    try:
        real = path.resolve(strict=True)
        return real if os.path.samestat(real.stat(), os.fstat(descriptor)) else None
    except (OSError, RuntimeError):
        return None
