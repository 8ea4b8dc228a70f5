"""The high band of the answer where nothing of the plate fits: the mean of what similar patches have.

For each small patch of the answer the most similar patches of the plate on the canvas are found, and the band
above the canvas' Nyquist that they really have is averaged. Where similar patches agree, as along edges, the
band is sharp; where they do not, as in defocus or on gravel, it fades by itself. So the level follows the
local sharpness, and no detail is made up that the next frame would contradict.
"""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.detail.candidates import Place
from void_engine.geometry import Box

_AROUND = 32
"""How far, in canvas pixels, similar patches are looked for beyond the window."""
_MOST_SAMPLES = 9000
_NEIGHBOURS = 4
_RADIUS = 2
"""Radius of a patch, in canvas pixels."""
_OFFSETS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""The overlapping patches that vote for a pixel."""
_TOLERANCE = 3.0
"""How many times the answer's variance two patches may differ by and still count half."""
_CHUNK = 1024


def predicted_band(place: Place, sharpened: Float32Array, wanted: BoolArray) -> Float32Array:
    """Predict the high band of a window.

    Args:
        place: the window.
        sharpened: (h, w, 3) encoded: the answer, brought near to a reduced plate.
        wanted: (h, w): the canvas pixels whose band is needed.

    Returns:
        (H, W, 3) encoded, over the plate's box; 0 where nothing similar is known.
    """
    source, window = place.source, place.window
    shape = place.plate.shape
    around = window.canvas.grown(_AROUND).intersection(source.canvas.whole)
    known = _inner(source.known(place.number, 1)[around.slices(source.canvas.whole)])
    rows, columns = np.nonzero(known)
    at_y, at_x = np.nonzero(wanted)
    if len(rows) < 50 or not len(at_y):
        return np.zeros(shape, np.float32)
    step = -(-len(rows) // _MOST_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    large = source.canvas.window(around)
    plate = source.plate(place.number).plate[large.plate.slices(Box.from_shape(source.canvas.plate_shape))]
    # Patches of the plate are compared as the answer would show them, and sharpened like it.
    reduced = source.reduced(place.number)
    seen = place.calibration.sharpened(place.calibration.degrade(reduced))
    seen = seen[around.slices(source.canvas.whole)]
    band = plate - large.enlarge(seen)
    samples = _patches(seen, rows, columns)
    targets = _patches(sharpened, at_y, at_x)
    scale = _TOLERANCE * place.steady.variance[at_y, at_x] * targets.shape[1]
    nearest, weights = _nearest(place, samples, targets, scale)
    total = np.zeros(shape, np.float32)
    weight = np.full(shape[:2], 0.5 * len(_OFFSETS), np.float32)
    dy = rows[nearest] + around.y0 - (at_y[:, None] + window.canvas.y0)
    dx = columns[nearest] + around.x0 - (at_x[:, None] + window.canvas.x0)
    down, across = source.canvas.ratio
    box = window.plate
    y = np.arange(box.y0, box.y1)
    x = np.arange(box.x0, box.x1)
    cell_y = np.clip(((y + 0.5) / down).astype(np.int64) - window.canvas.y0, 0, wanted.shape[0] - 1)
    cell_x = np.clip(((x + 0.5) / across).astype(np.int64) - window.canvas.x0, 0, wanted.shape[1] - 1)
    field = np.zeros((*wanted.shape, 3), np.float32)
    for rank in range(nearest.shape[1]):
        field[at_y, at_x, 0], field[at_y, at_x, 1] = dx[:, rank], dy[:, rank]
        field[at_y, at_x, 2] = weights[:, rank]
        for oy, ox in _OFFSETS:
            place.check()
            cells = field[
                np.clip(cell_y + oy, 0, wanted.shape[0] - 1)[:, None],
                np.clip(cell_x + ox, 0, wanted.shape[1] - 1)[None],
            ]
            map_x = (x[None] + cells[..., 0] * across - large.plate.x0).astype(np.float32)
            map_y = (y[:, None] + cells[..., 1] * down - large.plate.y0).astype(np.float32)
            voted = opencv.remap(band, map_x, map_y, opencv.CUBIC)
            share = np.ascontiguousarray(cells[..., 2])
            total += share[:, :, None] * voted
            weight += share
    return total / weight[:, :, None]


def _inner(known: BoolArray) -> BoolArray:
    inner = opencv.erode(known, opencv.square(2 * _RADIUS + 1))
    inner[:_RADIUS] = inner[-_RADIUS:] = False
    inner[:, :_RADIUS] = inner[:, -_RADIUS:] = False
    return inner


def _patches(picture: Float32Array, rows: Int64Array, columns: Int64Array) -> Float32Array:
    """Patches around pixels, (n, d), their mean taken away: light differs, structure counts."""
    side = 2 * _RADIUS + 1
    grey = picture.mean(axis=2)
    padded = np.pad(grey, _RADIUS, mode="edge")
    index_y = rows[:, None] + np.repeat(np.arange(side), side)
    index_x = columns[:, None] + np.tile(np.arange(side), side)
    found = padded[index_y, index_x]
    return np.asarray(found - found.mean(axis=1, keepdims=True), np.float32)


def _nearest(
    place: Place, samples: Float32Array, targets: Float32Array, scale: Float32Array
) -> tuple[Int64Array, Float32Array]:
    """The nearest samples of each target and their weights, both (n, k)."""
    count = min(_NEIGHBOURS, len(samples))
    energy = np.square(samples).sum(axis=1)
    indices = np.empty((len(targets), count), np.int64)
    weights = np.empty((len(targets), count), np.float32)
    for start in range(0, len(targets), _CHUNK):
        place.check()
        part = targets[start : start + _CHUNK]
        distance = energy[None] - 2 * (part @ samples.T)
        best = np.argpartition(distance, count - 1, axis=1)[:, :count]
        found = np.take_along_axis(distance, best, axis=1) + np.square(part).sum(axis=1)[:, None]
        indices[start : start + _CHUNK] = best
        weights[start : start + _CHUNK] = 1 / (
            1 + np.square(np.maximum(found, 0) / scale[start : start + _CHUNK, None])
        )
    return indices, weights
