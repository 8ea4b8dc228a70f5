"""Flattening of closed cubic splines to polylines, the first step from a roto shape to its matte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine.arrays import Float64Array
from void_engine.errors import MatteError
from void_engine.roto.shapes import BezierPoints

LIMIT_PX = float(2**17)
"""Coordinates beyond this are clamped to it: no picture reaches so far, and the arithmetic that follows stays
exact."""

_MOST_PIECES = 512
"""The most pieces that one spline segment is cut into. A segment that bends across a whole 4K frame still
keeps to 0.01 pixel, and absurd coordinates cost no more than that."""

MOST_CORNERS = 1_000_000
"""The most corners of one outline, which then takes some 200 MB while it is made. Shapes that artists draw do
not come near it."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A shape's contour and its feather contour as closed polylines, in pixels of the wanted scale.

    Both are (m, 2) float64. Row k of one belongs to the same spline parameter as row k of the other, so the
    feather ramps along the line between the two. The last row joins the first.
    """

    contour: Float64Array
    feather: Float64Array

    @property
    def feather_extent_px(self) -> float:
        """The widest distance between contour and feather contour; 0 for an empty outline."""
        if len(self.contour) == 0:
            return 0.0
        step = self.feather - self.contour
        return float(np.hypot(step[:, 0], step[:, 1]).max())


def flatten(points: BezierPoints, tolerance_px: float, scale: float = 1.0, *, name: str = "") -> Outline:
    """Flatten splines to polylines that stay within ``tolerance_px`` (in scaled pixels) of them.

    Each segment is cut at equal steps of its parameter, as many as the classic bound on the distance between
    a curve and its chord asks for: step^2 / 8 times the largest second derivative, which for a cubic lies at
    an end. A shape of fewer than two points encloses nothing and gives an empty outline.

    A point whose feather center and feather tangents are all zero has no feather: there the feather spline
    follows the shape's own tangents instead of turning a corner.

    Raises:
        MatteError: for a shape (called ``name`` there) of more corners than :data:`MOST_CORNERS`.
    """
    if len(points) < 2:
        empty = np.zeros((0, 2))
        return Outline(empty, empty)
    own = _segments(points.centers, points.left_tangents, points.right_tangents, scale)
    bare = ~np.any(
        np.hstack((points.feather_centers, points.feather_left_tangents, points.feather_right_tangents)),
        axis=1,
    )
    left = np.where(bare[:, None], points.left_tangents, points.feather_left_tangents)
    right = np.where(bare[:, None], points.right_tangents, points.feather_right_tangents)
    with np.errstate(over="ignore"):  # A sum beyond float64 is clamped like any other far coordinate.
        feather_centers = points.centers + points.feather_centers
    feather = _segments(feather_centers, left, right, scale)

    bend = np.maximum(_bend(own), _bend(feather))
    pieces = np.clip(np.ceil(np.sqrt(0.75 * bend / tolerance_px)), 1, _MOST_PIECES).astype(np.int64)
    corners = int(pieces.sum())
    if corners > MOST_CORNERS:
        raise MatteError(
            f"roto shape '{name}' is too much to draw: {len(points)} points bend into {corners} corners; "
            f"at most {MOST_CORNERS}: remove points, or give a rendered matte instead"
        )
    segment = np.repeat(np.arange(len(points)), pieces)
    first = np.cumsum(pieces) - pieces
    t = (np.arange(len(segment)) - first[segment]) / pieces[segment]
    # The basis holds the cubic Bernstein polynomials, (4, m, 1).
    u = 1.0 - t
    basis = np.stack((u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t))[:, :, None]
    return Outline((basis * own[:, segment]).sum(axis=0), (basis * feather[:, segment]).sum(axis=0))


def _segments(centers: Float64Array, left: Float64Array, right: Float64Array, scale: float) -> Float64Array:
    """The four control points of each segment, (4, n, 2), scaled."""
    with np.errstate(over="ignore", invalid="ignore"):
        controls = np.stack(
            (centers, centers + right, np.roll(centers + left, -1, axis=0), np.roll(centers, -1, axis=0))
        )
        controls = controls * scale
    near: Float64Array = np.clip(np.nan_to_num(controls), -LIMIT_PX, LIMIT_PX)
    return near


def _bend(controls: Float64Array) -> Float64Array:
    """A sixth of the part of each segment's second derivative that moves it off its chords, (n,).

    The part along the chord changes only the curve's speed, not its course, so it counts only as far as the
    curve slopes against the chord. A straight side thus needs no cuts, wherever its tangents end.
    """
    chord = controls[3] - controls[0]
    length = np.hypot(chord[:, 0], chord[:, 1])[:, None]
    along = np.divide(chord, length, out=np.zeros_like(chord), where=length > 0)
    across = np.column_stack((-along[:, 1], along[:, 0]))
    legs = np.diff(controls, axis=0)
    forward, sideways = (legs * along).sum(axis=2), np.abs((legs * across).sum(axis=2))
    # A leg that runs back, or more sideways than forward, makes the slope 1, and all of the bend counts.
    slope = np.divide(sideways, forward, out=np.ones_like(forward), where=forward > sideways)
    slope = np.where((forward == 0) & (sideways == 0), 0.0, slope).max(axis=0)
    turns = np.diff(legs, axis=0)
    off, on = np.abs((turns * across).sum(axis=2)), np.abs((turns * along).sum(axis=2))
    closed = np.hypot(turns[..., 0], turns[..., 1])
    bend: Float64Array = np.where(length[:, 0] > 0, np.minimum(off + slope * on, closed), closed).max(axis=0)
    return np.where(slope < 1, bend, closed.max(axis=0))
