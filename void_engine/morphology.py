"""Morphology of mattes: dilation, erosion and softening in pixels, and the weight with which the merge mixes.

Distances are Euclidean between pixel centres, so a growth of 1 reaches the four direct neighbours. The
picture's border never counts as an edge.
"""

from __future__ import annotations

import math

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.errors import MatteError, SettingError
from void_engine.geometry import Box

MATTE_EPSILON = 1.0 / 1024.0
"""A matte value at or below this counts as zero. It is less than half a code value of an 8-bit matte, so only
the rounding of a resampled or half-float matte is ignored."""


def grow(matte: Float32Array, pixels: float) -> Float32Array:
    """Dilate a matte by a disc: each pixel takes the largest value within ``pixels`` of it.

    Grey values are kept, so a soft edge moves outwards as it is. Between two whole radii the result is their
    linear mix; a whole radius is exact on the pixel lattice. A negative number shrinks the same way.

    Args:
        matte: (H, W), 0..1.
        pixels: radius in pixels; any finite number, negative to shrink.

    Returns:
        (H, W) float32; at 0 a copy.

    Raises:
        SettingError: when ``pixels`` is not finite.
    """
    if not math.isfinite(pixels):
        raise SettingError(f"matte growth is {pixels}; give a number of pixels")
    matte = np.ascontiguousarray(matte, np.float32)
    if pixels < 0:
        return 1.0 - grow(1.0 - matte, -pixels)
    whole = math.floor(pixels)
    part = pixels - whole
    grown = _dilate_by_disc(matte, whole)
    if part:
        grown += np.float32(part) * (_dilate_by_disc(matte, whole + 1) - grown)
    return grown


def replacement_weight(
    remove: Float32Array, affected: Float32Array, growth_px: float, softness_px: float
) -> Float32Array:
    """The weight with which the merge takes the engine's pixels.

    The weight is 1 wherever either matte is above :data:`MATTE_EPSILON` and up to ``growth_px`` around that;
    a smooth ramp leads outwards over ``softness_px``, and beyond it the weight is exactly 0. Both roles
    follow the same rule, since a penumbra of 1% is still part of the shadow and half of a shadow must not
    stay.

    Args:
        remove: (H, W), 0..1.
        affected: (H, W), 0..1.
        growth_px: distance in pixels; a negative one moves the mattes' edge inwards.
        softness_px: width of the ramp in pixels, at least 0.

    Returns:
        (H, W) float32 in 0..1.

    Raises:
        MatteError: when the mattes differ in size.
        SettingError: when a distance is not finite or the softness is negative.
    """
    if remove.ndim != 2 or remove.shape != affected.shape:
        raise MatteError(f"the remove matte has shape {remove.shape}, the affected matte {affected.shape}")
    if not math.isfinite(growth_px):
        raise SettingError(f"matte growth is {growth_px}; give a number of pixels")
    _check_softness(softness_px)
    solid = (remove > MATTE_EPSILON) | (affected > MATTE_EPSILON)
    weight = np.zeros(remove.shape, np.float32)
    reach = max(0, math.ceil(growth_px + softness_px)) + 1
    bounds = Box.around(solid)
    if bounds.is_empty:
        return weight
    window = bounds.grown(reach).intersection(Box.from_shape(remove.shape))
    rows, columns = slice(window.y0, window.y1), slice(window.x0, window.x1)
    weight[rows, columns] = _ramp(
        _signed_distance(solid[rows, columns], growth_px < 0), growth_px, softness_px
    )
    return weight


def matte_bounds(matte: Float32Array) -> Box:
    """The smallest box around the pixels of (H, W) above :data:`MATTE_EPSILON`, in the array's own indices.

    The box is empty where there are none.
    """
    return Box.around(matte > MATTE_EPSILON)


def _dilate_by_disc(matte: Float32Array, radius: int) -> Float32Array:
    """Dilate a grey matte exactly.

    A disc is a stack of horizontal runs, and a run costs little whatever its length, so the work grows with
    the radius and not with its square.
    """
    grown = matte.copy()
    if radius == 0 or matte.size == 0:
        return grown
    height, width = matte.shape
    run_width = -1
    run = matte
    for dy in range(min(radius, height - 1) + 1):
        half = min(math.isqrt(radius * radius - dy * dy), width - 1)
        if half != run_width:
            run_width = half
            run = opencv.dilate_values(matte, np.ones((1, 2 * half + 1), np.uint8))
        np.maximum(grown[dy:], run[: height - dy], out=grown[dy:])
        np.maximum(grown[: height - dy], run[dy:], out=grown[: height - dy])
    return grown


def _signed_distance(solid: BoolArray, inside_too: bool) -> Float32Array:
    """The distance of each pixel from the nearest solid one; negative inside, where it counts from the edge
    pixels."""
    distance = opencv.depth_inside(~solid, opencv.EXACT)
    if inside_too and not solid.all():
        inside = opencv.depth_inside(solid, opencv.EXACT)
        distance[solid] = 1.0 - inside[solid]
    elif inside_too:
        distance[...] = -np.inf
    return distance


def _ramp(distance: Float32Array, growth_px: float, softness_px: float) -> Float32Array:
    beyond = distance - np.float32(growth_px)
    if softness_px == 0:
        return (beyond <= 0).astype(np.float32)
    t = np.clip(1.0 - beyond / np.float32(softness_px), 0.0, 1.0)
    weight: Float32Array = (t * t * (3.0 - 2.0 * t)).astype(np.float32)
    return weight


def _check_softness(pixels: float) -> None:
    if not (math.isfinite(pixels) and pixels >= 0):
        raise SettingError(f"matte softness is {pixels}; give a number of pixels that is not negative")
