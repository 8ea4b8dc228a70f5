"""PatchMatch on several scales with voting: finds the known patch that each pixel of a hole copies.

The search is that of Barnes et al., "PatchMatch" (SIGGRAPH 2009), the voting that of Wexler et al.,
"Space-Time Completion of Video" (PAMI 2007). As there, pixels that are known or near the rim count more than
those synthesised deep inside, both when patches are compared and when they vote. So structure grows inwards
from the rim instead of being matched to the blur that the search begins with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.engines.interface import Monitor

_PATCH = 7
"""Side of a patch in pixels."""
_HALF = _PATCH // 2
_COARSEST_SIDE = 28
"""The least shorter side of the coarsest level."""
_LEVEL_STEP = 0.6
"""Size of a level relative to the next finer one."""
_ROUNDS = 4
"""Rounds of search and vote on a coarse level."""
_FINE_ROUNDS = 2
"""Rounds of search and vote on a fine level."""
_FINE_SIDE = 260
"""Side in pixels from which on fewer rounds suffice, because the coarser levels have decided the layout."""
_DISTANCE_PENALTY = 0.02
"""The cost, in squared encoded units, of taking a patch from a distance of the picture's size."""
_CONFIDENCE_PX = 3.0
"""Depth in pixels inside the hole over which the confidence in a pixel falls by the factor e."""
_LEAST_CONFIDENCE = 0.1
"""The confidence of the deepest pixels of a hole."""
_FEWEST_PATCHES = 8
"""The least number of known patches from which a hole is filled."""

Indices = Int64Array


@dataclass(frozen=True, slots=True)
class PatchMatches:
    """The result of the search at its finest level."""

    picture: Float32Array
    """(h, w, 3): the hole filled by the vote of all patches over each pixel, which is correct but soft."""
    field: Indices
    """(h, w, 2): row and column of the centre of the patch that each pixel copies; valid in the hole."""


@dataclass(frozen=True, slots=True)
class _Level:
    """The hole at one scale of the search, with the patches that touch it."""

    hole: BoolArray
    rows: Indices
    columns: Indices
    """Centres of the patches that touch the hole."""
    usable: BoolArray
    """(h, w): centres whose whole patch is known."""
    confidence: Float32Array
    """(N, 147): the weight of each value of the patch around each centre; the mean of a row is 1."""
    vote_weight: Float32Array
    """(N,): the weight of each centre's patch in the vote."""


def search_patches(
    start: Float32Array, hole: BoolArray, forbidden: BoolArray, seed: int, monitor: Monitor
) -> PatchMatches | None:
    """The best patches for ``hole``, or None where nothing outside it can be copied.

    Args:
        start: (h, w, 3) encoded, with the hole filled smoothly.
        hole: (h, w) the pixels to fill.
        forbidden: (h, w) pixels outside the hole that must not be copied.
        seed: the seed of the random search.
        monitor: asked often whether the work is still wanted.
    """
    sizes = [hole.shape]
    while min(sizes[-1]) * _LEVEL_STEP >= _COARSEST_SIDE:
        rows, columns = sizes[-1]
        sizes.append((round(rows * _LEVEL_STEP), round(columns * _LEVEL_STEP)))
    generator = np.random.default_rng(seed)
    found: PatchMatches | None = None
    for size in reversed(sizes):
        small_hole = shrink_mask(hole, size)
        level = _level(small_hole, shrink_mask(forbidden, size) & ~small_hole)
        if int(level.usable.sum()) < _FEWEST_PATCHES:
            found = None
            continue
        picture = shrink(start, size)
        if found is not None:
            picture = np.where(small_hole[:, :, None], shrink(found.picture, size), picture)
        field = _seed_field(level, found, generator)
        for _ in range(_ROUNDS if max(size) < _FINE_SIDE else _FINE_ROUNDS):
            patches = _patches(picture)
            field = _improve(patches, level, field, generator, monitor)
            picture = _vote(picture, patches, level, field)
        found = PatchMatches(picture, field)
    return found


def shrink(picture: Float32Array, size: tuple[int, ...]) -> Float32Array:
    """Resize ``picture`` (h, w, ...) to ``size``, (rows, columns, ...); shrinking averages areas."""
    if picture.shape[:2] == tuple(size):
        return picture
    return opencv.resize(picture, size, opencv.AREA if picture.shape[0] > size[0] else opencv.LINEAR)


