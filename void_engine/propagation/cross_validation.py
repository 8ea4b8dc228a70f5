"""Cross-validation: how far a correction that was measured beside the hole may be trusted inside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from void_engine.arrays import BoolArray, Float32Array

_LEAST = 0.1
"""A factor below this counts as 0, because such a correction is mostly noise."""


def chequerboard(shape: tuple[int, ...], side_px: int) -> BoolArray:
    """A mask of ``shape`` (h, w), True on every other square of a chequerboard."""
    rows, columns = np.arange(shape[0]) // side_px, np.arange(shape[1]) // side_px
    return np.asarray((rows[:, None] + columns) % 2 > 0, bool)


def shrinkage_factor(
    difference: Float32Array,
    weight: Float32Array,
    side_px: int,
    predict: Callable[[Float32Array, Float32Array], Float32Array],
) -> float:
    """The factor in 0..1 by which a predicted correction must be multiplied to help most.

    Half of the known blocks are predicted from the other half, and their true differences are regressed on
    the prediction by least squares through the origin. The factor is 1 where the prediction holds and 0
    where it was noise.

    Args:
        difference: (h, w, 3) what the correction should amount to, meaningful where ``weight`` > 0.
        weight: (h, w) in 0..1.
        side_px: side of the blocks in pixels.
        predict: takes a difference and a weight, and gives the correction everywhere, (h, w, 3).
    """
    odd = chequerboard(weight.shape, side_px)
    predicted = predict(difference, np.where(odd, np.float32(0.0), weight))
    judged = (weight * odd)[:, :, None]
    power = float((predicted * predicted * judged).sum())
    if power <= 1e-12:
        return 0.0
    found = float((difference * predicted * judged).sum()) / power
    return min(found, 1.0) if found > _LEAST else 0.0
