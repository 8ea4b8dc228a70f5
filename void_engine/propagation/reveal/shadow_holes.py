"""Shadow holes: the hole laid over visible parts of its own frame, where the truth is known.

How well the surroundings predict what a hole hides can be tried on other frames, which show it, but then
everything counts as an error in which those frames differ from this one: motion, light, what moves by itself.
A hole of the same shape beside the true one has none of that, but other texture. Each mostly errs to the
pessimistic side, so the smaller of the two errors is the better estimate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box
from void_engine.propagation import inpainting
from void_engine.propagation.reveal import answers

_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))
"""Rows and columns by which a hole is moved at a time, the nearest places first."""
_MOST_SHADOWS = 4
"""The most places at which a hole is tried."""
_STEP = 3
"""The number of cells by which a hole is moved from one attempt to the next."""
_FIRST_STEP = 4
"""The least distance, in cells, of a shadow hole from the true one."""
_LEAST_INSIDE = 0.6
"""The fraction of a shadow hole that must lie in the picture."""
_MOST_HIDDEN = 0.02
"""The fraction of a shadow hole that may fall on hidden pixels or on other shadow holes."""
_CLEAR_PX = 2
"""How far from hidden pixels the picture is taken for true."""
_MOST_CELLS = 1500
"""The number of cells to which the hole is thinned: errors vary slowly."""
_MOST_TESTED = 400
"""The number of the hole's cells that are looked at to find a place for it."""
_CONTEXT = 8
"""The width, in cells, of the surroundings of all shadow holes."""


def prediction_errors(
    encoded: Float32Array, hidden: BoolArray, continuations: Sequence[inpainting.Continuation]
) -> list[Float32Array] | None:
    """The squared errors, each (h, w), with which the surroundings of a hole predict what it hides.

    Args:
        encoded: (h, w, 3) the frame in the encoding; anything finite where ``hidden``.
        hidden: (h, w) the hole.
        continuations: the ways to continue a picture into a hole, tried one after the other.

    Returns:
        A map for each continuation, or None where there is no room for the hole beside itself.
    """
    if not hidden.any():
        return None
    step = max(1, int(np.ceil(np.sqrt(float(hidden.sum()) / _MOST_CELLS))))
    picture, hole = encoded[::step, ::step], hidden[::step, ::step]
    rows, columns = np.nonzero(hole)
    blocked = opencv.dilate_by_disc(hole, _CLEAR_PX)
    unknown, shadows = hole.copy(), []
    for shift in _shifts(hole, blocked, rows, columns):
        at_rows, at_columns, inside = _moved(rows, columns, shift, hole.shape)
        shadow = np.zeros(hole.shape, bool)
        shadow[at_rows[inside], at_columns[inside]] = True
        shadow &= ~blocked
        unknown |= shadow
        shadows.append((shift, shadow))
    if not shadows:
        return None
    frame = Box.from_shape(hole.shape)
    window = Box.around(unknown).grown(_CONTEXT).intersection(frame).slices(frame)
    cropped, missing = np.ascontiguousarray(picture[window]), unknown[window]
    found = []
    for continuation in continuations:
        error = np.zeros(hole.shape, np.float32)
        error[window] = np.sqrt(answers.squared_error(continuation(cropped, missing), cropped))
        total, count = np.zeros(hole.shape, np.float32), np.zeros(hole.shape, np.float32)
        for shift, shadow in shadows:
            at_rows, at_columns, inside = _moved(rows, columns, shift, hole.shape)
            inside[inside] = shadow[at_rows[inside], at_columns[inside]]
            total[rows[inside], columns[inside]] += error[at_rows[inside], at_columns[inside]]
            count[rows[inside], columns[inside]] += 1
        mean = np.square(total / np.maximum(count, 1))
        found.append(opencv.resize(answers.spread_picture(mean, count > 0), hidden.shape))
    return found


def first_beside(hole: BoolArray, blocked: BoolArray) -> BoolArray | None:
    """The pixels, (h, w), of a hole laid over pixels that are not ``blocked``, (h, w), at the nearest place.

    None where there is no room for it.
    """
    rows, columns = np.nonzero(hole)
    if not len(rows):
        return None
    shifts = _shifts(hole, opencv.dilate_by_disc(blocked | hole, _CLEAR_PX), rows, columns, most=1)
    if not shifts:
        return None
    at_rows, at_columns, inside = _moved(rows, columns, shifts[0], hole.shape)
    shadow = np.zeros(hole.shape, bool)
    shadow[at_rows[inside], at_columns[inside]] = True
    return np.asarray(shadow & ~blocked & ~hole, bool)


def _shifts(
    hole: BoolArray,
    blocked: BoolArray,
    rows: Int64Array,
    columns: Int64Array,
    most: int = _MOST_SHADOWS,
) -> list[tuple[int, int]]:
    """The nearest shifts, in rows and columns, that bring the hole to visible pixels in the picture."""
    thin = max(1, len(rows) // _MOST_TESTED)
    taken = blocked.copy()
    farthest = max(Box.around(hole).height, Box.around(hole).width) + _FIRST_STEP + 4 * _CLEAR_PX
    found = []
    for down, right in _DIRECTIONS:
        for distance in range(_FIRST_STEP, farthest, _STEP):
            shift = (down * distance, right * distance)
            at_rows, at_columns, inside = _moved(rows[::thin], columns[::thin], shift, hole.shape)
            if float(inside.mean()) < _LEAST_INSIDE:
                break
            if float(taken[at_rows[inside], at_columns[inside]].mean()) <= _MOST_HIDDEN:
                at_rows, at_columns, inside = _moved(rows, columns, shift, hole.shape)
                taken[at_rows[inside], at_columns[inside]] = True
                found.append(shift)
                break
        if len(found) == most:
            break
    return found


def _moved(
    rows: Int64Array, columns: Int64Array, shift: tuple[int, int], shape: tuple[int, ...]
) -> tuple[Int64Array, Int64Array, BoolArray]:
    """Rows and columns after a shift, and which of them lie in a picture of that shape."""
    at_rows, at_columns = rows + shift[0], columns + shift[1]
    inside = (at_rows >= 0) & (at_rows < shape[0]) & (at_columns >= 0) & (at_columns < shape[1])
    return at_rows, at_columns, np.asarray(inside, bool)
