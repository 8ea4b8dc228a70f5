"""Mattes from roto shapes: each shape is drawn with its feather, and the shapes are combined.

Feather is drawn as a stack of regions. Between the shape's contour (s = 0) and its feather contour (s = 1)
lie intermediate contours; at s the contour is that share of the way along the line between matching points
of the two, then grown by the same share of the uniform feather, which is how the two kinds of feather add up.
Each contour's exact coverage enters with the weight by which the ramp falls there. So an outward feather is
opaque up to the shape and 0 at the feather contour; an inward one is opaque inside the feather contour and 0
at the shape. Both may happen in one shape whose contours cross. Where a feather folds over itself, the more
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
from void_engine.roto import polygons as regions
from void_engine.roto.coverage import WEIGHT_STEPS, coverage, stacked_coverage
from void_engine.roto.outline import LIMIT_PX, Outline, flatten
from void_engine.roto.polygons import Region
from void_engine.roto.shapes import ShapeAtFrame

_HARD_TOLERANCE_PX = 0.005
"""The largest distance between curve and polyline for a hard edge: at worst 1.3/255 of coverage."""
_POINT_FEATHER_TOLERANCE_PX = 0.02
"""The largest distance between curve and polyline for a shape whose points have feather: its edge may be hard
somewhere, but most of it is soft."""
_UNIFORM_FEATHER_TOLERANCE_PX = 0.05
"""The largest distance between curve and polyline for a uniform feather of 10 pixels or more; a narrower
feather gets proportionally less."""
_LEAST_FEATHER_PX = 1 / 64
"""A feather narrower than this is drawn as a hard edge."""
_NARROW_FEATHER_PX = 20.0
"""Width up to which the levels of a feather lie half a pixel apart; a wider one has fewer for each pixel."""
_MOST_LEVELS = 256
"""The most levels of one feather."""
MOST_CORNERS = 8_000_000
"""The most corners that all feather levels of one shape may have together. A contour of 1000 points with 100
pixels of feather has some 2 million; far beyond that a shape would take minutes and gigabytes."""


def rasterise(shapes: Sequence[ShapeAtFrame], box: Box, scale: float = 1.0) -> Float32Array:
    """Draw the union of the shapes, (box.height, box.width) float32 in 0..1.

    Shapes combine as by Nuke's *over*, ``a + b - a * b``, in any order. A pixel's value depends only on its
    position: a crop of a matte equals the matte of the crop, bit for bit.

    Args:
        shapes: the shapes in display coordinates of the full-size picture.
        box: the pixels to draw, in the picture that is ``scale`` times the full size; it may reach beyond
            that picture.
        scale: size of the drawn picture over the full size, above 0; below 1 for a proxy. Feather scales
            along.

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
    """A box inside ``within`` outside of which the matte of ``shapes`` is 0.

    It is at most two pixels larger than needed on each side, unless a feather folds over itself. An inverted
    shape covers all of ``within``. Both boxes count pixels of the scaled picture.

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
    """Draw one shape over ``matte``, working only where the shape can change it."""
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
    # Written this way, a pixel that is opaque in either stays exactly 1, and 0 over anything changes nothing.
    below += above * (1.0 - below)


def _covered(outline: Outline, shape: ShapeAtFrame, box: Box, scale: float) -> Float32Array:
    """The coverage of a shape with its feather, before opacity and inversion."""
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

    Levels lie half a pixel apart in a narrow feather and almost a pixel in a wide one: never more than the
    antialiasing spans, so no steps show. The error against a stack of 4096 levels is at most 1/255.
    """
    return min(max(math.ceil(extent_px + min(extent_px, _NARROW_FEATHER_PX)), 2), _MOST_LEVELS)


def _levels(
    outline: Outline, x_px: float, y_px: float, falloff: float, count: int
) -> Iterator[tuple[Region, float]]:
    """Yield the stack of regions that makes the feather, each with its weight; the weights sum to 1."""
    own = regions.enclosed(outline.contour)
    moves = outline.feather_extent_px >= _LEAST_FEATHER_PX
    steps = np.linspace(0.0, 1.0, count + 1)
    profile = np.append((1.0 - steps[:-1]) ** falloff, 0.0)
    falls = -np.diff(np.rint(profile * WEIGHT_STEPS)) / WEIGHT_STEPS
    shares = (steps[:-1] + steps[1:]) / 2
    # Outside the shape the ramp falls with s. Inside it the feather contour is the opaque side, so the ramp
    # rises with s and the profile's weights come in the opposite order.
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
        yield own, -1.0  # Both stacks hold the shape itself, which must count once.


def _between(outline: Outline, share: float) -> Float64Array:
    return outline.contour + share * (outline.feather - outline.contour)


def _uniform_feather(shape: ShapeAtFrame, scale: float) -> tuple[float, float]:
    x_px, y_px = np.clip((shape.feather_x_px * scale, shape.feather_y_px * scale), -LIMIT_PX, LIMIT_PX)
    return float(x_px), float(y_px)


def _flattened(shape: ShapeAtFrame, scale: float) -> Outline:
    """Flatten a shape only as finely as its softness needs, since growing polygons of many points is slow."""
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
    # One pixel is added, because rounding to the vertex grid and round joins may reach a little further.
    margin = np.maximum(_uniform_feather(shape, scale), 0.0) + 1.0
    low, high = np.floor(both.min(axis=0) - margin), np.ceil(both.max(axis=0) + margin)
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
