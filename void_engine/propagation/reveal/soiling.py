"""Tells whether the plate right beside a hole still shows the object that is removed."""

from __future__ import annotations

import itertools

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import inpainting
from void_engine.propagation.reveal import answers, source_weights
from void_engine.propagation.reveal.ring_points import RIM_PX

_SOILED, _SEEN = 4.0, 1e-3
"""The squared error just outside the hole, relative to that further out, and at least, encoded, from which
the object is still seen there."""
SMEARED_PX = 8.0
"""How far, in full-size pixels, a codec smears an object: the side of its smaller blocks."""
_SMEARED, _LEAST_SMEARED = 4.0, 1e-5
"""The median squared error of other frames nearer to the hole than that, relative to that further out, and at
least, encoded, from which the plate there still shows the object."""
_MOST_SMEARED = 6e-4
"""The mean squared error, encoded, near the hole from which something moves there instead."""
_AT_RIM = 8.0
"""The squared error right at the rim, from where surroundings are continued, relative to the mean of that
band."""


def is_soiled(plate: Float32Array, hidden: BoolArray) -> bool:
    """Whether the plate, (h, w, 3), just outside ``hidden`` pixels still shows the object.

    Then it differs from what lies a little further out by much more than that differs from what is further
    out still.
    """
    steps = [hidden, *(opencv.dilate_by_disc(hidden, RIM_PX * step) for step in (1, 2))]
    found = []
    for inner, outer in itertools.pairwise(steps):
        band = outer & ~inner
        if not band.any():
            return False
        error = answers.squared_error(inpainting.pushed(plate, outer), plate)[band]
        found.append(float(np.median(error)))
        if found[0] <= _SEEN:
            return False
    return found[0] > _SOILED * found[1] + _SEEN


def smeared(squares: Float32Array, there: BoolArray, outside: Float32Array) -> float:
    """The squared error in what is continued from a plate over which a codec has smeared the object.

    It is 0 where the object is not smeared. Where it is, other frames that stand still differ from the plate
    near the hole by much more than they do further out.

    Args:
        squares: (K, N) squared errors of answers from other frames at points beside the hole.
        there: (K, N), whether there is such an answer.
        outside: (N,) how far from the hole the points lie, in pixels.
    """
    least = np.where(there, squares, np.float32(np.inf)).min(axis=0)
    known, beside = np.isfinite(least), outside < SMEARED_PX
    near, far = least[known & beside], least[known & ~beside]
    if min(len(near), len(far)) < source_weights.FEWEST_POINTS:
        return 0.0
    if float(np.median(near)) < _SMEARED * float(np.median(far)) + _LEAST_SMEARED:
        return 0.0
    mean = float(near.mean())
    return _AT_RIM * mean if mean < _MOST_SMEARED else 0.0