def shrink_mask(mask: BoolArray, size: tuple[int, ...]) -> BoolArray:
    """Reduce ``mask`` to (rows, columns) ``size``; a pixel is True where the mask covers 2% of it or more."""
    if mask.shape == tuple(size):
        return mask
    covered: BoolArray = opencv.resize(mask.astype(np.float32), size, opencv.AREA) > 0.02
    return covered


def _level(hole: BoolArray, forbidden: BoolArray) -> _Level:
    unknown = hole | forbidden
    touched = opencv.dilate(hole, opencv.square(_PATCH))
    blocked = opencv.dilate(unknown, opencv.square(_PATCH))
    inner = np.zeros(hole.shape, bool)
    inner[_HALF : hole.shape[0] - _HALF, _HALF : hole.shape[1] - _HALF] = True
    rows, columns = np.nonzero(touched)
    depth = opencv.depth_inside(unknown, opencv.CLOSE)
    known = np.exp(-depth / np.float32(_CONFIDENCE_PX))
    counted = np.maximum(known, np.float32(_LEAST_CONFIDENCE))
    confidence = np.repeat(_patches(counted[:, :, None])[rows, columns], 3, axis=1)
    confidence /= confidence.mean(axis=1, keepdims=True)
    vote_weight = np.maximum(known[rows, columns], np.float32(1e-3))
    return _Level(
        hole, rows, columns, inner & ~blocked, confidence.astype(np.float32), vote_weight.astype(np.float32)
    )


def _patches(picture: Float32Array) -> Float32Array:
    """The patch around every pixel, (h, w, 49 * C) with channels innermost; edge pixels are repeated."""
    padded = np.pad(picture, ((_HALF, _HALF), (_HALF, _HALF), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_PATCH, _PATCH), axis=(0, 1))
    rows, columns = picture.shape[:2]
    flat = windows.transpose(0, 1, 3, 4, 2).reshape(rows, columns, -1)
    return np.ascontiguousarray(flat, dtype=np.float32)


def _seed_field(level: _Level, found: PatchMatches | None, generator: np.random.Generator) -> Indices:
    """The initial field, (h, w, 2): each centre takes its patch from the coarser level, or a random one."""
    size = level.hole.shape
    usable_rows, usable_columns = np.nonzero(level.usable)
    pick = generator.integers(0, len(usable_rows), len(level.rows))
    made = np.zeros((*size, 2), np.int64)
    made[level.rows, level.columns, 0] = usable_rows[pick]
    made[level.rows, level.columns, 1] = usable_columns[pick]
    if found is None:
        return made
    to_rows, to_columns = enlarged(found.field, size, level.rows, level.columns)
    good = level.usable[to_rows, to_columns]
    made[level.rows[good], level.columns[good], 0] = to_rows[good]
    made[level.rows[good], level.columns[good], 1] = to_columns[good]
    return made


