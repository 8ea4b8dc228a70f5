"""Decides which paths of a job the server touches at all.

The worker checks again when it opens them (``void_engine.plates.storage.access``), because somebody may have
put a link there since then.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from void_protocol.job import RemovalJob
from void_protocol.manifest import input_files
from void_protocol.sequence import frame_path
from void_server.errors import RequestRefused

_OPEN_FILES = Path("/proc/self/fd")
_EXR_MAGIC = b"\x76\x2f\x31\x01"


def check_output_folder(folder: Path, roots: Sequence[Path] | None) -> None:
    """Refuse a folder that must not be written to.

    Raises:
        RequestRefused: with code ``refused_path``.
    """
    _check_absolute(folder)
    if roots is not None:
        _check_roots(folder, _resolved(folder), roots, "output_roots")


def check_job_inputs(job: RemovalJob, roots: Sequence[Path] | None) -> None:
    """Refuse a job with an input file that must not be read: one outside the roots (with links resolved; None
    allows any place), or one that is not a regular file. A file that does not exist passes; reading it
    reports the reason.

    Raises:
        RequestRefused: with code ``refused_path``.
    """
    folders: dict[Path, Path] = {}
    for file in input_files(job):
        path, folder = file.path, file.path.parent
        _check_absolute(path)
        try:
            mode = path.stat().st_mode
            is_link = roots is not None and path.is_symlink()
        except OSError:
            is_link, mode = False, stat.S_IFREG
        _check_regular(path, mode)
        if roots is None:
            continue
        if folder not in folders:
            folders[folder] = _resolved(folder)
        _check_roots(path, _resolved(path) if is_link else folders[folder] / path.name, roots, "read_roots")


def check_job_outputs(job: RemovalJob, roots: Sequence[Path] | None) -> None:
    """Check where a job writes. Raises as :func:`check_output_folder` does."""
    check_output_folder(frame_path(job.output.versioned_pattern, job.shot.first_frame).parent, roots)


@contextmanager
def opened_exr(path: Path, roots: Sequence[Path] | None) -> Iterator[BinaryIO]:
    """Open an EXR file for reading. Other files are refused, because what a client may ask about their bytes
    would tell it what they hold.

    Raises:
        OSError: when it cannot be opened.
        RequestRefused: with code ``refused_path``.
    """
    with open_regular(path, roots, "read_roots") as file:
        if not begins_as_exr(file):
            raise RequestRefused("refused_path", f"{path} is not an EXR file")
        yield file


def begins_as_exr(file: BinaryIO) -> bool:
    """Return whether the file's first bytes are those of an EXR. It is at its beginning afterwards."""
    file.seek(0)
    magic = file.read(len(_EXR_MAGIC))
    file.seek(0)
    return magic == _EXR_MAGIC


def open_regular(path: Path, roots: Sequence[Path] | None, setting: str) -> BinaryIO:
    """Open a regular file below the roots for reading, without a buffer. The open file is checked, not only
    its name. ``setting`` is the name of the setting that holds the roots, for errors.

    Raises:
        OSError: when it cannot be opened.
        RequestRefused: with code ``refused_path``.
    """
    _check_absolute(path)
    if roots is not None:
        _check_roots(path, _resolved(path), roots, setting)
    # A pipe that has taken the file's place must not block the open.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _check_regular(path, path.stat().st_mode)
        file = open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, flags))  # noqa: SIM115
    except IsADirectoryError as error:
        raise RequestRefused("refused_path", f"{path} is not a regular file") from error
    try:
        _check_regular(path, os.fstat(file.fileno()).st_mode)
        if roots is not None and _OPEN_FILES.is_dir():
            _check_roots(path, (_OPEN_FILES / str(file.fileno())).readlink(), roots, setting)
    except BaseException:
        file.close()
        raise
    return file


def _check_absolute(path: Path) -> None:
    if not path.is_absolute():
        raise RequestRefused("refused_path", f"{path} is not absolute; the server has another current folder")


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # the name is too long, or links lead in a circle
        raise RequestRefused("refused_path", f"{str(path)[:200]} cannot be followed: {error}") from error


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise RequestRefused("refused_path", f"{path} is not a regular file")


def _check_roots(path: Path, real: Path, roots: Sequence[Path], setting: str) -> None:
    if not any(real.is_relative_to(root) for root in roots):
        raise RequestRefused(
            "refused_path",
            f"{path} is outside the folders that this server may use ({setting}); "
            "send the files instead of their paths",
        )
