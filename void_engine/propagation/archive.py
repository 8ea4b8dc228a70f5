"""Writes NumPy archives durably: a file is either complete or not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from void_engine.plates.storage.durable import temporary_for


def write_archive(path: Path, arrays: Mapping[str, Any], *, compressed: bool = False) -> None:
    """Write ``arrays`` to one ``.npz`` file, durably; an existing file is replaced.

    Raises:
        OSError: when the file cannot be written.
    """
    with temporary_for(path) as temporary, temporary.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)
