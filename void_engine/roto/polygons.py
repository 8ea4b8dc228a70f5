"""Polygon regions: areas of the picture bounded by polygons that cross neither themselves nor each other.

An artist's contour may cross itself, and covers what the non-zero winding rule says. This module turns such
contours into simple polygons once, so that everything after it (coverage, growing, uniting) is simple. The
boolean operations and the growing are those of Clipper (Angus Johnson; the package pyclipper), which works on
integers and is therefore exact and the same on every machine.

Vertices lie on a grid of 1/4096 pixel, see :data:`GRID`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyclipper

from void_engine.arrays import Float64Array, Int64Array

GRID = 4096
"""Steps of the vertex grid in one pixel. Rounding to it moves an edge by at most 1/8192 pixel, 0.03/255 of
coverage, and sums of areas on it stay exact in float64."""

Region = list[Int64Array]
"""Closed polygons, each (n, 2) x, y in grid steps: outer ones of one orientation, holes of the other."""

_ARC_TOLERANCE_PX = 0.05
"""Distance between the round corners of a grown region and the true arcs."""
_THINNEST_PX = 1 / 256
"""The growth in pixels along an axis that should not grow at all, since an ellipse needs two radii."""
_WIDEST_RATIO = float(2**17)


def enclosed(contour: Float64Array) -> Region:
    """The region that a closed polyline, (m, 2) in pixels, encloses under the non-zero winding rule.

    The polyline may cross itself, repeat points or have no area at all, which gives an empty region.
    """
    return _combined(pyclipper.CT_UNION, [np.rint(contour * GRID).astype(np.int64)], [])


def united(a: Region, b: Region) -> Region:
    """Unite two regions."""
    return _combined(pyclipper.CT_UNION, a, b)


def common(a: Region, b: Region) -> Region:
    """Intersect two regions."""
    return _combined(pyclipper.CT_INTERSECTION, a, b)


def grown(region: Region, x_px: float, y_px: float) -> Region:
    """Grow the region by an ellipse of these radii, or shrink it where they are negative.

    Corners become round. With radii of opposite sign the region first grows along one axis, then shrinks
    along the other.
    """
    if not region or (x_px == 0 and y_px == 0):
        return region
    if x_px * y_px < 0:
        return grown(grown(region, max(x_px, 0.0), max(y_px, 0.0)), min(x_px, 0.0), min(y_px, 0.0))
    radius = max(abs(x_px), abs(y_px))
    # An ellipse is a circle in a picture that is stretched along its shorter radius.
    stretch = np.array([radius / max(abs(r), _THINNEST_PX) for r in (x_px, y_px)]).clip(1.0, _WIDEST_RATIO)
    offset = pyclipper.PyclipperOffset(2.0, _ARC_TOLERANCE_PX * GRID)
    offset.AddPaths(
        [np.rint(polygon * stretch).astype(np.int64).tolist() for polygon in region],
        pyclipper.JT_ROUND,
        pyclipper.ET_CLOSEDPOLYGON,
    )
    moved = offset.Execute(radius * GRID if x_px + y_px > 0 else -radius * GRID)
    return [np.rint(np.array(polygon, dtype=np.int64) / stretch).astype(np.int64) for polygon in moved]


def _combined(operation: int, subject: Sequence[Int64Array], clip: Sequence[Int64Array]) -> Region:
    clipper = pyclipper.Pyclipper()
    present = 0
    for paths, kind in ((subject, pyclipper.PT_SUBJECT), (clip, pyclipper.PT_CLIP)):
        for path in paths:
            try:
                clipper.AddPath(path.tolist(), kind, True)
            except pyclipper.ClipperException:
                continue  # Clipper raises for a path without area, which adds nothing.
            present += 1
    if not present:
        return []
    solution = clipper.Execute(operation, pyclipper.PFT_NONZERO, pyclipper.PFT_NONZERO)
    return [np.array(polygon, dtype=np.int64) for polygon in solution]
