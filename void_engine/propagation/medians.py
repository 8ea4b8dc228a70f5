"""Medians over frames of which some do not show a pixel."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Int64Array


def median_of_shown(pictures: Float32Array, shown: BoolArray, count: Int64Array) -> Float32Array:
    """The median for each pixel and channel, (N, C), of the pictures that show it; 0 where none does.

    This does what numpy's nanmedian does, but many times as fast.

    Args:
        pictures: (S, N, C).
        shown: (S, N), whether a picture shows the pixel.
        count: (N,), how many do.
    """
    ordered = np.where(shown[:, :, None], pictures, np.float32(np.inf))
    ordered.sort(axis=0)
    low = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[None, :, None], axis=0)[0]
    high = np.take_along_axis(ordered, (count // 2 * (count > 0))[None, :, None], axis=0)[0]
    middle = np.where((count > 0)[:, None], np.float32(0.5) * (low + high), np.float32(0.0))
    return np.asarray(middle, np.float32)
