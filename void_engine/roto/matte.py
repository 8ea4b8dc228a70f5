"""The matte of a role: its shapes, feathered, combined, held out.

Feather is drawn as a stack of regions. Between the shape's contour (s = 0) and its feather contour (s = 1)
lie intermediate contours; at s the contour is that share of the way along the line between matching points
of the two, then grown by the same share of the uniform feather, which is how the two kinds add up. Each
contour's exact coverage enters with the weight by which the ramp falls there. So an outward feather is opaque
up to the shape and 0 at the feather contour; an inward one is opaque inside the feather contour and 0 at the
shape; both may happen in one shape, where the contours cross; and where a feather folds over itself, the more
opaque layer wins.

The profile across the feather is ``(1 - q) ** falloff``, with q running from 0 on the opaque side to 1 on the
clear side, so falloff 1 is a straight ramp. Nuke's own profile is not published: a matte that Nuke rendered
is the better source wherever there is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from void_engine.arrays import Float32Array, Float64Array
from void_engine.errors import MatteError, SettingError
from void_engine.geometry import Box, union_of
from void_engine.roto import region as regions
from void_engine.roto.coverage import WEIGHT_STEPS, coverage, stacked_coverage
from void_engine.roto.outline import LIMIT_PX, Outline, flatten
from void_engine.roto.region import Region
from void_engine.roto.shapes import ShapeAtFrame

_HARD_TOLERANCE_PX = 0.005
"""Distance between curve and polyline where the edge is hard: 1.3/255 of coverage at the very worst."""
_POINT_FEATHER_TOLERANCE_PX = 0.02
"""This distance where points have feather: the edge may be hard somewhere, but most of it is soft."""
_UNIFORM_FEATHER_TOLERANCE_PX = 0.05
"""This distance where all of the edge is soft, by 10 pixels or more; it is less for a narrower one."""
_LEAST_FEATHER_PX = 1 / 64
"""A feather narrower than this is drawn as a hard edge."""
_NARROW_FEATHER_PX = 20.0
_MOST_LEVELS = 256
MOST_CORNERS = 8_000_000
"""Corners of all levels of one shape. A contour of 1000 points with 100 pixels of feather has some 2 million;
far beyond, a shape would take minutes and gigabytes, and no artist has drawn it."""


def rasterise(shapes: Sequence[ShapeAtFrame], box: Box, scale: float = 1.0) -> Float32Array:
    """The union of the shapes, (box.height, box.width) float32 in 0..1.

    Shapes combine as Nuke's *over* does, ``a + b - a * b``, in any order. A pixel's value depends on nothing
    but its place: a crop of a matte equals the matte of the crop, bit for bit.

    Args:
        shapes: in display coordinates of the full-size picture.
        box: the pixels wanted, of the picture that is ``scale`` times as large; it may reach beyond it.
        scale: size of the wanted picture over the full size, above 0; a proxy has less than 1. Feather
            scales along.

    Raises:
        SettingError: when ``scale`` is not above 0.
        MatteError: for a shape of more corners than :data:`MOST_CORNERS`.
    """
    _check_scale(scale)
    matte = np.zeros(box.shape, dtype=np.float32)
    for shape in filter(_is_drawn, shapes):
        _draw(shape, matte, box, scale)
    return matte


def bounds(shapes: Sequence[ShapeAtFrame], within: Box, scale: float = 1.0) -> Box:
    """The smallest box, inside ``within``, outside of which the matte of ``shapes`` is 0.

    "Smallest" up to two pixels on each side, and but for feather that folds over itself. An inverted shape
    covers all of ``within``. Both boxes count pixels of the scaled picture.

    Raises:
        SettingError: when ``scale`` is not above 0.
    """
    _check_scale(scale)
    return union_of(
        within if shape.inverted else _extent(_flattened(shape, scale), shape, scale).intersection(within)
        for shape in filter(_is_drawn, shapes)
    )


def _check_scale(scale: float) -> None:
    if not (math.isfinite(scale) and scale > 0):
        raise SettingError(f"the proxy scale is {scale}; it must be a number above 0, 1 for full size")


def _is_drawn(shape: ShapeAtFrame) -> bool:
    return shape.visible and shape.opacity > 0


def _draw(shape: ShapeAtFrame, matte: Float32Array, box: Box, scale: float) -> None:
    """Put one shape over ``matte``, working only where the shape can change it."""
    outline = _flattened(shape, scale)
    part = _extent(outline, shape, scale).intersection(box)
    opacity = np.float32(min(shape.opacity, 1.0))
    if not shape.inverted:
        if not part.is_empty:
            _put_over(matte[part.slices(box)], _covered(outline, shape, part, scale) * opacity)
        return
    outside = np.full(box.shape, opacity)
    if not part.is_empty:
        outside[part.slices(box)] *= 1.0 - _covered(outline, shape, part, scale)
    _put_over(matte, outside)


def _put_over(below: Float32Array, above: Float32Array) -> None:
    # In this form an opaque pixel of either stays exactly 1, and 0 over anything changes nothing.
    below += above * (1.0 - below)


def _covered(outline: Outline, shape: ShapeAtFrame, box: Box, scale: float) -> Float32Array:
    """Coverage of a shape with its feather, before opacity and inversion."""
    x_px, y_px = _uniform_feather(shape, scale)
    extent = outline.feather_extent_px + max(abs(x_px), abs(y_px))
    if extent < _LEAST_FEATHER_PX:
        return coverage(regions.enclosed(outline.contour), box)
    count = _level_count(extent)
    _check_corners(outline, shape, count)
    levels = _levels(outline, x_px, y_px, max(shape.falloff, 0.0), count)
    return stacked_coverage(levels, box)


def _check_corners(outline: Outline, shape: ShapeAtFrame, levels: int) -> None:
    if len(outline.contour) * levels > MOST_CORNERS:
        raise MatteError(
            f"roto shape '{shape.name}' is too much to draw: {len(shape.points)} points bend into "
            f"{len(outline.contour)} corners with {levels} levels of feather; "
            "remove points or feather, or give a rendered matte instead"
        )


def _level_count(extent_px: float) -> int:
    """How many levels make a feather of this width look like a ramp.

    They lie half a pixel apart in a narrow feather and almost a pixel in a wide one: never more than the
    antialiasing spans, so no steps show. Against a stack of 4096 levels that errs by 1/255 at most.
    """
    return min(max(math.ceil(extent_px + min(extent_px, _NARROW_FEATHER_PX)), 2), _MOST_LEVELS)


def _levels(
    outline: Outline, x_px: float, y_px: float, falloff: float, count: int
) -> Iterator[tuple[Region, float]]:
    """The stack of regions that makes the feather, each with its weight; the weights sum to 1."""
    own = regions.enclosed(outline.contour)
    moves = outline.feather_extent_px >= _LEAST_FEATHER_PX
    steps = np.linspace(0.0, 1.0, count + 1)
    profile = np.append((1.0 - steps[:-1]) ** falloff, 0.0)
    falls = -np.diff(np.rint(profile * WEIGHT_STEPS)) / WEIGHT_STEPS
    shares = (steps[:-1] + steps[1:]) / 2
    # Where the feather lies outside the shape the ramp falls with s; where it lies inside it rises, its
    # opaque side being the feather contour, so there the profile's weights come in the opposite order.
    both_ways = falloff != 1.0 and (moves or x_px * y_px < 0)
    if not both_ways and x_px + y_px < 0:
        falls = falls[::-1]
    for share, fall, opposite in zip(shares, falls, falls[::-1], strict=True):
        between = regions.enclosed(_between(outline, share)) if moves else own
        level = regions.grown(between, x_px * share, y_px * share)
        if both_ways:
            yield regions.united(own, level), fall
            yield regions.common(own, level), opposite
        else:
            yield level, fall
    if both_ways:
        yield own, -1.0  # counted once in either


def _between(outline: Outline, share: float) -> Float64Array:
    return outline.contour + share * (outline.feather - outline.contour)


def _uniform_feather(shape: ShapeAtFrame, scale: float) -> tuple[float, float]:
    x_px, y_px = np.clip((shape.feather_x_px * scale, shape.feather_y_px * scale), -LIMIT_PX, LIMIT_PX)
    return float(x_px), float(y_px)


def _flattened(shape: ShapeAtFrame, scale: float) -> Outline:
    """The outline, as fine as its softness needs: most time goes into growing polygons of many points."""
    softest_px = min(abs(x) for x in _uniform_feather(shape, scale))
    tolerance = _HARD_TOLERANCE_PX
    if shape.points.feather_centers.any():
        tolerance = _POINT_FEATHER_TOLERANCE_PX
    if softest_px > 0:
        tolerance = max(tolerance, min(softest_px / 10, 1.0) * _UNIFORM_FEATHER_TOLERANCE_PX)
    return flatten(shape.points, tolerance, scale, name=shape.name)


def _extent(outline: Outline, shape: ShapeAtFrame, scale: float) -> Box:
    """A box of pixels that holds all that a shape covers."""
    if len(outline.contour) == 0:
        return Box(0, 0, 0, 0)
    both = np.concatenate((outline.contour, outline.feather))
    # One pixel more than drawn: rounding to the vertex grid and round joins may reach a little further.
    margin = np.maximum(_uniform_feather(shape, scale), 0.0) + 1.0
    low, high = np.floor(both.min(axis=0) - margin), np.ceil(both.max(axis=0) + margin)
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
