"""Continues what other frames surely show further into the hole, not only the plate around it.

Where the surroundings are the best answer for some pixels, other hidden pixels beside these may be revealed
well. They are nearer than the rim of the hole, and what is continued from nearby is more often right: its
squared error grows about with the distance. So the continued answer is made again from a smaller hole, and
its share grows by what it has come nearer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import inpainting

CONTINUATIONS = (inpainting.inpaint, inpainting.pushed)
"""The ways to continue the surroundings into a hole: one continues lines, the other slow colours."""
_SURE = 0.1
"""The most that may be continued from the plate in a pixel that other frames surely show."""
_NEARER = 0.7
"""The distance, relative to that from the rim of the hole, from which pixels count as nearer."""
_LEAST_RATIO = 0.1
"""The least ratio of squared errors that is believed."""
_FEWEST = 12
"""The fewest pixels for which it is worth the work."""
_LARGE_PIXELS = 60_000
"""Pictures with more pixels are thinned for what lies deep inside, which is smooth."""
_FINE_RIM_PX = 12
"""Pixels as near to known ones as this are continued from full-size pixels."""


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer in parts. All arrays cover the revealed area."""

    shown: Float32Array
    """(h, w, 3) encoded: what other frames show; 0 where they show nothing."""
    shares: Float32Array
    """(C, h, w): the share of each of :data:`CONTINUATIONS` in the answer."""

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Parts:
        """An answer that shows nothing, of ``shape``."""
        return cls(np.zeros((*shape, 3), np.float32), np.zeros((len(CONTINUATIONS), *shape), np.float32))

    def put(self, cut: tuple[slice, slice], where: BoolArray, pixels: Parts) -> None:
        """Set the pixels of the part ``cut`` ``where`` True, in row order."""
        self.shown[cut][where] = pixels.shown
        self.shares[:, cut[0], cut[1]][:, where] = pixels.shares


@dataclass(frozen=True, slots=True)
class Improved:
    """The pixels that are continued from nearer ones, and the answer at them."""

    pixels: BoolArray
    """(h, w)."""
    values: Float32Array
    """(h, w, 3) encoded."""
    continued: Float32Array
    """(h, w) in 0..1: the share of what is continued."""
    ratio: Float32Array
    """(h, w): the squared error of what is continued, relative to that from the rim."""


def continue_revealed(
    parts: Parts, plate: Float32Array, hidden: BoolArray, seen: BoolArray, exact: BoolArray
) -> Improved | None:
    """Continue surely revealed pixels to those that are mostly continued from the rim.

    Args:
        parts: the answer in parts.
        plate: (h, w, 3) encoded.
        hidden: (h, w) the hole.
        seen: (h, w) where there is an answer.
        exact: (h, w) where the answer is expected to be no farther from the truth than sources are from each
            other.

    Returns:
        None where nothing comes nearer.
    """
    continued = np.asarray(parts.shares.sum(axis=0), np.float32)
    sure = hidden & seen & exact & (continued <= _SURE)
    if not sure.any():
        return None
    left = hidden & ~sure
    from_rim = opencv.depth_inside(hidden)
    nearer = opencv.depth_inside(left) / np.maximum(from_rim, np.float32(1.0))
    pixels = left & seen & (nearer < _NEARER)
    if int(pixels.sum()) < _FEWEST:
        return None
    ratio = np.maximum(nearer, np.float32(_LEAST_RATIO)).astype(np.float32)
    known = np.where(sure[:, :, None], parts.shown, plate).astype(np.float32)
    grown = parts.shares / np.square(ratio)
    rest = np.maximum(np.float32(1.0) - continued, np.float32(0.0))
    total = grown.sum(axis=0) + rest
    values = parts.shown * (rest / total)[:, :, None]
    for way, share in zip(CONTINUATIONS, grown, strict=True):
        values += _into(way, known, left) * (share / total)[:, :, None]
    return Improved(pixels, values, np.asarray(grown.sum(axis=0) / total, np.float32), ratio)


def _into(way: inpainting.Continuation, known: Float32Array, hole: BoolArray) -> Float32Array:
    """Continue a picture, (h, w, 3), into a hole, (h, w), deep inside from a thinned picture."""
    step = int(np.ceil(np.sqrt(hole.size / _LARGE_PIXELS)))

    def deep(way: inpainting.Continuation) -> Float32Array:
        thinned = np.ascontiguousarray(known[::step, ::step])
        return opencv.resize(way(thinned, hole[::step, ::step]), hole.shape)

    return continued_at_rim(way, known, hole, hole if step == 1 else fine_rim(hole), deep)


def fine_rim(hole: BoolArray) -> BoolArray:
    """The pixels of a hole, (h, w), that are continued from full-size pixels, because in a thin hole a pixel
    more makes a difference."""
    return np.asarray(hole & (opencv.depth_inside(hole) <= _FINE_RIM_PX), bool)


def continued_at_rim(
    way: inpainting.Continuation,
    picture: Float32Array,
    hole: BoolArray,
    rim: BoolArray,
    deep: Callable[[inpainting.Continuation], Float32Array],
) -> Float32Array:
    """Continue a picture, (h, w, 3), into a hole, (h, w): at its :func:`fine_rim` from full-size pixels, and
    farther inside, where it is smooth, from what ``deep`` makes of fewer pixels, (h, w, 3)."""
    if np.array_equal(rim, hole):
        return way(picture, hole)
    return way(opencv.copy_where(picture.copy(), hole, deep(way)), rim)
