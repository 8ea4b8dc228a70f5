"""Writes files so that they outlive a power cut: whole and on the disk before anyone is told of them.

A rename puts a file in place at once or not at all, but neither its bytes nor its name need be on the disk
by then. So the file is synced before the rename, and its folder afterwards.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NOT_FOR_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF)
"""Errors of systems that cannot sync a folder, or that keep its names in order without being asked to."""

_LONGEST_NAME = 255
"""How many bytes of a file's name most file systems take."""


def sync_file(path: Path) -> None:
    """Sync a file: its bytes are on the disk when this returns.

    Raises:
        OSError: when the disk fails.
    """
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Sync a folder: its names are on the disk when this returns, where the system can sync folders.

    Raises:
        OSError: when the disk fails.
    """
    if os.name == "nt":  # Windows cannot open folders, and NTFS journals names itself.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(descriptor)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished file to its final name, durably.

    Raises:
        OSError: when that fails; the whole file is then at ``temporary`` or at ``path``.
    """
    sync_file(temporary)
    temporary.replace(path)
    sync_folder(path.parent)


def temporary_path(path: Path) -> Path:
    """Return a fresh name beside ``path`` for a file that is not whole yet: hidden, ending in ``.part``. Of a
    name that is almost as long as names may be, it holds only the beginning."""
    tail = f".{secrets.token_hex(4)}.part"
    name = os.fsencode(path.name)[: _LONGEST_NAME - 1 - len(tail)].decode("utf-8", "ignore")
    return path.with_name(f".{name}{tail}")


@contextmanager
def temporary_for(path: Path) -> Iterator[Path]:
    """Within this context write a temporary file, which durably replaces ``path`` at its end.

    The context gives the temporary name. Two processes may do so at the same time; the later file stays.

    Raises:
        OSError: when that fails; no temporary file is left, unless the drive is gone.
    """
    temporary = temporary_path(path)
    try:
        yield temporary
        put_in_place(temporary, path)
    except BaseException:
        with suppress(OSError):  # a drive that is gone must not hide what went wrong first
            temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a small file that is there whole or not at all, as :func:`temporary_for` does.

    The file never has wider permissions than ``mode``, not even while it is written.

    Raises:
        OSError: when that fails; no temporary file is left.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with temporary_for(path) as temporary, os.fdopen(os.open(temporary, flags, mode), "wb") as file:
        file.write(content)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Create a folder and its missing parents, durably.

    Raises:
        OSError: when a folder cannot be made or synced.
    """
    missing = []
    above = folder
    while not above.is_dir():
        missing.append(above)
        if above.parent == above:
            break
        above = above.parent
    for each in reversed(missing):
        each.mkdir(mode=mode, exist_ok=True)
        sync_folder(each.parent)
