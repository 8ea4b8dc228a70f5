"""Writes a file that is not the installer's alone, so that it is whole at every time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of the file ``path``, which may be there or not.

    Where ``path`` is a link, the file that it leads to is replaced. Its permissions stay.

    Raises:
        OSError: when it cannot be written, as on a full disk; the file is then as it was.
    """
    place = path.resolve()
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        if place.exists():
            shutil.copymode(place, fresh)
        fresh.replace(place)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
