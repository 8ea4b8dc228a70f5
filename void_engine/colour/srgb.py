"""The piecewise sRGB curve (IEC 61966-2-1): a straight toe, then a power with an offset."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from void_engine.arrays import Float32Array, Float64Array

TOE_LINEAR = 0.0031308
"""Scene-linear value up to which the curve is a straight line."""
TOE_CODE = 12.92 * TOE_LINEAR
"""The code at the end of the toe. The standard rounds it to 0.04045; computed from the line, it makes
:func:`decode` the exact inverse of :func:`encode`."""

_Values = TypeVar("_Values", Float32Array, Float64Array)


def encode(linear: _Values) -> _Values:
    """Encode scene-linear light of any shape, computed in its own type.

    Light in 0..1 gets codes in 0..1. The power continues above 1, and the straight toe below 0.
    """
    power = 1.055 * np.maximum(linear, TOE_LINEAR) ** (1 / 2.4) - 0.055
    return np.where(linear <= TOE_LINEAR, 12.92 * linear, power)


def decode(code: _Values) -> _Values:
    """Decode codes of any shape to light, as the inverse of :func:`encode`."""
    power = ((np.maximum(code, TOE_CODE) + 0.055) / 1.055) ** 2.4
    return np.where(code <= TOE_CODE, code / 12.92, power)


def encode_value(linear: float) -> float:
    """Encode one value at or above 0."""
    return 12.92 * linear if linear <= TOE_LINEAR else 1.055 * linear ** (1 / 2.4) - 0.055


def slope(linear: float) -> float:
    """The derivative of the curve at a value above its toe."""
    return float(1.055 / 2.4 * linear ** (1 / 2.4 - 1))
