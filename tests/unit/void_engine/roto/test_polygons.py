from __future__ import annotations

import numpy as np
import pytest

from void_engine.roto.polygons import GRID, Region, common, enclosed, grown, united


def _area(region: Region) -> float:
    """The area of a region in square pixels; holes count as negative."""
    total = 0.0
    for polygon in region:
        x, y = (polygon / GRID).T
        total += 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
    return total


def _square(x0: float, y0: float, side: float) -> Region:
    return enclosed(np.array([[x0, y0], [x0 + side, y0], [x0 + side, y0 + side], [x0, y0 + side]]))


def _height(region: Region) -> float:
    return float(np.ptp(np.concatenate(region)[:, 1])) / GRID


def _width(region: Region) -> float:
    return float(np.ptp(np.concatenate(region)[:, 0])) / GRID


@pytest.mark.parametrize("backwards", [False, True])
def test_both_directions_enclose_the_same(backwards):
    contour = np.array([[1, 1], [9, 1], [9, 5], [1, 5.0]])
    assert _area(enclosed(contour[::-1] if backwards else contour)) == pytest.approx(32)


def test_non_zero_winding_fills_what_is_wound_twice():
    once = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    assert _area(enclosed(np.concatenate((once, once)))) == pytest.approx(100)


def test_a_crossing_contour_keeps_both_its_loops():
    eight = np.array([[0, 0], [10, 10], [10, 0], [0, 10.0]])
    assert _area(enclosed(eight)) == pytest.approx(50)


@pytest.mark.parametrize(
    "contour",
    [
        np.zeros((0, 2)),
        np.ones((1, 2)),
        np.array([[0, 0], [9, 9.0]]),
        np.ones((20, 2)),
        np.array([[0, 0], [5, 5], [9, 9.0]]),
    ],
    ids=["nothing", "a point", "a line", "one point many times", "a straight triangle"],
)
def test_no_area_is_an_empty_region(contour):
    region = enclosed(contour)
    assert region == []
    assert grown(region, 5, 5) == []
    assert united(region, region) == []
    assert _area(united(region, _square(0, 0, 3))) == pytest.approx(9)
    assert common(region, _square(0, 0, 3)) == []


def test_united_and_common():
    a, b = _square(0, 0, 10), _square(5, 0, 10)
    assert _area(united(a, b)) == pytest.approx(150)
    assert _area(common(a, b)) == pytest.approx(50)


def test_growing_rounds_the_corners():
    assert _area(grown(_square(0, 0, 10), 4, 4)) == pytest.approx(100 + 4 * 40 + np.pi * 16, rel=4e-3)


def test_shrinking_keeps_the_corners_and_ends_with_nothing():
    assert _area(grown(_square(0, 0, 10), -3, -3)) == pytest.approx(16)
    assert grown(_square(0, 0, 10), -5.5, -5.5) == []


def test_growing_along_one_axis_leaves_the_other():
    region = grown(_square(0, 0, 10), 4, 0)
    assert _width(region) == pytest.approx(18, abs=0.01)
    assert _height(region) == pytest.approx(10, abs=0.01)


def test_growing_by_an_ellipse():
    region = grown(_square(0, 0, 10), 6, 2)
    assert _width(region) == pytest.approx(22, abs=0.01)
    assert _height(region) == pytest.approx(14, abs=0.01)
    assert _area(region) == pytest.approx(100 + 2 * 60 + 2 * 20 + np.pi * 12, rel=2e-3)


def test_growing_along_one_axis_and_shrinking_along_the_other():
    region = grown(_square(0, 0, 10), 4, -2)
    assert _width(region) == pytest.approx(18, abs=0.02)
    assert _height(region) == pytest.approx(6, abs=0.02)


def test_growing_closes_a_hole():
    outer, inner = [[0, 0], [20, 0], [20, 20], [0, 20], [0, 0]], [[8, 8], [8, 12], [12, 12], [12, 8], [8, 8]]
    ring = enclosed(np.array(outer + inner, dtype=float))
    assert _area(ring) == pytest.approx(400 - 16)
    assert _area(grown(ring, 1, 1)) == pytest.approx(400 + 80 + np.pi - 4, rel=2e-3)
    assert _area(grown(ring, 3, 3)) == pytest.approx(400 + 240 + 9 * np.pi, rel=2e-3)
