"""Which reader reads a file: one function for each format, chosen by what the file holds."""

from __future__ import annotations

from pathlib import Path

from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.model import RotoFile
from void_server.roto_files.natron import looks_like_natron, read_natron
from void_server.roto_files.nuke_script import read_nuke_script
from void_server.roto_files.silhouette import looks_like_silhouette, read_silhouette

MAX_FILE_BYTES = 512 * 1024 * 1024


def read_roto_file(path: Path, view: str | None = None) -> RotoFile:
    """Read a file of roto shapes.

    Args:
        path: a script or gizmo of Nuke, a Silhouette shape file, or a Natron project.
        view: the stereo view whose shapes are wanted, where the format knows views.

    Raises:
        RotoFileError: when the file cannot be read; the message names it and the place in it.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RotoFileError(
                f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB, which no script of shapes is"
            )
        data = path.read_bytes()
    except OSError as error:
        raise RotoFileError(f"cannot read {path}: {error.strerror or error}") from error
    return read_roto_bytes(data, str(path), view)


def read_roto_bytes(data: bytes, name: str, view: str | None = None) -> RotoFile:
    """Read what a file of roto shapes holds; see :func:`read_roto_file`."""
    if looks_like_silhouette(data):
        return read_silhouette(data, name)
    if looks_like_natron(data):
        return read_natron(data, name)
    return read_nuke_script(data, name, view)
