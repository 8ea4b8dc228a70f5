"""Reduces a plate to a proxy by area averaging, on a grid that starts at the display window's corner.

Pixel (X, Y) of a 1/n proxy is the mean of the full-size pixels with n*X <= x < n*(X+1), likewise in y. Pixels
that the plate does not store count as 0 inside the display window, as hosts show them. Outside both windows
there is no picture, so the nearest stored row or column is repeated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.errors import SettingError
from void_engine.geometry import Box

_HALF_MAX = 65504.0


def divisor_of(scale: float) -> int:
    """The divisor n of a proxy whose scale is 1/n.

    Raises:
        SettingError: when ``scale`` is not one over a whole number.
    """
    divisor = round(1 / scale) if 0 < scale <= 1 else 0
    if divisor < 1 or abs(divisor * scale - 1) > 1e-6:
        raise SettingError(f"a proxy scale of {scale} is not possible; choose 1, 0.5, 0.25 or 0.125")
    return divisor


def proxy_size(size: tuple[int, int], divisor: int) -> tuple[int, int]:
    """The ``(width, height)`` of the proxy, rounded up so that it covers every pixel of the full size."""
    return -(-size[0] // divisor), -(-size[1] // divisor)


def proxy_window(window: Box, divisor: int) -> Box:
    """The smallest window of the proxy that covers a window of the full size."""
    return Box(window.x0 // divisor, window.y0 // divisor, -(-window.x1 // divisor), -(-window.y1 // divisor))


def area_average(pixels: NDArray[Any], data_window: Box, display_window: Box, divisor: int) -> NDArray[Any]:
    """Average ``pixels`` (H, W, C), which cover ``data_window``, to the proxy's data window.

    Half and float are averaged in float32, with infinities taken as the largest half and NaN as 0. Integers
    (object ids) cannot be averaged, so the first pixel of each cell stands for the cell.

    Returns:
        (h, w, C) of the same data type.
    """
    window = proxy_window(data_window, divisor)
    covered = Box(window.x0 * divisor, window.y0 * divisor, window.x1 * divisor, window.y1 * divisor)
    if not np.issubdtype(pixels.dtype, np.floating):
        rows = np.maximum(np.arange(covered.y0, covered.y1, divisor), data_window.y0) - data_window.y0
        columns = np.maximum(np.arange(covered.x0, covered.x1, divisor), data_window.x0) - data_window.x0
        return np.ascontiguousarray(pixels[rows][:, columns])

    values = pixels.astype(np.float32)
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, copy=False, nan=0.0, posinf=_HALF_MAX, neginf=-_HALF_MAX)
    held = data_window.union(display_window)
    inside = covered.intersection(held)
    values = _padded(values, data_window, inside, "constant")
    values = _padded(values, inside, covered, "edge")
    result = np.empty((*window.shape, pixels.shape[2]), pixels.dtype)
    # OpenCV averages at most four channels at a time.
    for first in range(0, pixels.shape[2], 4):
        group = np.ascontiguousarray(values[..., first : first + 4])
        small = opencv.resize(group, window.shape, opencv.AREA)
        result[..., first : first + 4] = small.reshape(*window.shape, -1)
    return result


def _padded(values: Float32Array, window: Box, wanted: Box, mode: Any) -> Float32Array:
    if window == wanted:
        return values
    rows = (window.y0 - wanted.y0, wanted.y1 - window.y1)
    columns = (window.x0 - wanted.x0, wanted.x1 - window.x1)
    return np.pad(values, (rows, columns, (0, 0)), mode=mode)
