"""Where a process on a farm puts what it needs only while it runs, and what it may keep for the next one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_CACHES = ("VOID_CACHE", "HF_HOME", "XDG_CACHE_HOME", "TORCH_HOME")
"""Set to a folder below the scratch where nobody has set them: a farm may have no home to put them in."""


def settle_in(scratch: Path) -> None:
    """Put temporary files and caches of this process, and of those it starts, below ``scratch``.

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
