"""Seam matching: the engine's pixels take on the plate's low-frequency colour, so that no border shows.

The method is membrane interpolation (Pérez, Gangnet and Blake, "Poisson Image Editing", SIGGRAPH 2003): the
difference of the two pictures along the border is spread into the hole as smoothly as possible and added
there. It differs in three points, because plates have a high dynamic range, are noisy, and keep a fringe of
the object:

- Differences are taken in asinh(x / pivot), where a change of light is an addition, a highlight does not
  dominate and negative values are as good as any other.
- The difference at each stretch of the border is a weighted median over a *ring* of visible pixels. The ring
  is several times as wide as a fringe, so that the thin contaminated band is outvoted.
- The membrane is fitted to these medians with robust weights rather than forced through them.
"""

from __future__ import annotations

import math

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from void_engine.geometry import Box

_PIVOT = 0.004
"""Scene-linear value below which a difference counts as an offset rather than as a gain. It is low, so that
the gain of a bright border does not lift the blacks inside."""
_PLAUSIBLE = math.log(4.0)
"""The largest difference that is believed, two stops. Pictures that differ by more show different things, and
no seam colour can be read from them."""
_SMALLEST_RING_PX, _LARGEST_RING_PX = 10, 40
_RING_OF_SIZE = 0.04
"""Width of the ring as a fraction of the hole's longer side."""
_FEWEST_SAMPLES = 12
"""The least number of comparable pixels from which a correction is made."""
_MOST_SAMPLES = 30_000
"""The most pixels that are compared; more are thinned evenly."""
_CELLS = 48
"""Grid cells along the longer side of a hole's surroundings; the correction has no finer detail than one
cell."""
_SMALLEST_CELL_PX = 4
_NOISE_FLOOR = 0.02
"""Standard error of a median (in asinh units, about a relative change of light) below which it counts as
exact."""
_FRINGE = 2.5
"""Distance from a cell's first median, in its standard deviations, beyond which a pixel is left out."""
_OUTLIER = 0.15
"""Distance from the fitted membrane, in asinh units, from which on a stretch of the border loses weight."""
_STIFFNESS_STEPS = (0.1, 0.5, 8.0)
"""How strongly the measurements pull against the membrane's own tension, step by step. The first pull is
weak, so that an outlier stands off the membrane and is recognised before the membrane is drawn to it."""


def ring_width_px(hole: Box) -> int:
    """Width in pixels of the ring around a hole in which visible pixels are compared."""
    return min(_LARGEST_RING_PX, max(_SMALLEST_RING_PX, round(_RING_OF_SIZE * max(hole.width, hole.height))))


def match_to_plate(plate: Float32Array, engine: Float32Array, weight: Float32Array) -> Float32Array:
    """Give the engine's picture the plate's low-frequency colour.

    The two pictures are compared at visible pixels (weight below 1) in and around the ramp. Pixels that are
    not finite do not count, nor do those that are equal in both pictures, since an engine's copy of the plate
    tells nothing about what it synthesised. Where nothing is left to compare, the engine's pixels come back
    as they are. Holes that are far enough apart are corrected separately.

    Args:
        plate: (H, W, 3) scene-linear.
        engine: (H, W, 3) scene-linear, finite where the weight is above 0.
        weight: (H, W) in 0..1.

    Returns:
        (H, W, 3) float32, changed only where the weight is above 0. The correction is smooth in space, so
        detail is only scaled along with the light.
    """
    result = np.array(engine, np.float32, order="C")
    hole = weight > 0
    near: BoolArray = opencv.depth_inside(~hole, opencv.CLOSE) <= ring_width_px(Box.around(hole))
    labels, boxes = opencv.connected_components(near)
    whole = Box.from_shape(hole.shape)
    for label, box in enumerate(boxes, start=1):
        window = box.slices(whole)
        own = (labels[window] == label) & hole[window]
        visible = near[window] & (weight[window] < 1)
        cell_px = max(_SMALLEST_CELL_PX, math.ceil(max(box.shape) / _CELLS))
        difference = _membrane(plate[window], engine[window], weight[window], visible, cell_px)
        if difference is not None:
            _add_in_asinh(result[window], own, difference, cell_px)
    return result


def finite_pixels(picture: Float32Array) -> BoolArray:
    """A mask (H, W) of the pixels of (H, W, 3) whose three channels are all finite."""
    # Written out, because numpy's reduction over so short an axis takes ten times as long.
    finite = np.isfinite(picture)
    every: BoolArray = finite[..., 0] & finite[..., 1] & finite[..., 2]
    return every


