from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_engine.geometry import Box
from void_engine.roto.coverage import WEIGHT_STEPS, coverage, stacked_coverage
from void_engine.roto.polygons import GRID, enclosed

coordinate = st.one_of(
    st.integers(-10, 40).map(float), st.floats(-12, 42, width=32), st.sampled_from([15.5, 1e6, -1e6])
)
contours = st.lists(st.tuples(coordinate, coordinate), min_size=0, max_size=9).map(
    lambda points: np.array(points, dtype=np.float64).reshape(-1, 2)
)
BOX = Box(-2, -3, 30, 27)


def test_an_aligned_rectangle_covers_its_pixels_exactly():
    region = enclosed(np.array([[2, 1], [5, 1], [5, 4], [2, 4.0]]))
    expected = np.zeros((6, 8), dtype=np.float32)
    expected[1:4, 2:5] = 1
    result = coverage(region, Box.from_size(8, 6))
    assert result.dtype == np.float32
    assert np.array_equal(result, expected)


def test_the_share_of_a_pixel_is_its_covered_area():
    region = enclosed(np.array([[1.5, 1.25], [3.5, 1.25], [3.5, 2.5], [1.5, 2.5]]))
    assert coverage(region, Box.from_size(5, 4)).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0.375, 0.75, 0.375, 0],
        [0, 0.25, 0.5, 0.25, 0],
        [0, 0, 0, 0, 0],
    ]


def test_a_diagonal_cuts_pixels_in_half():
    region = enclosed(np.array([[0, 0], [4, 4], [0, 4.0]]))
    assert np.array_equal(coverage(region, Box.from_size(4, 4)), np.tril(np.ones((4, 4)), -1) + np.eye(4) / 2)


def test_an_empty_box_and_an_empty_region():
    square = enclosed(np.array([[0, 0], [4, 0], [4, 4.0]]))
    assert coverage(square, Box(3, 3, 3, 9)).shape == (6, 0)
    assert not coverage([], Box.from_size(3, 2)).any()


def test_levels_add_up_by_their_weights():
    outer = enclosed(np.array([[0, 0], [6, 0], [6, 6], [0, 6.0]]))
    inner = enclosed(np.array([[2, 2], [4, 2], [4, 4], [2, 4.0]]))
    result = stacked_coverage([(outer, 0.25), (inner, 0.75)], Box.from_size(7, 6))
    assert result[0].tolist() == [0.25] * 6 + [0]
    assert result[2].tolist() == [0.25, 0.25, 1, 1, 0.25, 0.25, 0]


def test_many_levels_still_end_at_exactly_0_and_1():
    # Thirds have no exact binary fraction, so only whole weight steps can sum to exactly 1 again.
    angle = np.linspace(0, 2 * np.pi, 97)[:-1]
    weights = np.diff(np.rint(np.linspace(0, 1, 301) * WEIGHT_STEPS)) / WEIGHT_STEPS
    levels = [
        (enclosed(np.column_stack((np.cos(angle), np.sin(angle))) * (8 + i * 0.03) + 20.3), w)
        for i, w in enumerate(weights)
    ]
    result = stacked_coverage(levels, Box.from_size(41, 41))
    assert (result[16:25, 16:25] == 1).all()
    distance = np.hypot(*(np.indices((41, 41)) + 0.5 - 20.3))
    assert (result[distance > 18.5] == 0).all()
    assert (result[distance > 18.5]).size > 0


def test_batches_give_what_one_pass_gives(monkeypatch):
    regions = [
        (enclosed(np.array([[x, 3.3], [x + 17.7, 5], [x + 3, 22.1]])), 0.25) for x in (0.5, 3.25, 7.125, 9)
    ]
    whole = stacked_coverage(regions, BOX)
    monkeypatch.setattr("void_engine.roto.coverage._PIECES_AT_ONCE", 1)
    assert np.array_equal(stacked_coverage(regions, BOX), whole)


@settings(max_examples=150, deadline=None)
@given(contours)
def test_coverage_lies_between_0_and_1_and_sums_to_the_area(contour):
    region = enclosed(np.clip(contour, -50, 50))
    result = coverage(region, Box(-60, -60, 60, 60))
    assert result.min() >= 0
    assert result.max() <= 1
    area = 0.0
    for polygon in region:
        x, y = (polygon / GRID).T
        area += 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    assert float(result.sum(dtype=np.float64)) == pytest.approx(area, abs=0.02)


@settings(max_examples=150, deadline=None)
@given(contours, st.integers(-4, 32), st.integers(-5, 29), st.integers(1, 20), st.integers(1, 20))
def test_a_crop_of_the_raster_is_the_raster_of_the_crop(contour, x0, y0, width, height):
    region = enclosed(contour)
    crop = Box(x0, y0, x0 + width, y0 + height)
    around = BOX.union(crop)
    assert np.array_equal(coverage(region, crop), coverage(region, around)[crop.slices(around)])
