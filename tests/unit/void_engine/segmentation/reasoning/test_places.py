"""Cells, sizes and paths become pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("jsonschema")

from void_engine.geometry import Box
from void_engine.segmentation.reasoning.answer import AffectedThing
from void_engine.segmentation.reasoning.grid import Grid
from void_engine.segmentation.reasoning.places import (
    cells_at,
    cells_bounds,
    cells_mask,
    near_object,
    path_place,
    place_bounds,
    would_be,
)

GRID = Grid.over(80, 140)


def _thing(**changes: Any) -> AffectedThing:
    values: dict[str, Any] = {
        "name": "x", "kind": "held", "why": "", "will_move": False, "since": 10, "cells": {},
        "size": None, "original": None, "path": (), **changes,
    }  # fmt: skip
    return AffectedThing(**values)


@pytest.mark.parametrize(
    ("height", "width", "cells"),
    [(1080, 1920, (8, 14)), (1920, 1080, (14, 8)), (500, 500, (8, 8))],
)
def test_the_grid_is_that_of_the_training(height: int, width: int, cells: tuple[int, int]) -> None:
    grid = Grid.over(height, width)
    assert (grid.rows, grid.columns) == cells
    every = [(row, column) for row in range(grid.rows) for column in range(grid.columns)]
    assert cells_mask(every, grid).all()
    assert sum(int(cells_mask([cell], grid).sum()) for cell in every) == height * width


def test_cells_become_boxes_around_them() -> None:
    assert (GRID.rows, GRID.columns) == (8, 14)
    box = cells_bounds(3, [(6, 1), (7, 2)], GRID)
    assert (box.frame, box.left, box.top, box.right, box.bottom) == (3, 10, 60, 30, 80)
    box = place_bounds(0, (0, 13), (2, 3), GRID)
    assert (box.left, box.top, box.right, box.bottom) == (120, 0, 140, 15)


def test_cells_hold_until_others_are_nearer_and_begin_when_the_thing_is_affected() -> None:
    thing = _thing(since=12, cells={10: ((0, 0),), 20: ((1, 1),)})
    assert cells_at(thing, 11) == ()
    assert cells_at(thing, 14) == ((0, 0),)
    assert cells_at(thing, 16) == ((1, 1),)
    assert cells_at(thing, 99) == ((1, 1),)


def test_a_fall_is_interpolated_in_time_and_ends_where_it_lands() -> None:
    thing = _thing(will_move=True, size=(2, 1), path=((12, 1, 3), (16, 5, 3), (20, 6, 5)))
    assert path_place(thing, 11) is None
    assert path_place(thing, 13) == (2.0, 3.0)
    assert path_place(thing, 18) == (5.5, 4.0)
    assert path_place(thing, 50) == (6.0, 5.0)
    rows, columns = np.nonzero(would_be(thing, 13, GRID))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 34, 30, 39)
    assert not would_be(thing, 11, GRID).any()


def test_what_would_have_stayed_stays_from_the_moment_of_contact() -> None:
    thing = _thing(kind="moved", original=(4, 4), size=(1, 1), since=15)
    assert not would_be(thing, 14, GRID).any()
    np.testing.assert_array_equal(would_be(thing, 15, GRID), cells_mask([(4, 4)], GRID))
    np.testing.assert_array_equal(would_be(thing, 90, GRID), cells_mask([(4, 4)], GRID))
    # What falls does not stay.
    assert not would_be(_thing(original=(4, 4), will_move=True), 90, GRID).any()


def test_proximity_is_measured_in_the_objects_own_size() -> None:
    matte = np.zeros((80, 140), np.float32)
    matte[10:14, 10:14] = matte[70:74, 120:124] = 1
    near = near_object(matte, Box(14, 14, 20, 20))
    assert near[11, 11] == 1
    assert near[71, 121] == 0
    # A large object reaches farther, and without the object nothing is left out.
    np.testing.assert_array_equal(near_object(matte, Box(0, 0, 90, 80)), matte)
    np.testing.assert_array_equal(near_object(matte, None), matte)
