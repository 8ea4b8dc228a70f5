"""What is certain: pixels outside the matte that are not the plate's, and values that are no light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.quality.channels import every_of

_LEAST_NEGATIVE = 0.3
"""Negative values down to this share of the shot's brightness are taken for noise."""
_FEW = 3
"""How many negative pixels are taken for chance."""


@dataclass(frozen=True)
class OutsideCheck:
    """The pixels outside a matte that are not the plate's own."""

    count: int = 0
    first: tuple[int, int] | None = None
    """Column and row of the first one, from the top left."""


def check_outside(plate: Float32Array, result: Float32Array, replaced: BoolArray) -> OutsideCheck:
    """Compare result and plate, (H, W, 3), bit by bit where nothing was replaced. NaN is equal to NaN."""
    touched = ~replaced & ~every_of(plate == result)
    if touched.any():
        touched &= ~every_of((plate == result) | (np.isnan(plate) & np.isnan(result)))
    count = int(touched.sum())
    if not count:
        return OutsideCheck()
    row, column = divmod(int(np.argmax(touched)), touched.shape[1])
    return OutsideCheck(count, (column, row))


def count_invalid(plate: Float32Array, result: Float32Array, replaced: BoolArray, brightness: float) -> int:
    """How many replaced pixels are NaN, infinite, or far more negative than any that the plate shows.

    Args:
        plate, result: (H, W, 3), scene-linear.
        replaced: (H, W).
        brightness: the shot's, as :func:`void_engine.quality.light.shot_brightness` finds it.
    """
    if np.isfinite(result).all() and float(result.min()) >= -_LEAST_NEGATIVE * brightness:
        return 0
    made = result[replaced]
    if not made.size:
        return 0
    broken = int((~np.isfinite(made)).any(axis=1).sum())
    shown = plate[~replaced]
    shown = shown[np.isfinite(shown)]
    darkest = float(shown.min()) if shown.size else 0.0
    floor = 2.0 * min(0.0, darkest) - _LEAST_NEGATIVE * brightness
    with np.errstate(invalid="ignore"):
        negative = int((np.isfinite(made) & (made < floor)).any(axis=1).sum())
    return broken + (negative if negative > _FEW else 0)
