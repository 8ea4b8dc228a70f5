"""Decides where a process on a farm puts its temporary files, and the caches that the next one may use."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_CACHES = ("VOID_CACHE", "HF_HOME", "XDG_CACHE_HOME", "TORCH_HOME")
"""Variables that get a folder below the scratch where nobody has set them, because a farm's user may have no
home."""


def settle_in(scratch: Path) -> None:
    """Put the temporary files and caches of this process, and of those that it starts, below ``scratch``.

    Call it before engines are loaded.

    Raises:
        OSError: when the folder cannot be made.
    """
    temporary = scratch.absolute() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    for name in ("TMPDIR", "TEMP", "TMP"):
        os.environ[name] = str(temporary)
    tempfile.tempdir = str(temporary)
    for name in _CACHES:
        os.environ.setdefault(name, str(scratch.absolute() / "cache" / name.lower()))
