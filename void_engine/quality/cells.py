"""Means over small square cells of a picture, in which faults of a part of the hole are found."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.quality.channels import mean_of


def cell_means(values: Float32Array, side: int) -> Float32Array:
    """Means over cells of ``side`` x ``side`` pixels; what is left over right and below is left out."""
    rows, columns = values.shape[0] // side, values.shape[1] // side
    whole = np.ascontiguousarray(values[: rows * side, : columns * side])
    return opencv.resize(whole, (rows, columns), opencv.AREA)


def cell_shares(mask: BoolArray, side: int) -> Float32Array:
    """Which share of each cell's pixels is in the mask."""
    return cell_means(mask.astype(np.float32), side)


def patch_means(values: Float32Array, mask: BoolArray, side: int, least: float) -> Float64Array:
    """Means of a cell's value over the squares of ``side`` x ``side`` cells, of those in ``mask`` only.

    Returns:
        One value for each square of which at least the share ``least`` is in the mask.
    """
    total = opencv.box_blur(np.where(mask, values, 0).astype(np.float32), side)
    share = opencv.box_blur(mask.astype(np.float32), side)
    return np.asarray((total / np.maximum(share, 1e-3))[share > least], np.float64)


def gradients(picture: Float32Array) -> Float32Array:
    """How steep an encoded picture (h, w, 3) is at each pixel, in encoded light for a pixel."""
    grey = mean_of(picture)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.125)
    return np.asarray(np.abs(across) + np.abs(down), np.float32)
