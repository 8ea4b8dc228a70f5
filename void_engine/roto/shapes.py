"""Roto shapes at one frame, as the host baked them.

The conventions are Nuke's (tangents and feather as offsets), with one difference: positions are display
coordinates, pixels with y **down** and the origin at the top-left of the display window, where pixel (0, 0)
covers [0, 1) x [0, 1). Whoever bakes the shapes flips y, in the offsets too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from void_engine.arrays import Float64Array
from void_engine.errors import MatteError


@dataclass(frozen=True, slots=True, eq=False)
class BezierPoints:
    """The control points of a closed cubic spline and of its feather spline.

    Six (n, 2) float64 arrays of x, y in pixels, one row for each point. Segment i runs from point i to point
    i + 1 (the last one back to the first); it leaves along the right tangent and arrives along the left one.

    Raises:
        MatteError: when an array is not (n, 2) or the arrays differ in length.
    """

    centers: Float64Array
    """Positions."""
    left_tangents: Float64Array
    """Offsets from the center."""
    right_tangents: Float64Array
    """Offsets from the center."""
    feather_centers: Float64Array
    """Offsets from the center; 0 where the point has no feather of its own."""
    feather_left_tangents: Float64Array
    """Offsets from the feather center."""
    feather_right_tangents: Float64Array
    """Offsets from the feather center."""

    def __post_init__(self) -> None:
        for field in fields(self):
            array = np.array(getattr(self, field.name), dtype=np.float64)
            if array.size == 0:
                array = array.reshape(0, 2)
            if array.ndim != 2 or array.shape[1] != 2:
                raise MatteError(
                    f"{field.name} of a roto shape has the shape {array.shape}; it must be (points, 2)"
                )
            array.flags.writeable = False
            object.__setattr__(self, field.name, array)
            if len(array) != len(self.centers):
                raise MatteError(
                    f"a roto shape has {len(self.centers)} centers but {len(array)} {field.name}; "
                    "bake every point with all six of its positions"
                )

    def __len__(self) -> int:
        return len(self.centers)


@dataclass(frozen=True, slots=True, eq=False)
class ShapeAtFrame:
    """One shape at one frame: what :func:`void_engine.roto.matte.rasterise` draws.

    Raises:
        MatteError: when a coordinate or an attribute is infinite or not a number.
    """

    name: str
    points: BezierPoints
    opacity: float = 1.0
    """0..1; values beyond are clamped."""
    feather_x_px: float = 0.0
    """Uniform feather along x, in pixels, added to the points' own; outward above 0, inward below."""
    feather_y_px: float = 0.0
    """Uniform feather along y, in pixels, added to the points' own; outward above 0, inward below."""
    falloff: float = 1.0
    """Exponent of the feather's profile: 1 is a straight ramp, larger values fade faster near the shape.
    Values below 0 count as 0, a feather that is opaque throughout."""
    inverted: bool = False
    """Whether everything but the shape is covered, over the whole frame."""
    visible: bool = True

    def __post_init__(self) -> None:
        for field in fields(self.points):
            finite = np.isfinite(getattr(self.points, field.name)).all(axis=1)
            if not finite.all():
                raise MatteError(
                    f"roto shape '{self.name}': point {int(np.argmin(finite)) + 1} has {field.name} that are "
                    "not finite; delete or set that point's key again and export the shapes once more"
                )
        for attribute in ("opacity", "feather_x_px", "feather_y_px", "falloff"):
            value = getattr(self, attribute)
            if not math.isfinite(value):
                raise MatteError(
                    f"roto shape '{self.name}': {attribute} is {value}; it must be a finite number"
                )
