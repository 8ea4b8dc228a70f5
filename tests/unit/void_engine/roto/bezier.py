"""Makes splines for tests of the roto modules."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from void_engine.roto.shapes import BezierPoints


def without_feather(
    centers: ArrayLike, left_tangents: ArrayLike | None = None, right_tangents: ArrayLike | None = None
) -> BezierPoints:
    """Make points without feather; they form a polygon where the tangents are left out."""
    positions = np.array(centers, dtype=np.float64)
    zero = np.zeros_like(positions)
    left = zero if left_tangents is None else np.array(left_tangents, dtype=np.float64)
    right = zero if right_tangents is None else np.array(right_tangents, dtype=np.float64)
    return BezierPoints(positions, left, right, zero, left, right)
