"""A whole picture with the merged part in it, as the tests of the merge and of its seam look at it."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.geometry import Box
from void_engine.merge import merge_part


def merge(
    plate: Float32Array,
    engine: Float32Array,
    weight: Float32Array,
    *,
    match_seam: bool = True,
    frame: int | None = None,
) -> Float32Array:
    """The plate (H, W, 3), a new array, with what :func:`void_engine.merge.merge_part` gives in its place."""
    result = np.array(plate, np.float32, order="C")
    window, merged = merge_part(plate, engine, weight, match_seam=match_seam, frame=frame)
    if not window.is_empty:
        result[window.slices(Box.from_shape(plate.shape))] = merged
    return result
