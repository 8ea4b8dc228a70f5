"""The geometry between the plate's pixels and a model's canvas, over windows of both.

Both pictures cover the same area: pixel centres lie at half-integers and corners map onto corners. Half a
canvas pixel of error here would cost 10 dB, so reduction and enlargement are matrices, exact for any ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.geometry import Box

_LOBES = 3
"""Lobes of the Lanczos kernel that enlarges."""


def area_weights(plate: int, canvas: int, first: int, last: int, start: int, stop: int) -> Float32Array:
    """The share of each plate pixel in each canvas pixel, along one side.

    Args:
        plate, canvas: the lengths of the whole side in pixels of both.
        first, last: the half-open range of canvas pixels.
        start, stop: the half-open range of plate pixels that are given.

    Returns:
        (last - first, stop - start); every row sums to 1. Where the plate is the smaller one, it is
        interpolated linearly instead.
    """
    ratio = plate / canvas
    pixels = np.arange(start, stop)
    if ratio >= 1:
        low = np.arange(first, last)[:, None] * ratio
        weights = np.minimum(pixels + 1, low + ratio) - np.maximum(pixels, low)
    else:
        centre = (np.arange(first, last)[:, None] + 0.5) * ratio - 0.5
        weights = 1 - np.abs(np.clip(centre, start, stop - 1) - pixels)
    weights = np.maximum(weights, 0)
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.maximum(total, 1e-9), np.float32)


def lanczos_weights(plate: int, canvas: int, first: int, last: int, start: int, stop: int) -> Float32Array:
    """The weights with which canvas pixels ``first`` to ``last`` make plate pixels ``start`` to ``stop``.

    Returns:
        (stop - start, last - first); canvas pixels beyond the range are taken for the nearest in it.
    """
    ratio = plate / canvas
    stretch = max(1.0, 1.0 / ratio)
    position = (np.arange(start, stop) + 0.5) / ratio - 0.5
    weights = np.zeros((stop - start, last - first), np.float64)
    reach = int(np.ceil(_LOBES * stretch))
    nearest = np.floor(position).astype(np.int64)
    rows = np.arange(stop - start)
    for offset in range(-reach + 1, reach + 1):
        tap = nearest + offset
        distance = (position - tap) / stretch
        value = np.where(np.abs(distance) < _LOBES, np.sinc(distance) * np.sinc(distance / _LOBES), 0.0)
        np.add.at(weights, (rows, np.clip(tap, first, last - 1) - first), value)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _both_ways(rows: Float32Array, picture: Float32Array, columns: Float32Array) -> Float32Array:
    """Apply ``rows`` (n, H) and ``columns`` (m, W) to a picture (H, W[, C])."""
    planes = picture if picture.ndim == 3 else picture[:, :, None]
    height, width, channels = planes.shape
    down = (rows @ planes.reshape(height, width * channels)).reshape(len(rows), width, channels)
    across = np.tensordot(down, columns, axes=([1], [1]))
    result = np.ascontiguousarray(across.transpose(0, 2, 1), np.float32)
    return result if picture.ndim == 3 else result[:, :, 0]


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the canvas and the plate pixels that it needs."""

    canvas: Box
    plate: Box
    _reduce_rows: Float32Array
    _reduce_columns: Float32Array
    _enlarge_rows: Float32Array
    _enlarge_columns: Float32Array

    def reduce(self, picture: Float32Array) -> Float32Array:
        """Average a picture (H, W[, C]) of the plate's box over each pixel of the canvas' box."""
        return _both_ways(self._reduce_rows, picture, self._reduce_columns)

    def enlarge(self, picture: Float32Array) -> Float32Array:
        """Enlarge a picture (h, w[, C]) of the canvas' box to the plate's box by a Lanczos kernel."""
        return _both_ways(self._enlarge_rows, picture, self._enlarge_columns)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The sizes (rows, columns) of a plate and of the canvas that shows the same area."""

    plate_shape: tuple[int, int]
    canvas_shape: tuple[int, int]

    @property
    def ratio(self) -> tuple[float, float]:
        """Plate pixels in a canvas pixel, down and across."""
        return (
            self.plate_shape[0] / self.canvas_shape[0],
            self.plate_shape[1] / self.canvas_shape[1],
        )

    @property
    def whole(self) -> Box:
        """The whole canvas."""
        return Box.from_shape(self.canvas_shape)

    def around(self, plate_box: Box, margin: int) -> Box:
        """The box of canvas pixels that touch a box of the plate, grown by ``margin``."""
        down, across = self.ratio
        box = Box(
            int(np.floor(plate_box.x0 / across)),
            int(np.floor(plate_box.y0 / down)),
            int(np.ceil(plate_box.x1 / across)),
            int(np.ceil(plate_box.y1 / down)),
        )
        return box.grown(margin).intersection(self.whole)

    def window(self, box: Box) -> Window:
        """Prepare to work on the canvas pixels of ``box``."""
        sides = []
        for axis, first, last in ((0, box.y0, box.y1), (1, box.x0, box.x1)):
            plate, canvas = self.plate_shape[axis], self.canvas_shape[axis]
            start = int(np.floor(first * plate / canvas + 1e-9))
            stop = min(plate, max(start + 1, int(np.ceil(last * plate / canvas - 1e-9))))
            reduce = area_weights(plate, canvas, first, last, start, stop)
            enlarge = lanczos_weights(plate, canvas, first, last, start, stop)
            sides.append((start, stop, reduce, enlarge))
        (y0, y1, reduce_rows, enlarge_rows), (x0, x1, reduce_columns, enlarge_columns) = sides
        plate_box = Box(x0, y0, x1, y1)
        return Window(box, plate_box, reduce_rows, reduce_columns, enlarge_rows, enlarge_columns)
