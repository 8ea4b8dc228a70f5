"""Opens files for the engine, and checks the opened file itself rather than its name.

Whoever may write in a folder can put a link in a file's place after its name was checked. So a file is opened
first, and then the open file is checked. OpenImageIO opens files by name only; after it has done so,
:func:`confirm` makes sure that it holds the very file that was checked.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from void_engine.errors import OutputError, PlateError, RefusedFileError
from void_engine.plates.storage.policy import current_policy

_OPEN_FILES = Path("/proc/self/fd")
_HAS_OPEN_FILES = _OPEN_FILES.is_dir()
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
        RefusedFileError: when it is no regular file, or not below the folders that may be read.
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
        roots = current_policy().read_roots
        if roots is not None:
            real = _real_path(descriptor, path)
            if real is None or not _is_below(real, roots):
                raise RefusedFileError(
                    f"{described} is outside the folders that may be read here (read_roots); "
                    "send the files instead of their paths"
                )
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file


def confirm(file: BinaryIO, path: Path, number: int) -> None:
    """Make sure that a library of this process that opened ``path`` by name holds the same file as ``file``.

    This is checked only where folders are restricted, since elsewhere every file may be read.

    Raises:
        PlateError: when the file was replaced in between.
    """
    if current_policy().read_roots is None:
        return
    checked = os.fstat(file.fileno())
    if _HAS_OPEN_FILES:
        others = (int(entry.name) for entry in _OPEN_FILES.iterdir())
        found = any(_is_file(other, checked) for other in others if other != file.fileno())
    else:
        found = os.path.samestat(path.stat(), checked)
    if not found:
        raise PlateError(f"frame {number} ({path}) was exchanged while it was opened; try again")


def _is_file(descriptor: int, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), wanted)
    except OSError:  # The descriptor was closed meanwhile.
        return False


def check_output_folder(folder: Path) -> None:
    """Make sure that a folder lies where results may be written; it need not exist yet.

    Raises:
        OutputError: when it does not lie below the folders that may be written to.
    """
    roots = current_policy().output_roots
    if roots is None:
        return
    try:
        real = folder.resolve()
    except (OSError, RuntimeError) as error:  # The links may lead in a circle.
        raise OutputError(f"{folder} cannot be followed: {error}") from error
    if not _is_below(real, roots):
        raise OutputError(
            f"{folder} is outside the folders that may be written to here (output_roots); "
            "choose another output, or have the files sent back"
        )


def _is_below(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _real_path(descriptor: int, path: Path) -> Path | None:
    """The path of the open file with links resolved; None when its name means another file by now."""
    if _HAS_OPEN_FILES:
        return (_OPEN_FILES / str(descriptor)).readlink()
    real = path.resolve()
    return real if os.path.samestat(real.stat(), os.fstat(descriptor)) else None
