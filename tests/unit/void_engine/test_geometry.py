"""Boxes of pixels and their arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_engine.geometry import Box, union_of

_side = st.integers(-40, 40)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x0, y0 = draw(_side), draw(_side)
    return Box(x0, y0, x0 + draw(st.integers(0, 30)), y0 + draw(st.integers(0, 30)))


def test_size_and_shape() -> None:
    box = Box(2, 3, 10, 8)
    assert (box.width, box.height, box.shape) == (8, 5, (5, 8))
    assert Box.from_size(4, 2) == Box(0, 0, 4, 2)
    assert Box(3, 0, 1, 9).is_empty
    assert Box(3, 0, 1, 9).width == 0


@given(boxes(), boxes())
def test_intersection_and_union_contain_as_they_should(a: Box, b: Box) -> None:
    both, around = a.intersection(b), a.union(b)
    assert a.contains(both)
    assert b.contains(both)
    assert around.contains(a)
    assert around.contains(b)
    assert union_of([a, b]) == around


@given(boxes())
def test_slices_find_the_pixels(box: Box) -> None:
    within = Box(-50, -50, 90, 90)
    rows, columns = np.mgrid[within.y0 : within.y1, within.x0 : within.x1]
    part = box.slices(within)
    assert rows[part].shape == box.shape
    if not box.is_empty:
        assert (rows[part][0, 0], columns[part][0, 0]) == (box.y0, box.x0)


def test_slices_outside_are_refused() -> None:
    with pytest.raises(ValueError, match="not inside"):
        Box(0, 0, 5, 5).slices(Box(1, 0, 5, 5))


def test_scaling_covers() -> None:
    assert Box(1, 2, 10, 11).scaled(0.25) == Box(0, 0, 3, 3)
    assert Box(-5, 0, 7, 1).scaled(0.5) == Box(-3, 0, 4, 1)
    assert Box(1, 2, 3, 4).scaled(2) == Box(2, 4, 6, 8)


def test_growing_and_moving() -> None:
    assert Box(0, 0, 2, 2).grown(3) == Box(-3, -3, 5, 5)
    assert Box(0, 0, 2, 2).moved(5, -1) == Box(5, -1, 7, 1)


def test_a_shape_is_rows_and_columns() -> None:
    assert Box.from_shape((4, 6, 3)) == Box.from_size(6, 4)
    assert Box.from_shape((4, 6)).shape == (4, 6)


def test_around_finds_the_true_pixels() -> None:
    mask = np.zeros((10, 20), bool)
    assert Box.around(mask) == Box(0, 0, 0, 0)
    mask[3, 4] = mask[7, 11] = True
    assert Box.around(mask) == Box(4, 3, 12, 8)
    assert Box.around(np.ones((2, 3), bool)) == Box(0, 0, 3, 2)


def test_an_empty_box_adds_nothing() -> None:
    assert Box(5, 5, 5, 5).union(Box(0, 0, 1, 1)) == Box(0, 0, 1, 1)
    assert union_of([]).is_empty
