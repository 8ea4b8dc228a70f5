"""OpenColorIO's processors, which are made once: that takes longer than most pictures do."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import PyOpenColorIO as ocio  # noqa: N813 - its own abbreviation

from void_engine.arrays import Float32Array
from void_engine.errors import SettingError

OCIO_ERRORS = (ocio.Exception, ocio.ExceptionMissingFile)
"""What OpenColorIO raises."""
_PART_PIXELS = 65_536
"""So many pixels are worth a thread of their own."""


def read_config(config: str) -> Any:
    """Read an OCIO configuration.

    Raises:
        SettingError: when it cannot be read.
    """
    try:
        return ocio.Config.CreateFromFile(config)
    except OCIO_ERRORS as error:
        raise SettingError(
            f"the OCIO configuration {config} cannot be read ({error}); correct the environment variable OCIO"
        ) from error


def applied(processor: Any, values: Float32Array) -> Float32Array:
    """A CPU processor's answer for values (..., 3), by as many threads as there are cores."""
    made = np.array(values, np.float32, order="C")
    if not made.size:
        return made
    flat = made.reshape(-1, 3)
    count = min(os.cpu_count() or 1, -(-len(flat) // _PART_PIXELS))
    if count == 1:
        processor.applyRGB(flat)
        return made
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(processor.applyRGB, np.array_split(flat, count)))
    return made
