"""Several answers for each hidden pixel, joined by the errors that each of them makes nearby.

The fused answer is the best one where motion is measured well. Elsewhere the nearest frame may be better, or
the median of all, or frames that are not moved at all, or the smooth continuation of the surroundings. None
of that has to be guessed: beside the hole all of them can be compared with the plate, and how far the
surroundings predict the inside can be tried on a frame that shows the inside. The squared errors are smoothed
and continued into the hole, and the answers are averaged with weights that fall with the square of them: one
that is clearly better nearby is taken nearly alone, equals are mixed, and nothing switches abruptly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.propagation import pyramid
from void_engine.propagation.medians import median_of_shown
from void_engine.propagation.reveal import fusion

_AROUND_CELLS = 5.0
"""Blur radius, in cells of the grid, over which squared errors are averaged."""
_LARGEST = 0.3
"""Squared errors, encoded, beyond this count as this much."""
_LEAST = 1e-6
"""Squared errors, encoded, below this are equal."""
_PRIOR = 0.02
"""The weight of the mean error of the whole surroundings, in cells full of points, against local ones."""
_SCATTER_FACTOR = 3.0
"""The largest squared error that sources may have in common, relative to the square of their scatter."""
_SCATTER_FLOOR = 0.003
"""What is added to the scatter, encoded, because compression repeats pixels exactly."""
_ENOUGH_TO_AGREE = 3
"""The least number of sources whose agreement tells anything."""
_SQUARE_OF_MEAN = np.pi / 2
"""The mean square over the square of the mean absolute value, for normal errors."""
_MEDIAN_VARIANCE = np.pi / 2
"""The variance of a median over that of a mean, for normal noise."""

Weigh = Callable[[Float32Array], Float32Array]
"""Turns how well sources fit, (S, N), into weights for fusion."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What S sources show at N pixels."""

    moved: Float32Array
    """(S, N, 3) encoded, sampled along the measured motion and matched in light."""
    fits: Float32Array
    """(S, N): how well each source fits there; 0 where it does not show the pixel."""
    still: Float32Array | None
    """(S, N, 3) encoded, at the same place of the frame, as it is; None where that is no different."""
    still_seen: BoolArray
    """(S, N): where the frame as it is shows the pixel."""

    def only(self, moved: BoolArray, still: BoolArray) -> Stack:
        """The stack with those sources alone that are ``moved`` or ``still`` visible, each (S, N), as far as
        any is left."""
        seen = self.fits > 0
        left = seen & moved
        fits = np.where(np.where(left.any(axis=0), left, seen), self.fits, np.float32(0.0))
        left = self.still_seen & still
        return Stack(
            self.moved, fits, self.still, np.where(left.any(axis=0), left, self.still_seen).astype(bool)
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers that come from other frames, at N pixels: the moved frames fused, the nearest of them and
    their median; then the nearest of the frames as they are and their median, where they differ."""

    fused: fusion.Fused
    values: Float32Array
    """(K, N, 3) encoded."""
    there: BoolArray
    """(K, N): whether there is such an answer."""
    kept_variance: Float32Array
    """(K, N) in 0..1: the share of a single source's noise variance that is left."""
    scatter: Float32Array
    """(0, 1 or 2, N) encoded: how far the moved frames, and the frames as they are, lie from their median;
    infinite where fewer than three show the pixel. Empty where it was not asked for."""


def answers(stack: Stack, order: Int64Array, weigh: Weigh, noise: float, *, scatter: bool = True) -> Answers:
    """Give all answers that come from other frames.

    Args:
        stack: what the sources show.
        order: (S,) the sources from the nearest in time to the farthest.
        weigh: turns how well sources fit into weights for fusion.
        noise: standard deviation, encoded, within which sources agree.
        scatter: whether to tell how far the frames lie from their median.
    """
    seen = stack.fits > 0
    fused = fusion.fuse(stack.moved, weigh(stack.fits), noise)
    values = [fused.values]
    there = [fused.weight > 0]
    kept, away = [fused.kept_variance], np.empty((0, len(fused.weight)), np.float32)
    looked_at = [(stack.moved, seen)]
    if stack.still is not None:
        looked_at.append((stack.still, stack.still_seen))
    for pictures, shown in looked_at:
        first = order[np.argmax(shown[order], axis=0)]
        nearest = np.take_along_axis(pictures, first[None, :, None], axis=0)[0]
        count = shown.sum(axis=0)
        median = median_of_shown(pictures, shown, count)
        values += [nearest, median]
        if scatter:
            away = np.concatenate([away, _scatter(pictures, shown, count, median)[None]])
        there += [count > 0, count > 0]
        kept += [
            np.ones(len(count), np.float32),
            np.minimum(_MEDIAN_VARIANCE / np.maximum(count, 1), 1.0).astype(np.float32),
        ]
    return Answers(fused, np.stack(values), np.stack(there), np.stack(kept), away)


def _scatter(
    pictures: Float32Array, shown: BoolArray, count: Int64Array, median: Float32Array
) -> Float32Array:
    """The root mean square distance, (N,), of the pictures that show a pixel from their median."""
    total = (squared_error(pictures, median) * shown).sum(axis=0)
    away = np.sqrt(total / np.maximum(count, 1))
    return np.where(count >= _ENOUGH_TO_AGREE, away, np.float32(np.inf)).astype(np.float32)


def squared_error(values: Float32Array, truth: Float32Array) -> Float32Array:
    """The mean squared difference of the channels, (..., N), limited so that outliers do not decide."""
    square = np.square(values - truth)
    power = (square[..., 0] + square[..., 1] + square[..., 2]) / np.float32(3.0)
    return np.asarray(np.minimum(power, np.float32(_LARGEST)), np.float32)


def spread(
    errors: Float32Array, valid: BoolArray, places: Int64Array, shape: tuple[int, int]
) -> Float32Array:
    """Average squared errors locally and continue them to where there are none, (K, h, w).

    Args:
        errors: (K, N) squared errors of K answers.
        valid: (K, N), whether the answer can be judged there.
        places: (N,) the cells of the grid in which they were made, counted along its rows.
        shape: (rows, columns) of the grid.
    """
    maps = []
    for error, known in zip(errors, valid, strict=True):
        if not known.any():
            maps.append(np.full(shape, _LARGEST, np.float32))
            continue
        cells, size = places[known], shape[0] * shape[1]
        count = np.bincount(cells, minlength=size).astype(np.float32).reshape(shape)
        size_of_error = np.sqrt(error[known])
        total = np.bincount(cells, size_of_error, size).astype(np.float32).reshape(shape)
        maps.append(_continued(total, count, float(size_of_error.mean())))
    return np.stack(maps)


def spread_picture(error: Float32Array, known: BoolArray) -> Float32Array:
    """Average squared errors, (h, w), that are ``known`` in some cells, as :func:`spread` does."""
    if not known.any():
        return np.full(error.shape, _LARGEST, np.float32)
    weight, size_of_error = known.astype(np.float32), np.sqrt(error)
    return _continued(size_of_error * weight, weight, float(size_of_error[known].mean()))


def _continued(total: Float32Array, count: Float32Array, mean: float) -> Float32Array:
    """The squared error expected from sums of absolute errors, ``total``, of ``count`` points in each cell.

    Absolute errors are averaged, because squares let something that moves beside the hole outweigh all that
    stands still there.
    """
    summed = opencv.gaussian_blur(total, _AROUND_CELLS)
    weight = opencv.gaussian_blur(count, _AROUND_CELLS)
    local = (summed + np.float32(_PRIOR * mean)) / (weight + np.float32(_PRIOR))
    whole = pyramid.push_pull(local, np.clip(weight * 20.0, 0.0, 1.0).astype(np.float32))
    return np.asarray(np.float32(_SQUARE_OF_MEAN) * np.square(whole) + np.float32(_LEAST), np.float32)


def agreed(errors: Float32Array, scatter: Float32Array) -> Float32Array:
    """Lower the expected squared errors of answers, (K, N), where the ``scatter``, (N,), is small.

    Frames from different times that agree inside the hole are probably right, whatever happens beside it.
    As they may be wrong together, agreement counts half: the least error becomes its geometric mean with
    what the scatter allows. The others keep their distance from it.
    """
    bound = np.float32(_SCATTER_FACTOR) * np.square(scatter + np.float32(_SCATTER_FLOOR))
    factor = np.sqrt(np.minimum(bound / errors.min(axis=0), np.float32(1.0)))
    return np.asarray(errors * factor, np.float32)


def shares(errors: Float32Array, there: BoolArray) -> Float32Array:
    """The share of each answer, (K, N), with sum 1: inverse to the square of its squared error.

    Args:
        errors: (K, N) expected squared errors, above 0.
        there: (K, N), whether the answer is there.
    """
    least = np.where(there, errors, np.float32(np.inf)).min(axis=0)
    ratio = np.where(np.isfinite(least), least, np.float32(1.0)) / errors
    weight = np.where(there, np.square(ratio), np.float32(0.0))
    return np.asarray(weight / np.maximum(weight.sum(axis=0), np.float32(1e-9)), np.float32)
