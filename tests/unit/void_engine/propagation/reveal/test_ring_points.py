"""Where sources are judged beside a hole."""

from __future__ import annotations

import numpy as np

from void_engine.propagation.reveal.ring_points import points_beside


def test_a_point_is_judged_as_if_it_lay_as_deep_inside_as_it_lies_outside() -> None:
    hidden = np.zeros((100, 120), bool)
    hidden[40:70, 50:90] = True
    points, mirrored, outside = points_beside(hidden)
    columns, rows = mirrored.astype(int).T
    assert hidden[rows, columns].all()
    assert not hidden[points[:, 1].astype(int), points[:, 0].astype(int)].any()
    above = (points[:, 0] > 56) & (points[:, 0] < 84) & (points[:, 1] < 40)
    assert np.array_equal(points[above, 0], mirrored[above, 0])
    assert np.array_equal(40 - points[above, 1], mirrored[above, 1] - 40)
    assert np.array_equal(outside[above], 40 - points[above, 1])
