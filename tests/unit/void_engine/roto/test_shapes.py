from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.errors import MatteError
from void_engine.roto.shapes import BezierPoints, ShapeAtFrame

TRIANGLE = [[0, 0], [10, 0], [0, 10]]


def test_points_are_kept_as_read_only_copies():
    centers = np.array(TRIANGLE, dtype=np.float32)
    points = without_feather(centers)
    centers[:] = 99
    assert points.centers.dtype == np.float64
    assert points.centers.tolist() == TRIANGLE
    with pytest.raises(ValueError, match="read-only"):
        points.centers[0] = 1


@pytest.mark.parametrize("centers", [[[1, 2, 3]], [1, 2, 3]])
def test_points_that_are_not_pairs_are_refused(centers):
    with pytest.raises(MatteError, match=r"centers .* must be \(points, 2\)"):
        without_feather(centers)


def test_arrays_of_different_lengths_are_refused():
    flat = np.zeros((3, 2))
    with pytest.raises(MatteError, match="3 centers but 2 feather_centers"):
        BezierPoints(flat, flat, flat, np.zeros((2, 2)), flat, flat)


def test_no_points_at_all_are_a_shape():
    assert len(without_feather([])) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["centers", "left_tangents", "feather_centers", "feather_right_tangents"])
def test_a_coordinate_that_is_not_finite_names_shape_and_point(bad, field):
    arrays = {
        name: np.zeros((3, 2))
        for name in (
            "centers",
            "left_tangents",
            "right_tangents",
            "feather_centers",
            "feather_left_tangents",
            "feather_right_tangents",
        )
    }
    arrays[field][1, 0] = bad
    with pytest.raises(MatteError, match=f"'hand': point 2 has {field} that are not finite"):
        ShapeAtFrame("hand", BezierPoints(**arrays))


@pytest.mark.parametrize("attribute", ["opacity", "feather_x_px", "feather_y_px", "falloff"])
def test_an_attribute_that_is_not_finite_is_named(attribute):
    with pytest.raises(MatteError, match=f"'hand': {attribute} is nan"):
        ShapeAtFrame("hand", without_feather(TRIANGLE), **{attribute: math.nan})
