"""Whether the outermost pixels of a hole are those of another frame's plate.

A matte reaches a little beyond the object, so that the plate shows at its rim what the result should show
there, and so do the plates of the frames before and after. The finest detail of the result is compared with
all of them: a result that is one frame late or early has the detail, or at least the grain, of the wrong one,
also where nothing moves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array

_RIMS = {"outer": (0.5, 1.6), "inner": (1.5, 2.6)}
"""Distances from the edge of the hole, in pixels."""
_LEAST_PIXELS = 30
_DETAIL = 1.0
_LEAST_ALIKE = 0.4
"""With less correlation than this the rim shows no frame's detail, so that it says nothing of frames."""
_EPS = 1e-12


def displaced(
    result: Float32Array,
    plate: Float32Array,
    hole: BoolArray,
    others: Sequence[tuple[Float32Array, BoolArray]],
) -> dict[str, float]:
    """Compare the rim of a hole with the plates of its frame and its neighbours.

    Only pixels that were replaced in both frames are compared: where the object has just left, or is about to
    come, a neighbour's plate shows what is right.

    Args:
        result, plate: the frame, (h, w, 3), encoded.
        hole: the pixels that were replaced.
        others: plate and hole of each neighbour.

    Returns:
        ``rim.outer`` and ``rim.inner``: by how much more the detail is correlated with that of a neighbour's
        plate than with that of the own one; the larger of all neighbours, 0 where the
        rim is like none of them. Nothing where the rim is short.
    """
    depth = opencv.depth_inside(hole)
    detail, own = _detail(result), _detail(plate)
    found: dict[str, float] = {}
    for other_plate, other_hole in others:
        other = _detail(other_plate)
        for name, (least, most) in _RIMS.items():
            rim = (depth > least) & (depth <= most) & other_hole
            if int(rim.sum()) < _LEAST_PIXELS:
                continue
            made = detail[rim]
            alike = _correlation(made, other[rim])
            difference = alike - _correlation(made, own[rim]) if alike >= _LEAST_ALIKE else 0.0
            found[f"rim.{name}"] = max(found.get(f"rim.{name}", -2.0), difference)
    return found


def _detail(picture: Float32Array) -> Float32Array:
    return picture - opencv.gaussian_blur(picture, _DETAIL)


def _correlation(one: Float32Array, other: Float32Array) -> float:
    first: Float64Array = one.astype(np.float64).reshape(-1)
    second: Float64Array = other.astype(np.float64).reshape(-1)
    return float(first @ second / np.sqrt((first @ first) * (second @ second) + _EPS))
