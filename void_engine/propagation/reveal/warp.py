"""Warping: samples a source frame at full size, once, through its composed motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.geometry import Box
from void_engine.propagation import encoding, pyramid
from void_engine.propagation.motion.homography import Homography
from void_engine.propagation.working_set import FullFrame

_ROW = 512
"""Length of the rows in which scattered positions are sampled."""
_KERNEL_REACH_PX = 4
"""How far the Lanczos kernel reaches."""


@dataclass(frozen=True, slots=True)
class Warp:
    """The motion from a target to one source: a residual flow, then a homography."""

    number: int
    """The number of the source frame."""
    homography: Homography
    """From the target's analysis pixels to the source's, after the flow."""
    flow: Float32Array
    """(h, w, 2): residual motion on a box of analysis pixels, applied before the homography."""

    @property
    def moves(self) -> bool:
        """Whether anything moves at all."""
        return bool(self.flow.any()) or not np.array_equal(self.homography, np.eye(3))


def upsample(field: Float32Array, box: Box, tile: Box, ratio: tuple[float, float]) -> Float32Array:
    """Read a field on the analysis ``box`` at the full-size pixels of ``tile``, by bilinear interpolation."""
    if ratio == (1.0, 1.0):
        return field[tile.moved(-box.x0, -box.y0).slices(Box.from_shape(field.shape))]
    x = ((np.arange(tile.x0, tile.x1) + 0.5) * ratio[1] - 0.5 - box.x0).astype(np.float32)
    y = ((np.arange(tile.y0, tile.y1) + 0.5) * ratio[0] - 0.5 - box.y0).astype(np.float32)
    map_x = np.ascontiguousarray(np.broadcast_to(x, (tile.height, tile.width)))
    map_y = np.ascontiguousarray(np.broadcast_to(y[:, None], (tile.height, tile.width)))
    return opencv.remap(field, map_x, map_y)


def positions(
    motion: Warp, box: Box, tile: Box, ratio: tuple[float, float], step: int = 1
) -> tuple[Float32Array, Float32Array]:
    """The positions of the target's full-size pixels of ``tile`` in the full-size source.

    Args:
        motion: from the target to the source.
        box: the analysis pixels that the flow covers.
        tile: the full-size pixels of the target.
        ratio: (rows, columns) of analysis pixels for each full-size pixel.
        step: only every ``step``-th pixel of every ``step``-th row is computed.

    Returns:
        x and y, each (h, w).
    """
    flow = upsample(motion.flow, box, tile, ratio)[::step, ::step]
    x = (np.arange(tile.x0, tile.x1, step) + 0.5) * ratio[1] - 0.5
    y = (np.arange(tile.y0, tile.y1, step) + 0.5) * ratio[0] - 0.5
    flow_x, flow_y = flow[:, :, 0].astype(np.float64), flow[:, :, 1].astype(np.float64)
    return _through(motion.homography, x[None, :] + flow_x, y[:, None] + flow_y, ratio)


def point_positions(
    motion: Warp, box: Box, points: Float32Array, ratio: tuple[float, float]
) -> tuple[Float32Array, Float32Array]:
    """The positions of scattered full-size pixels ``points`` (N, 2) in the source: x and y, each (N, 1)."""
    flow = read_at(motion.flow, box, points, ratio).astype(np.float64)
    x = (points[:, 0:1].astype(np.float64) + 0.5) * ratio[1] - 0.5
    y = (points[:, 1:2].astype(np.float64) + 0.5) * ratio[0] - 0.5
    return _through(motion.homography, x + flow[:, 0:1], y + flow[:, 1:2], ratio)


def read_at(field: Float32Array, box: Box, points: Float32Array, ratio: tuple[float, float]) -> Float32Array:
    """Read a field on the analysis ``box`` at scattered full-size pixels (N, 2) of x, y: (N, channels)."""
    x = ((points[:, 0:1] + 0.5) * ratio[1] - 0.5 - box.x0).astype(np.float32)
    y = ((points[:, 1:2] + 0.5) * ratio[0] - 0.5 - box.y0).astype(np.float32)
    return opencv.remap(field, x, y).reshape(len(points), -1)


def _through(
    h: Homography, px: Float64Array, py: Float64Array, ratio: tuple[float, float]
) -> tuple[Float32Array, Float32Array]:
    """Map analysis positions of the target by the homography to full-size positions of the source."""
    if not np.array_equal(h, np.eye(3)):
        depth = h[2, 0] * px + h[2, 1] * py + h[2, 2]
        safe = np.where(depth > 1e-6, depth, 1.0)
        px, py = (
            np.where(depth > 1e-6, (h[0, 0] * px + h[0, 1] * py + h[0, 2]) / safe, -1e6),
            np.where(depth > 1e-6, (h[1, 0] * px + h[1, 1] * py + h[1, 2]) / safe, -1e6),
        )
    full_x = (px + 0.5) / ratio[1] - 0.5
    full_y = (py + 0.5) / ratio[0] - 0.5
    return full_x.astype(np.float32), full_y.astype(np.float32)


def sample_points(
    source: FullFrame, gain: Float32Array, map_x: Float32Array, map_y: Float32Array
) -> tuple[Float32Array, BoolArray]:
    """Sample ``source`` at scattered positions (N, 1): encoded values (N, 3) and a mask of the visible (N,).

    Unlike in :func:`sample` the kernel works in linear light, because encoding a whole picture for a few
    points would be slow.
    """
    rows, columns = source.hidden.shape
    inside = (map_x >= 2) & (map_x <= columns - 3) & (map_y >= 2) & (map_y <= rows - 3)
    x, y = np.where(inside, map_x, np.float32(0.0)), np.where(inside, map_y, np.float32(0.0))
    values = opencv.remap(source.plate, x, y, opencv.CUBIC)
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    clear = inside.copy()
    for down in range(-1, 3):
        for right in range(-1, 3):
            row, column = np.clip(top + down, 0, rows - 1), np.clip(left + right, 0, columns - 1)
            clear &= ~source.hidden[row, column]
    return encoding.encode(values.reshape(-1, 3) * gain), clear.reshape(-1)


def sample(
    source: FullFrame, gain: Float32Array, map_x: Float32Array, map_y: Float32Array
) -> tuple[Float32Array, BoolArray, BoolArray]:
    """Sample ``source`` at the given positions, with a sharp kernel (Lanczos, 8 x 8) on encoded pixels.

    Args:
        source: the source frame.
        gain: (3,) factor in linear light, applied before encoding.
        map_x, map_y: (h, w) full-size positions.

    Returns:
        Encoded values (h, w, 3), a mask (h, w) of those that rest on visible pixels only and a pixel away
        from hidden ones, and a mask of those of which the nearest pixel, at least, is visible.
    """
    rows, columns = source.hidden.shape
    inside = (map_x >= 0) & (map_x <= columns - 1) & (map_y >= 0) & (map_y <= rows - 1)
    if not inside.any():
        return np.zeros((*map_x.shape, 3), np.float32), inside, inside
    reach = _KERNEL_REACH_PX
    region = Box(
        int(np.floor(map_x[inside].min())) - reach,
        int(np.floor(map_y[inside].min())) - reach,
        int(np.ceil(map_x[inside].max())) + reach + 1,
        int(np.ceil(map_y[inside].max())) + reach + 1,
    ).intersection(source.box)
    cut = region.slices(source.box)
    picture = _without_hidden(encoding.encode(source.plate[cut] * gain), source.hidden[cut])
    hidden = source.hidden[cut]
    blocked = opencv.dilate(hidden, opencv.square(3)).astype(np.uint8) * np.uint8(255)
    local_x, local_y = map_x - np.float32(region.x0), map_y - np.float32(region.y0)
    values = opencv.remap(picture, local_x, local_y, opencv.LANCZOS)
    covered = opencv.remap(blocked, local_x, local_y, outside=255.0)
    clear = inside & (covered < 8)
    column = np.clip(np.rint(local_x), 0, hidden.shape[1] - 1).astype(np.intp)
    row = np.clip(np.rint(local_y), 0, hidden.shape[0] - 1).astype(np.intp)
    return values, clear, clear | (inside & ~hidden[row, column])


def sample_some(
    source: FullFrame, gain: Float32Array, map_x: Float32Array, map_y: Float32Array
) -> tuple[Float32Array, BoolArray, BoolArray]:
    """Sample ``source`` as :func:`sample` does, at positions (N,): encoded values (N, 3) and two masks (N,).

    The positions are arranged in rows of a fixed length, which OpenCV samples as fast as a picture.
    """
    count = len(map_x)
    if not count:
        return np.zeros((0, 3), np.float32), np.zeros(0, bool), np.zeros(0, bool)
    padding = (0, -count % _ROW)
    rows_x, rows_y = (np.pad(each, padding, mode="edge").reshape(-1, _ROW) for each in (map_x, map_y))
    values, clear, shown = sample(source, gain, rows_x, rows_y)
    return values.reshape(-1, 3)[:count], clear.reshape(-1)[:count], shown.reshape(-1)[:count]


def _without_hidden(picture: Float32Array, hidden: BoolArray) -> Float32Array:
    """Fill hidden pixels near visible ones with values like those, as the kernel reaches over the rim."""
    if not hidden.any():
        return picture
    side = 2 * _KERNEL_REACH_PX + 1
    shown = (~hidden).astype(np.float32)
    share = np.reciprocal(np.maximum(opencv.box_blur(shown, side), np.float32(1e-6)))
    mean = pyramid.times(opencv.box_blur(pyramid.times(picture, shown), side), share)
    return opencv.copy_where(picture, hidden, mean)
