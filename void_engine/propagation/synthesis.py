"""Patch synthesis for what no frame shows.

Multi-scale PatchMatch (Barnes et al., SIGGRAPH 2009) with voting (Wexler et al., PAMI 2007), begun from a
Navier-Stokes fill that carries edges into the hole, and with a penalty on distance so that texture comes
from nearby.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from void_engine.engines.interface import Float32Array, Monitor
from void_engine.propagation import pyramid
from void_engine.propagation.working_set import BoolArray

_PATCH = 7
_HALF = _PATCH // 2
_COARSEST_SIDE = 28
_LEVEL_STEP = 0.6
_ROUNDS = 4
_SLOW_PX = 4.0
_SLOW_SHARE = 0.7
_DISTANCE_PENALTY = 0.02
"""Cost, in squared encoded units, of taking a patch from as far away as the picture is large."""


def spatial(encoded: Float32Array, hole: BoolArray) -> Float32Array:
    """(h, w, 3) with ``hole`` filled by Navier-Stokes inpainting (Bertalmio et al., CVPR 2001)."""
    if not hole.any():
        return encoded
    if hole.all():
        return np.zeros_like(encoded)
    if min(hole.shape) < 8:
        return pyramid.fill(encoded, (~hole).astype(np.float32))
    mask = hole.astype(np.uint8)
    planes = [
        cv2.inpaint(np.ascontiguousarray(encoded[:, :, channel]), mask, 4.0, cv2.INPAINT_NS)
        for channel in range(3)
    ]
    filled = np.stack(planes, axis=2).astype(np.float32)
    known = encoded[~hole]
    filled = np.clip(filled, known.min(axis=0), known.max(axis=0))
    return np.where(hole[:, :, None], np.nan_to_num(filled), encoded).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Level:
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    """Centres of the patches that touch the hole."""
    usable: BoolArray
    """(h, w) centres whose whole patch is known."""


def _level(hole: BoolArray, forbidden: BoolArray) -> _Level:
    square = np.ones((_PATCH, _PATCH), np.uint8)
    touched = np.asarray(cv2.dilate(hole.astype(np.uint8), square)) > 0
    blocked = np.asarray(cv2.dilate((hole | forbidden).astype(np.uint8), square)) > 0
    inner = np.zeros(hole.shape, bool)
    inner[_HALF : hole.shape[0] - _HALF, _HALF : hole.shape[1] - _HALF] = True
    rows, columns = np.nonzero(touched)
    return _Level(rows, columns, inner & ~blocked)


def _patches(picture: Float32Array) -> Float32Array:
    """(h, w, 147): the patch around every pixel (edges repeated)."""
    padded = np.pad(picture, ((_HALF, _HALF), (_HALF, _HALF), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_PATCH, _PATCH), axis=(0, 1))
    rows, columns = picture.shape[:2]
    return np.ascontiguousarray(windows.reshape(rows, columns, -1), dtype=np.float32)


def patch_fill(
    encoded: Float32Array, hole: BoolArray, forbidden: BoolArray, seed: int, monitor: Monitor
) -> Float32Array:
    """Fill ``hole`` with patches from outside it.

    Args:
        encoded: (h, w, 3), anything finite inside the hole.
        hole: (h, w) what to fill.
        forbidden: (h, w) pixels outside the hole that must not be copied from.
        seed: of the random search; the same seed gives the same picture.
    """
    start = spatial(encoded, hole | forbidden)
    sizes = [hole.shape]
    while min(sizes[-1]) * _LEVEL_STEP >= _COARSEST_SIDE:
        rows, columns = sizes[-1]
        sizes.append((round(rows * _LEVEL_STEP), round(columns * _LEVEL_STEP)))
    generator = np.random.default_rng(seed)
    current: Float32Array | None = None
    field: NDArray[np.int64] | None = None
    before: tuple[int, ...] = sizes[-1]
    for size in reversed(sizes):
        small_hole = _shrink_mask(hole, size)
        small_forbidden = _shrink_mask(forbidden, size) & ~small_hole
        known = _shrink(start, size)
        level = _level(small_hole, small_forbidden)
        if int(level.usable.sum()) < 8:
            field, current = None, None
            continue
        picture = (
            known if current is None else np.where(small_hole[:, :, None], _shrink(current, size), known)
        )
        picture = np.ascontiguousarray(picture, dtype=np.float32)
        field = _seed_field(level, field, before, size, generator)
        for _ in range(_ROUNDS if max(size) < 260 else 2):
            monitor.check_cancelled()
            field = _search(picture, level, field, generator, monitor)
            picture = _vote(picture, small_hole, level, field)
        current, before = picture, size
    if current is None:
        return start
    # Patches bring texture; the slow colours between the rims are better known to the smooth fill.
    covered = hole[:, :, None].astype(np.float32)
    slow = np.asarray(cv2.GaussianBlur((start - current) * covered, (0, 0), _SLOW_PX), np.float32)
    return np.where(hole[:, :, None], current + np.float32(_SLOW_SHARE) * slow, encoded).astype(np.float32)


def _shrink(picture: Float32Array, size: tuple[int, ...]) -> Float32Array:
    if picture.shape[:2] == tuple(size):
        return picture
    kind = cv2.INTER_AREA if picture.shape[0] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=kind), np.float32)


def _shrink_mask(mask: BoolArray, size: tuple[int, ...]) -> BoolArray:
    if mask.shape == tuple(size):
        return mask
    cover = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cover) > 0.02


def _seed_field(
    level: _Level,
    field: NDArray[np.int64] | None,
    before: tuple[int, ...],
    size: tuple[int, ...],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """(h, w, 2) the patch that each centre copies: from the coarser level, else at random."""
    usable_rows, usable_columns = np.nonzero(level.usable)
    pick = generator.integers(0, len(usable_rows), len(level.rows))
    made = np.zeros((*size, 2), np.int64)
    made[level.rows, level.columns, 0] = usable_rows[pick]
    made[level.rows, level.columns, 1] = usable_columns[pick]
    if field is None:
        return made
    coarse_rows = np.minimum(level.rows * before[0] // size[0], before[0] - 1)
    coarse_columns = np.minimum(level.columns * before[1] // size[1], before[1] - 1)
    offsets = field[coarse_rows, coarse_columns] - np.stack([coarse_rows, coarse_columns], axis=1)
    rows = level.rows + np.rint(offsets[:, 0] * size[0] / before[0]).astype(np.int64)
    columns = level.columns + np.rint(offsets[:, 1] * size[1] / before[1]).astype(np.int64)
    rows, columns = np.clip(rows, 0, size[0] - 1), np.clip(columns, 0, size[1] - 1)
    good = level.usable[rows, columns]
    made[level.rows[good], level.columns[good], 0] = rows[good]
    made[level.rows[good], level.columns[good], 1] = columns[good]
    return made


def _search(
    picture: Float32Array,
    level: _Level,
    field: NDArray[np.int64],
    generator: np.random.Generator,
    monitor: Monitor,
) -> NDArray[np.int64]:
    """One round of propagation from the four neighbours and of random search in shrinking windows."""
    rows, columns = picture.shape[:2]
    patches = _patches(picture)
    wanted = patches[level.rows, level.columns]
    largest = max(rows, columns)

    def cost(to_rows: NDArray[np.int64], to_columns: NDArray[np.int64]) -> Float32Array:
        difference = patches[to_rows, to_columns]
        difference -= wanted
        fit = np.einsum("nk,nk->n", difference, difference) / np.float32(difference.shape[1])
        away = np.hypot(to_rows - level.rows, to_columns - level.columns) / largest
        return np.asarray(fit + _DISTANCE_PENALTY * np.square(away), np.float32)

    touched = np.zeros((rows, columns), bool)
    touched[level.rows, level.columns] = True
    best = field[level.rows, level.columns]
    lowest = cost(best[:, 0], best[:, 1])

    def attempt(to_rows: NDArray[np.int64], to_columns: NDArray[np.int64]) -> None:
        nonlocal best, lowest
        to_rows, to_columns = np.clip(to_rows, 0, rows - 1), np.clip(to_columns, 0, columns - 1)
        allowed = level.usable[to_rows, to_columns]
        tried = np.where(allowed, cost(to_rows, to_columns), np.float32(np.inf))
        better = tried < lowest
        best = np.where(better[:, None], np.stack([to_rows, to_columns], axis=1), best)
        lowest = np.where(better, tried, lowest)

    for reach in (4, 1):
        for row_step, column_step in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
            monitor.check_cancelled()
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
        monitor.check_cancelled()
        jump = generator.uniform(-window, window, (len(level.rows), 2))
        attempt(best[:, 0] + jump[:, 0].astype(np.int64), best[:, 1] + jump[:, 1].astype(np.int64))
        window *= 0.45
    field[level.rows, level.columns] = best
    return field


def _vote(picture: Float32Array, hole: BoolArray, level: _Level, field: NDArray[np.int64]) -> Float32Array:
    """Each hole pixel becomes the mean of what the patches over it copy, good patches counting more."""
    rows, columns = hole.shape
    chosen = field[level.rows, level.columns]
    patches = _patches(picture)
    difference = patches[chosen[:, 0], chosen[:, 1]] - patches[level.rows, level.columns]
    fit = np.einsum("nk,nk->n", difference, difference) / np.float32(difference.shape[1])
    scale = max(float(np.percentile(fit, 75)), 1e-6)
    weight = np.exp(-fit / scale).astype(np.float32) + np.float32(1e-4)
    summed = np.zeros((rows, columns, 3), np.float32)
    total = np.zeros((rows, columns), np.float32)
    for row_step in range(-_HALF, _HALF + 1):
        for column_step in range(-_HALF, _HALF + 1):
            to_rows, to_columns = level.rows + row_step, level.columns + column_step
            inside = (to_rows >= 0) & (to_rows < rows) & (to_columns >= 0) & (to_columns < columns)
            from_rows = chosen[inside, 0] + row_step
            from_columns = chosen[inside, 1] + column_step
            part = weight[inside]
            summed[to_rows[inside], to_columns[inside]] += part[:, None] * picture[from_rows, from_columns]
            total[to_rows[inside], to_columns[inside]] += part
    voted = summed / np.maximum(total, np.float32(1e-6))[:, :, None]
    return np.asarray(np.where(hole[:, :, None], voted, picture), np.float32)
