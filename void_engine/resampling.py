"""Resampling between the plate's pixels and a model's canvas, without a shift in either direction.

Pixel centres lie at half-integers and a picture's corners map onto corners, so a picture that goes to the
canvas and back stays in its place. A side that shrinks is averaged by area (no pixel is lost); a side that
grows is interpolated by Catmull-Rom cubics clamped to the two neighbouring samples, so that a highlight of 20
has no dark ring around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.geometry import Box

_BLOCK_VALUES = 1 << 15
"""How many values are worked on at a time, so that the temporaries stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Resampler:
    """Resamples between a crop of the plate and a canvas, each of a fixed (height, width)."""

    crop_shape: tuple[int, int]
    canvas_shape: tuple[int, int]

    def to_canvas(self, picture: Float32Array) -> Float32Array:
        """Resample (H, W) or (H, W, C) of the crop's size onto the canvas, float32; C is at most 4.

        New values stay within the range of the samples that they are made from, so mattes stay in 0..1 while
        colours are not clamped. Where the sizes are equal the values are the same, bit for bit (and may share
        memory). A NaN or infinity spreads into the pixels made from it.

        Raises:
            ValueError: when the picture has another size or too many channels.
        """
        return _resampled(picture, self.crop_shape, self.canvas_shape)

    def from_canvas(self, picture: Float32Array) -> Float32Array:
        """Resample (h, w) or (h, w, C) of the canvas' size to the crop, by the rules of :meth:`to_canvas`."""
        return _resampled(picture, self.canvas_shape, self.crop_shape)


def crop(picture: NDArray[np.generic], picture_box: Box, box: Box) -> NDArray[np.generic]:
    """Cut out the part of a picture that a box covers; beyond the picture its edge pixels are repeated.

    Args:
        picture: (H, W[, C]) of any type, covering ``picture_box``.
        picture_box: where the picture lies, in display coordinates.
        box: the part to cut out, in display coordinates.

    Returns:
        A new contiguous array of the box's size and the picture's type.

    Raises:
        ValueError: when the picture's size is not that of its box, or the two boxes have no pixel in common.
    """
    _check_shape(picture, picture_box.shape)
    inside = box.intersection(picture_box)
    if inside.is_empty:
        raise ValueError(f"{box} has no pixel in common with {picture_box}")
    part = picture[inside.slices(picture_box)]
    if inside == box:
        return np.array(part, order="C")
    border = ((inside.y0 - box.y0, box.y1 - inside.y1), (inside.x0 - box.x0, box.x1 - inside.x1))
    return np.pad(part, border + ((0, 0),) * (picture.ndim - 2), mode="edge")


def _resampled(picture: Float32Array, before: tuple[int, int], after: tuple[int, int]) -> Float32Array:
    _check_shape(picture, before)
    if picture.ndim > 3 or picture.shape[2:] > (4,):
        raise ValueError(f"at most 4 channels can be resampled at a time, got shape {picture.shape}")
    result = np.ascontiguousarray(picture, np.float32)
    # Shrinking comes first, because then there is less to enlarge.
    area = (min(before[0], after[0]), min(before[1], after[1]))
    if area != before:
        result = opencv.resize(result, area, opencv.AREA).reshape(area + picture.shape[2:])
    result = _rows_enlarged(result, after[0])
    if after[1] != area[1]:
        across = _rows_enlarged(np.ascontiguousarray(result.swapaxes(0, 1)), after[1])
        result = np.ascontiguousarray(across.swapaxes(0, 1))
    return result


def _rows_enlarged(picture: Float32Array, count: int) -> Float32Array:
    """Interpolate (N, ...) to (count, ...) along the first axis; ``count`` is at least N."""
    rows = picture.shape[0]
    if count == rows:
        return picture
    position = (np.arange(count) + 0.5) * (rows / count) - 0.5
    below = np.floor(position).astype(np.int64)
    t = (position - below).astype(np.float32).reshape((-1,) + (1,) * (picture.ndim - 1))
    # This is Keys' cubic convolution with a = -1/2 (IEEE Trans. ASSP 29, 1981), exact to third order.
    taps = (
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
    sources = [np.clip(below + offset, 0, rows - 1) for offset in (-1, 0, 1, 2)]
    result = np.empty((count, *picture.shape[1:]), np.float32)
    block = max(1, _BLOCK_VALUES * rows // max(1, picture.size))
    for first in range(0, count, block):
        here = slice(first, first + block)
        mixed, near, far, beyond = (picture[source[here]] for source in sources)
        low, high = np.minimum(near, far), np.maximum(near, far)
        for neighbour, tap in zip((mixed, near, far, beyond), taps, strict=True):
            neighbour *= tap[here]
        mixed += near
        mixed += far
        mixed += beyond
        np.maximum(mixed, low, out=mixed)
        np.minimum(mixed, high, out=result[here])
    return result


def _check_shape(picture: NDArray[np.generic], shape: tuple[int, int]) -> None:
    if picture.shape[:2] != shape:
        raise ValueError(f"expected a picture of {shape[1]}x{shape[0]}, got shape {picture.shape}")
