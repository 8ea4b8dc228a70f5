"""The sRGB curve (IEC 61966-2-1): a straight toe, then a power with an offset."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from void_engine.arrays import Float32Array, Float64Array

TOE_LINEAR = 0.0031308
"""Light up to which the curve is a straight line."""
TOE_CODE = 12.92 * TOE_LINEAR
"""The code of that light. The standard rounds it to 0.04045; taken from the line, the way back is the same
curve to the last digit."""

_Values = TypeVar("_Values", Float32Array, Float64Array)


def encode(linear: _Values) -> _Values:
    """Codes of scene-linear light, any shape, computed in its own type.

    Light 0..1 has codes 0..1. Beyond 1 the power goes on; below 0 the straight toe does.
    """
    power = 1.055 * np.maximum(linear, TOE_LINEAR) ** (1 / 2.4) - 0.055
    return np.where(linear <= TOE_LINEAR, 12.92 * linear, power)


def decode(code: _Values) -> _Values:
    """The light of codes, any shape: the inverse of :func:`encode`."""
    power = ((np.maximum(code, TOE_CODE) + 0.055) / 1.055) ** 2.4
    return np.where(code <= TOE_CODE, code / 12.92, power)


def encode_value(linear: float) -> float:
    """The code of one value at or above 0."""
    return 12.92 * linear if linear <= TOE_LINEAR else 1.055 * linear ** (1 / 2.4) - 0.055


def slope(linear: float) -> float:
    """How steeply the code of light above the toe rises."""
    return float(1.055 / 2.4 * linear ** (1 / 2.4 - 1))
