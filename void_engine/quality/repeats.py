"""Whether a hole holds the very pixels of a neighbouring frame, while the frames around it differ.

A camera never gives the same noise twice. Pixels of the result that are bit for bit those of the frame before
or after, at the same place, are a frame that was repeated or was taken one too early or too late. The share
of equal pixels around the hole, or close to it, is subtracted: movies repeat blocks, and a sky may be one
colour.
"""

from __future__ import annotations

from collections.abc import Mapping

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.quality.channels import every_of

_LEAST_AROUND = 100
_LEAST_PIXELS = 20
_NEAR_PX = 10


def repeats(
    result: Float32Array, other: Float32Array, hole: BoolArray, other_hole: BoolArray
) -> Mapping[str, float]:
    """Compare a frame with a neighbour, both (h, w, 3), as they are, not encoded.

    Returns:
        ``repeat.shown``, of the pixels of the hole that the neighbour's plate shows, and ``repeat.made``, of
        those that were replaced in both.
    """
    same = every_of(result == other)
    around = ~hole & ~other_hole
    if around.sum() < _LEAST_AROUND:
        return {}
    near = around & opencv.dilate(hole, opencv.square(2 * _NEAR_PX + 1))
    usual = max(float(same[one].mean()) for one in (around, near) if one.any())
    found = {}
    for name, where in (("shown", hole & ~other_hole), ("made", hole & other_hole)):
        if where.sum() >= _LEAST_PIXELS:
            found[f"repeat.{name}"] = float(same[where].mean()) - usual
    return found
