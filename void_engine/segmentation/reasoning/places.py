"""From cells and paths to pixels: where a language model says that things are, were, and would be.

Sizes and paths are interpolated in time; nothing here knows which model has told them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.segmentation.reasoning.answer import AffectedThing
from void_engine.segmentation.reasoning.grid import Grid
from void_engine.segmentation.subjects import Bounds

_REACH = 1.5
"""An artefact lies no farther from the object than this many of the object's sizes."""
_SHOWN = 0.5


def cells_mask(cells: Iterable[tuple[int, int]], grid: Grid) -> BoolArray:
    """The pixels (H, W) of cells."""
    mask = np.zeros((grid.height, grid.width), bool)
    for row, column in cells:
        _fill(mask, grid, row, row + 1, column, column + 1)
    return mask


def cells_bounds(frame: int, cells: Iterable[tuple[int, int]], grid: Grid) -> Bounds:
    """The box around cells, which are not none, on a frame counted from 0."""
    rows, columns = zip(*cells, strict=True)
    return Bounds(
        frame,
        grid.column_edge(min(columns)),
        grid.row_edge(min(rows)),
        grid.column_edge(max(columns) + 1),
        grid.row_edge(max(rows) + 1),
    )


def place_bounds(frame: int, place: tuple[float, float], size: tuple[int, int] | None, grid: Grid) -> Bounds:
    """The box of a thing whose middle is in the cell ``place``, cut to the picture."""
    top, bottom, left, right = _around(place, size)
    return Bounds(
        frame,
        max(0.0, grid.column_edge(left)),
        max(0.0, grid.row_edge(top)),
        min(float(grid.width), grid.column_edge(right)),
        min(float(grid.height), grid.row_edge(bottom)),
    )


def cells_at(thing: AffectedThing, frame: int) -> tuple[tuple[int, int], ...]:
    """The cells of a thing on a frame: those of the frame nearest in time for which they are told. Before
    the frame from which on it is affected there are none."""
    if not thing.cells or frame < thing.since:
        return ()
    nearest = min(thing.cells, key=lambda told: (abs(told - frame), told))
    return thing.cells[nearest]


def path_place(thing: AffectedThing, frame: int) -> tuple[float, float] | None:
    """Row and column of the middle of a thing on its path, interpolated in time. After the last place it
    rests there; before the first, and before it is affected, it is not on its path."""
    if not thing.path or frame < max(thing.since, thing.path[0][0]):
        return None
    frames = [at[0] for at in thing.path]
    return (
        float(np.interp(frame, frames, [at[1] for at in thing.path])),
        float(np.interp(frame, frames, [at[2] for at in thing.path])),
    )


def would_be(thing: AffectedThing, frame: int, grid: Grid) -> BoolArray:
    """Where a thing would be without the object (H, W): its original place from the moment of contact on, if
    it would have stayed there, and its place on its path."""
    mask = np.zeros((grid.height, grid.width), bool)
    if frame < thing.since:
        return mask
    places = []
    if thing.original is not None and not thing.will_move:
        places.append((float(thing.original[0]), float(thing.original[1])))
    if (on_path := path_place(thing, frame)) is not None:
        places.append(on_path)
    for place in places:
        top, bottom, left, right = _around(place, thing.size)
        _fill(mask, grid, top, bottom, left, right)
    return mask


def near_object(matte: Float32Array, place: Box | None) -> Float32Array:
    """Leave out what lies farther from the object than its size allows.

    Args:
        matte: (H, W).
        place: the box around the object on this frame; None where it is not there, and nothing is left out.
    """
    if place is None or place.is_empty:
        return matte
    reach = int(np.ceil(_REACH * max(place.height, place.width)))
    whole = Box.from_shape(matte.shape)
    near = place.grown(reach).intersection(whole)
    labels, boxes = opencv.connected_components(matte >= _SHOWN)
    far = [label for label, box in enumerate(boxes, start=1) if box.intersection(near).is_empty]
    if not far:
        return matte
    # What is left out takes its soft edge along.
    edge = opencv.dilate(np.asarray(np.isin(labels, far), bool), opencv.square(5))
    return np.where(edge, np.float32(0), matte).astype(np.float32)


def _around(place: tuple[float, float], size: tuple[int, int] | None) -> tuple[float, float, float, float]:
    """Top, bottom, left and right in rows and columns, of a thing whose middle is that of a cell."""
    rows, columns = size or (1, 1)
    row, column = place[0] + 0.5, place[1] + 0.5
    return row - rows / 2, row + rows / 2, column - columns / 2, column + columns / 2


def _fill(mask: BoolArray, grid: Grid, top: float, bottom: float, left: float, right: float) -> None:
    y0, y1 = (round(grid.row_edge(row)) for row in (top, bottom))
    x0, x1 = (round(grid.column_edge(column)) for column in (left, right))
    mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