def _membrane(
    plate: Float32Array, engine: Float32Array, weight: Float32Array, visible: BoolArray, cell_px: int
) -> Float64Array | None:
    """The smooth difference plate - engine in asinh units, (3, rows, columns) of cells; None when unknown."""
    grid = (math.ceil(weight.shape[0] / cell_px), math.ceil(weight.shape[1] / cell_px))
    usable = visible & finite_pixels(plate) & finite_pixels(engine)
    differs = plate != engine
    usable &= differs[..., 0] | differs[..., 1] | differs[..., 2]
    rows, columns = np.nonzero(usable)
    if rows.size < _FEWEST_SAMPLES:
        return None
    every = -(-rows.size // _MOST_SAMPLES)
    rows, columns = rows[::every], columns[::every]
    # Pixels near the solid part count less: there the plate may still show the object, and hardly any of its
    # own pixels remains visible.
    weights = 1.0 - weight[rows, columns].astype(np.float64)
    cells = _nearest_solid_cells(weight, cell_px, grid[1])[rows, columns]
    difference = _asinh(plate[rows, columns]) - _asinh(engine[rows, columns])
    medians, pull = np.zeros((3, *grid)), np.zeros((3, *grid))
    for channel in range(3):
        median, precision = _cell_medians(cells, difference[:, channel], weights, grid[0] * grid[1])
        medians[channel] = median.reshape(grid)
        pull[channel] = precision.reshape(grid)
    measured = float(pull.sum())
    pull *= (np.abs(medians) <= _PLAUSIBLE).all(axis=0)
    if not pull.any(axis=(1, 2)).all():
        return None
    # Where most of the ring shows something else, the rest of it is not trusted fully either.
    share = min(1.0, 2.0 * float(pull.sum()) / measured)
    return share * _fitted_membrane(medians, pull)


def _nearest_solid_cells(weight: Float32Array, cell_px: int, grid_columns: int) -> Int64Array:
    """The index of the grid cell that holds the nearest solid pixel, for each pixel, (H, W).

    All of the ring's width at one stretch of the border thus falls into one cell, and these cells lie where
    the membrane is to be held.
    """
    solid = weight >= 1.0
    if not solid.any():
        solid = weight > 0
    labels = opencv.nearest_labels(solid)
    rows, columns = np.nonzero(solid)
    cell_of_label = np.zeros(int(labels.max()) + 1, np.int64)
    cell_of_label[labels[rows, columns]] = (rows // cell_px) * grid_columns + columns // cell_px
    nearest: Int64Array = cell_of_label[labels]
    return nearest


def _cell_medians(
    cells: Int64Array, values: Float64Array, weights: Float64Array, count: int
) -> tuple[Float64Array, Float64Array]:
    """The weighted median of each cell without its outliers, and its precision from 0 (no sample) to 1."""
    order = _order_within(cells, values)
    median = _weighted_medians(cells, values, weights, order, count)
    distance = np.abs(values - median[cells])
    spread = 1.4826 * _weighted_medians(cells, distance, weights, _order_within(cells, distance), count)
    # A fringe on one side shifts even a median a little, so its pixels are left out and the median is redone.
    weights = np.where(distance <= _FRINGE * spread[cells], weights, 0.0)
    median = _weighted_medians(cells, values, weights, order, count)
    total = np.bincount(cells, weights, count)
    squares = np.bincount(cells, weights * weights, count)
    samples = np.divide(total * total, squares, out=np.zeros(count), where=squares > 0)
    # The median of n normal values has the variance pi/2 sigma^2 / n.
    variance = np.divide(
        0.5 * math.pi * spread * spread, samples, out=np.full(count, np.inf), where=samples > 0
    )
    return median, np.minimum(1.0, samples / _FEWEST_SAMPLES) / (1.0 + variance / _NOISE_FLOOR**2)


def _order_within(cells: Int64Array, values: Float64Array) -> Int64Array:
    """Indices that sort by cell and within a cell by value."""
    # numpy sorts 16-bit integers stably in linear time (radix sort).
    by_value = np.argsort(values)
    order: Int64Array = by_value[np.argsort(cells[by_value].astype(np.uint16), kind="stable")]
    return order


def _weighted_medians(
    cells: Int64Array, values: Float64Array, weights: Float64Array, order: Int64Array, count: int
) -> Float64Array:
    running = np.cumsum(weights[order])
    total = np.bincount(cells, weights, count)
    occupied = np.flatnonzero(total > 0)
    before = np.cumsum(total) - total
    halfway = np.searchsorted(running, before[occupied] + 0.5 * total[occupied])
    medians = np.zeros(count)
    medians[occupied] = values[order][np.minimum(halfway, values.size - 1)]
    return medians


def _fitted_membrane(medians: Float64Array, pull: Float64Array) -> Float64Array:
    """The smoothest grid near the medians, by iteratively reweighted least squares; (3, rows, columns)."""
    mean = _channel_sums(medians, pull) / pull.sum(axis=(1, 2))
    membrane = np.broadcast_to(mean[:, None, None], medians.shape).copy()
    for stiffness in _STIFFNESS_STEPS:
        off = ((medians - membrane) ** 2).sum(axis=0) / _OUTLIER**2
        membrane = _solved(stiffness * pull / (1.0 + off) ** 2, medians, membrane)
    return membrane


def _solved(pull: Float64Array, medians: Float64Array, start: Float64Array) -> Float64Array:
    """Minimise sum pull (m - medians)^2 + sum over neighbours (m_i - m_j)^2 by conjugate gradients."""
    inverse_diagonal = 1.0 / (pull + _neighbour_counts(pull.shape))
    target = pull * medians
    solution = start.copy()
    residual = target - _tensed(pull, solution)
    enough = 1e-8 * _channel_sums(target, target) + 1e-18
    preconditioned = residual * inverse_diagonal
    direction = preconditioned.copy()
    energy = _channel_sums(residual, preconditioned)
    for _ in range(6 * sum(pull.shape)):
        if (_channel_sums(residual, residual) <= enough).all():
            break
        image = _tensed(pull, direction)
        along = _channel_sums(direction, image)
        step = np.divide(energy, along, out=np.zeros(3), where=along > 0)[:, None, None]
        solution += step * direction
        residual -= step * image
        preconditioned = residual * inverse_diagonal
        renewed = _channel_sums(residual, preconditioned)
        direction *= np.divide(renewed, energy, out=np.zeros(3), where=energy > 0)[:, None, None]
        direction += preconditioned
        energy = renewed
    return solution


def _tensed(pull: Float64Array, membrane: Float64Array) -> Float64Array:
    """The quadratic form's matrix times the membrane: the pull and the differences to the neighbours."""
    result = pull * membrane
    down = membrane[:, 1:] - membrane[:, :-1]
    result[:, 1:] += down
    result[:, :-1] -= down
    across = membrane[:, :, 1:] - membrane[:, :, :-1]
    result[:, :, 1:] += across
    result[:, :, :-1] -= across
    return result


def _neighbour_counts(shape: tuple[int, ...]) -> Float64Array:
    counts = np.full(shape, 4.0)
    counts[:, [0, -1]] -= 1.0
    counts[:, :, [0, -1]] -= 1.0
    return counts


def _channel_sums(a: Float64Array, b: Float64Array) -> Float64Array:
    sums: Float64Array = np.einsum("cij,cij->c", a, b)
    return sums


def _add_in_asinh(picture: Float32Array, where: BoolArray, difference: Float64Array, cell_px: int) -> None:
    """Add a difference of asinh units, (3, rows, columns) of cells, to the pixels ``where``, in place.

    sinh(asinh(x/p) + d) = x/p cosh d + sqrt(1 + (x/p)^2) sinh d, which needs no logarithm of a pixel and
    leaves it exactly as it is for d = 0.
    """
    rows, columns = picture.shape[:2]
    size = (difference.shape[1] * cell_px, difference.shape[2] * cell_px)
    for channel, grid in enumerate(difference):
        scale, lift = (
            opencv.resize(part.astype(np.float32), size, opencv.CUBIC)[:rows, :columns][where]
            for part in (np.cosh(grid), np.sinh(grid))
        )
        values = picture[..., channel][where]
        # A value near the end of the float range may overflow; such a pixel stays as it was.
        with np.errstate(over="ignore", invalid="ignore"):
            changed = values * scale + np.hypot(values, np.float32(_PIVOT)) * lift
        picture[..., channel][where] = np.where(np.isfinite(changed), changed, values)


def _asinh(values: Float32Array) -> Float64Array:
    return np.arcsinh(values.astype(np.float64) / _PIVOT)
