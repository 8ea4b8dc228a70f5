"""Folders that belong to one user alone: their modes are set when they are made and looked at before they are
used, whatever the process's umask.

POSIX permissions say who may. On Windows those of the user's profile hold instead, and nothing is checked.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from void_protocol.errors import KeyFileError

_PRIVATE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_folder(folder: Path, *, closed: bool = False) -> None:
    """Make a folder and its missing parents, for this user alone. One that is there may be used only when
    nobody else may write to it; with ``closed`` others may then not read it any more either.

    Raises:
        OSError: when it cannot be made.
        KeyFileError: as :func:`refuse_foreign_folder`.
    """
    missing = []
    above = folder
    while not above.exists() and above.parent != above:
        missing.append(above)
        above = above.parent
    for each in reversed(missing):
        try:
            each.mkdir(mode=_PRIVATE)
        except FileExistsError:  # another process was faster
            continue
        if os.name == "posix":
            each.chmod(_PRIVATE)  # a umask may have taken rights from the owner too
    folder.mkdir(exist_ok=True)  # says what is wrong when it is no folder
    refuse_foreign_folder(folder)
    if closed and os.name == "posix" and folder.stat().st_mode & _OTHERS:
        folder.chmod(_PRIVATE)


def refuse_foreign_folder(folder: Path) -> None:
    """Raise KeyFileError when anyone but the owner may write to a folder, or another user owns it (POSIX
    permissions): whoever may put a file there could let anyone in, or have the server use it."""
    if os.name != "posix":
        return
    try:
        status = folder.stat()
    except OSError as error:
        raise KeyFileError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeyFileError(f"{folder} can be written to by others; run: chmod 700 '{folder}'")
    if status.st_uid not in (0, os.geteuid()):
        raise KeyFileError(f"{folder} belongs to another user; give it to the user that runs the server")