def enlarged(
    field: Indices, size: tuple[int, ...], rows: Indices, columns: Indices
) -> tuple[Indices, Indices]:
    """Enlarge a field: where the pixels ``rows``, ``columns`` of a picture of ``size`` copy from.

    Offsets are enlarged and not positions, so neighbours that shared an offset still share one and copied
    pieces stay whole.
    """
    before = field.shape
    coarse_rows = np.minimum(rows * before[0] // size[0], before[0] - 1)
    coarse_columns = np.minimum(columns * before[1] // size[1], before[1] - 1)
    offsets = field[coarse_rows, coarse_columns] - np.stack([coarse_rows, coarse_columns], axis=1)
    to_rows = rows + np.rint(offsets[:, 0] * size[0] / before[0]).astype(np.int64)
    to_columns = columns + np.rint(offsets[:, 1] * size[1] / before[1]).astype(np.int64)
    return np.clip(to_rows, 0, size[0] - 1), np.clip(to_columns, 0, size[1] - 1)


def _improve(
    patches: Float32Array, level: _Level, field: Indices, generator: np.random.Generator, monitor: Monitor
) -> Indices:
    """Do one round of propagation from the four neighbours and of random search in shrinking windows."""
    rows, columns = level.hole.shape
    wanted = patches[level.rows, level.columns]
    largest = max(rows, columns)

    def cost(to_rows: Indices, to_columns: Indices) -> Float32Array:
        fit = _misfit(patches, wanted, level, to_rows, to_columns)
        away = np.hypot(to_rows - level.rows, to_columns - level.columns) / largest
        return np.asarray(fit + _DISTANCE_PENALTY * np.square(away), np.float32)

    touched = np.zeros((rows, columns), bool)
    touched[level.rows, level.columns] = True
    best = field[level.rows, level.columns]
    lowest = cost(best[:, 0], best[:, 1])

    def attempt(to_rows: Indices, to_columns: Indices) -> None:
        nonlocal best, lowest
        monitor.check_cancelled()
        to_rows, to_columns = np.clip(to_rows, 0, rows - 1), np.clip(to_columns, 0, columns - 1)
        allowed = level.usable[to_rows, to_columns]
        tried = np.where(allowed, cost(to_rows, to_columns), np.float32(np.inf))
        better = tried < lowest
        best = np.where(better[:, None], np.stack([to_rows, to_columns], axis=1), best)
        lowest = np.where(better, tried, lowest)

    for reach in (8, 3, 1):
        for row_step, column_step in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
            field[level.rows, level.columns] = best
            near_rows = np.clip(level.rows + row_step, 0, rows - 1)
            near_columns = np.clip(level.columns + column_step, 0, columns - 1)
            known = touched[near_rows, near_columns]
            theirs = field[near_rows, near_columns]
            attempt(
                np.where(known, theirs[:, 0] - row_step, best[:, 0]),
                np.where(known, theirs[:, 1] - column_step, best[:, 1]),
            )
    window = largest / 2.0
    while window >= 2.0:
        jump = generator.uniform(-window, window, (len(level.rows), 2))
        attempt(best[:, 0] + jump[:, 0].astype(np.int64), best[:, 1] + jump[:, 1].astype(np.int64))
        window *= 0.45
    field[level.rows, level.columns] = best
    return field


def _misfit(
    patches: Float32Array, wanted: Float32Array, level: _Level, to_rows: Indices, to_columns: Indices
) -> Float32Array:
    """The weighted mean squared difference, (N,), between each centre's patch and the one it might copy."""
    difference = patches[to_rows, to_columns]
    difference -= wanted
    np.square(difference, out=difference)
    fit = np.einsum("nk,nk->n", difference, level.confidence) / np.float32(difference.shape[1])
    return np.asarray(fit, np.float32)


def _vote(picture: Float32Array, patches: Float32Array, level: _Level, field: Indices) -> Float32Array:
    """Set each hole pixel to the mean of what the patches over it copy; good and outer ones count more."""
    rows, columns = level.hole.shape
    chosen = field[level.rows, level.columns]
    fit = _misfit(patches, patches[level.rows, level.columns], level, chosen[:, 0], chosen[:, 1])
    scale = max(float(np.percentile(fit, 75)), 1e-6)
    weight = (np.exp(-fit / scale) * level.vote_weight + 1e-6).astype(np.float32)
    # The sums are made in flattened pictures with a margin, so that patches need no check at the border.
    across = columns + 2 * _HALF
    rim = ((_HALF, _HALF), (_HALF, _HALF), (0, 0))
    padded = np.pad(picture, rim).reshape(-1, 3)
    summed = np.zeros_like(padded)
    total = np.zeros(len(padded), np.float32)
    to = (level.rows + _HALF) * across + level.columns + _HALF
    taken = (chosen[:, 0] + _HALF) * across + chosen[:, 1] + _HALF
    for row_step in range(-_HALF, _HALF + 1):
        for column_step in range(-_HALF, _HALF + 1):
            step = row_step * across + column_step
            summed[to + step] += weight[:, None] * padded.take(taken + step, axis=0)
            total[to + step] += weight
    inner = (slice(_HALF, _HALF + rows), slice(_HALF, _HALF + columns))
    summed, total = summed.reshape(-1, across, 3)[inner], total.reshape(-1, across)[inner]
    voted = summed / np.maximum(total, np.float32(1e-9))[:, :, None]
    return np.asarray(np.where(level.hole[:, :, None], voted, picture), np.float32)
