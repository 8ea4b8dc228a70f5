"""NumPy archives that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from void_engine.plates.storage.durable import temporary_for


def write_archive(path: Path, arrays: Mapping[str, Any], *, compressed: bool = False) -> None:
    """Keep ``arrays`` in one ``.npz`` file, durably, in the place of another where there is one.

    Raises:
        OSError: when the disk does not take them.
    """
    with temporary_for(path) as part, part.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)
