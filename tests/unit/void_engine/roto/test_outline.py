from __future__ import annotations

import numpy as np
import pytest

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.roto.outline import LIMIT_PX, flatten
from void_engine.roto.shapes import BezierPoints


def _distance_to(polyline: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The distance of each point from the closed polyline."""
    a, b = polyline, np.roll(polyline, -1, axis=0)
    along = b - a
    length = np.maximum((along**2).sum(axis=1), 1e-30)
    t = np.clip(((points[:, None] - a) * along).sum(axis=2) / length, 0, 1)
    return np.linalg.norm(points[:, None] - (a + t[..., None] * along), axis=2).min(axis=1)


def test_a_polygon_stays_as_it_is():
    corners = [[1.25, 2], [30, 4], [12, 40.5]]
    outline = flatten(without_feather(corners), 0.01)
    assert outline.contour.tolist() == corners
    assert outline.feather.tolist() == corners
    assert outline.feather_extent_px == 0


@pytest.mark.parametrize("tolerance", [0.5, 0.05, 0.005])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_the_polyline_stays_within_the_tolerance(ellipse, tolerance, scale):
    points = ellipse(100, 80, 90, 40, feather=25)
    fine, coarse = flatten(points, 1e-4, scale), flatten(points, tolerance, scale)
    assert _distance_to(coarse.contour, fine.contour).max() <= tolerance
    assert _distance_to(coarse.feather, fine.feather).max() <= tolerance
    assert len(coarse.contour) < len(fine.contour)


def test_a_right_tangent_leads_out_of_its_point_and_a_left_one_into_the_next():
    triangle, none = [[0, 0], [64, 0], [32, 90]], [0, 0]
    left, right = [none, [0, 64], none], [[0, -128], none, none]
    # A quarter of the way along, the Bernstein weights are 27, 27, 9 and 1 of 64, so x = 64 * 10/64 and
    # y = -128 * 27/64 + 64 * 9/64.
    quarter = np.array([[10.0, -45.0]])
    contour = flatten(without_feather(triangle, left, right), 0.001).contour
    assert _distance_to(contour, quarter) < 0.002
    swapped = flatten(without_feather(triangle, right, left), 0.001).contour
    assert _distance_to(swapped, quarter) > 5


def test_contour_and_feather_walk_in_step(ellipse):
    outline = flatten(ellipse(0, 0, 50, 50, feather=10), 0.01)
    assert outline.contour.shape == outline.feather.shape
    assert outline.feather_extent_px == pytest.approx(10, abs=0.01)
    assert np.linalg.norm(outline.feather - outline.contour, axis=1) == pytest.approx(10, abs=0.05)


def test_a_point_without_any_feather_follows_the_tangents_of_the_shape(ellipse):
    round_points = ellipse(50, 50, 40, 40)
    none = np.zeros((8, 2))
    bare = BezierPoints(
        round_points.centers, round_points.left_tangents, round_points.right_tangents, none, none, none
    )
    outline = flatten(bare, 0.01)
    assert outline.feather.tolist() == outline.contour.tolist()


def test_feather_tangents_are_offsets_from_the_feather_center():
    flat = np.zeros((2, 2))
    points = BezierPoints(
        [[0, 0], [40, 0]], flat, flat, [[0, 10], [0, 10]], [[0, 0], [-10, 20]], [[10, 20], [0, 0]]
    )
    outline = flatten(points, 0.001)
    # Half way along, the two inner control points have three quarters of the weight, so y = 10 + 20 * 3/4.
    assert outline.feather[:, 1].max() == pytest.approx(25, abs=0.01)


def test_scale_scales_everything(ellipse):
    whole, half = flatten(ellipse(30, 20, 25, 10, 5), 0.01), flatten(ellipse(30, 20, 25, 10, 5), 0.005, 0.5)
    assert half.contour == pytest.approx(whole.contour / 2)
    assert half.feather == pytest.approx(whole.feather / 2)


@pytest.mark.parametrize("tolerance", [0.2, 0.01])
def test_any_curve_stays_within_the_tolerance(tolerance):
    rng = np.random.default_rng(5)
    for _ in range(40):
        centers, left, right = rng.normal(scale=60, size=(3, 4, 2)) * rng.choice([0, 0.2, 1], size=(3, 1, 1))
        points = without_feather(centers, left, right)
        fine = flatten(points, tolerance / 400).contour
        assert _distance_to(flatten(points, tolerance).contour, fine[::7]).max() <= tolerance


@pytest.mark.parametrize("centers", [[], [[5, 5]]])
def test_fewer_than_two_points_give_an_empty_outline(centers):
    outline = flatten(without_feather(centers), 0.01)
    assert outline.contour.shape == (0, 2)
    assert outline.feather_extent_px == 0


def test_coordinates_beyond_any_picture_are_pulled_back():
    far = np.array([[1e308, 0], [0, -1e308], [5, 5.0]])
    outline = flatten(BezierPoints(far, far, far, far, far, far), 0.01)
    assert np.isfinite(outline.contour).all()
    assert np.abs(outline.contour).max() <= LIMIT_PX
    assert np.abs(outline.feather).max() <= LIMIT_PX
