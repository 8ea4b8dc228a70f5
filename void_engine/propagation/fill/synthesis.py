"""Synthesis of a hole from its surroundings: smooth colours from the rim, texture from patches."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.engines.interface import Monitor
from void_engine.opencv import gaussian_blur
from void_engine.propagation import inpainting, pyramid
from void_engine.propagation.fill import patch_match
from void_engine.propagation.fill.patch_match import Indices, PatchMatches, shrink, shrink_mask
from void_engine.propagation.reveal import shadow_holes

_SEARCH_SIDE = 420
"""The longest side in pixels of the picture on which patches are searched; they are copied at full size."""
_PIECES_PX = 1.5
"""Blur radius in pixels above which colours are taken from the vote, which evens out the borders of copied
pieces."""
_BANDS = ((1.5, 3.0), (3.0, 8.0), (6.0, 20.0), (12.0, 50.0))
"""Pairs of (radius, depth) in pixels: down to this depth below the rim, colours slower than the radius come
from the smooth base."""
_DEEP_SHARE = 0.6
"""The share of the base's lowest frequencies in the middle of a hole."""
_FINE_PX = 1.5
"""Blur radius below which texture counts as fine."""
_LEVEL_PX = 8.0
"""Blur radius over which the level of fine texture is averaged."""
_RING_PX = 12.0
"""Blur radius that makes the ring around the hole, whose texture sets the level."""
_LEAST_GAIN = 0.4
"""The lowest gain on fine texture."""
_MOST_TEXTURE = 0.92
"""The most contrast that the synthesised picture keeps against the smooth base. Synthesised texture is never
the true one, so a little less of it has a smaller error and still looks alive."""
_UNTRIED_TEXTURE = 0.6
"""The contrast of texture where it cannot be tried beside the hole."""
_TEXTURE_COST = 0.1
"""By how much texture may enlarge the expected squared error of the smooth base, which is about what the base
is better than a single way to continue the surroundings."""
_TRIAL_SIDE = 160
"""The longest side in pixels of the picture on which the contrast is tried."""


def patch_fill(
    encoded: Float32Array, hole: BoolArray, forbidden: BoolArray, seed: int, monitor: Monitor
) -> Float32Array:
    """Fill ``hole`` with texture from outside it, at the full size of the picture.

    Patches are searched on a picture of at most 420 pixels. There the copied pieces are joined: their low
    frequencies come from the vote of all patches and, increasingly towards the rim, from a smooth base
    (the mean of several ways to continue the surroundings). How much of the texture is kept is tried on the
    hole laid beside itself. Their fine texture is held to the level that the ring
    around the hole has. Texture finer than that picture is copied at full size by the same field.

    Args:
        encoded: (h, w, 3), anything finite inside the hole.
        hole: (h, w) the pixels to fill.
        forbidden: (h, w) pixels outside the hole that must not be copied.
        seed: the seed of the random search; the same seed gives the same picture.
        monitor: asked often whether the work is still wanted.

    Returns:
        (h, w, 3) encoded.
    """
    if not hole.any():
        return encoded
    unknown = hole | forbidden
    if unknown.all():
        return np.zeros_like(encoded)
    scale = min(1.0, _SEARCH_SIDE / max(hole.shape))
    size = (max(1, round(hole.shape[0] * scale)), max(1, round(hole.shape[1] * scale)))
    small_hole = shrink_mask(hole, size)
    small_forbidden = shrink_mask(forbidden, size) & ~small_hole
    pushed = pyramid.push_pull(encoded, (~unknown).astype(np.float32))
    monitor.check_cancelled()
    pushed = shrink(pushed, size)
    monitor.check_cancelled()
    start = inpainting.smooth_fill(pushed, small_hole | small_forbidden, monitor.check_cancelled)
    found = patch_match.search_patches(start, small_hole, small_forbidden, seed, monitor)
    if found is None:
        made, fine = start, None
    else:
        contrast = _tried_contrast(start, small_hole, small_forbidden, seed, monitor)
        pieces = _pieces(found, start, small_hole, small_forbidden)
        made = np.where(small_hole[:, :, None], start + contrast * (pieces - start), start)
        made, fine = made.astype(np.float32), found.field
    if scale == 1.0:
        return np.where(hole[:, :, None], made, encoded).astype(np.float32)
    large = _enlarge(made, hole.shape)
    if fine is not None:
        monitor.check_cancelled()
        sharp = _copied(_joined_with(encoded, unknown, large), fine, hole, unknown, large)
        monitor.check_cancelled()
        large += np.float32(_MOST_TEXTURE) * (sharp - _enlarge(shrink(sharp, size), hole.shape))
    return np.where(hole[:, :, None], large, encoded).astype(np.float32)


def _joined_with(encoded: Float32Array, unknown: BoolArray, filled: Float32Array) -> Float32Array:
    """The picture with its ``unknown`` pixels taken from ``filled``."""
    return np.where(unknown[:, :, None], filled, encoded).astype(np.float32)


def _enlarge(picture: Float32Array, size: tuple[int, ...]) -> Float32Array:
    return opencv.resize(picture, size, opencv.CUBIC)


def _copied(
    picture: Float32Array, field: Indices, hole: BoolArray, unknown: BoolArray, otherwise: Float32Array
) -> Float32Array:
    """Copy each hole pixel from where ``field`` points; ``otherwise`` is used where that is unknown."""
    rows, columns = np.nonzero(hole)
    from_rows, from_columns = patch_match.enlarged(field, hole.shape, rows, columns)
    good = ~unknown[from_rows, from_columns]
    filled = np.where(hole[:, :, None], otherwise, picture).astype(np.float32)
    filled[rows[good], columns[good]] = picture[from_rows[good], from_columns[good]]
    return filled


def _tried_contrast(
    start: Float32Array, hole: BoolArray, forbidden: BoolArray, seed: int, monitor: Monitor
) -> np.float32:
    """The contrast of synthesised texture against the smooth base that pays, tried beside the hole.

    The hole is laid over known pixels, at a small size, and filled there. Where what is copied resembles what
    is there, contrast lowers the error; else it costs more, the more there is of it, and gets as much as
    :data:`_TEXTURE_COST` allows.
    """
    scale = min(1.0, _TRIAL_SIDE / max(hole.shape))
    size = (max(1, round(hole.shape[0] * scale)), max(1, round(hole.shape[1] * scale)))
    small, small_hole = shrink(start, size), shrink_mask(hole, size)
    blocked = small_hole | shrink_mask(forbidden, size)
    shadow = shadow_holes.first_beside(small_hole, blocked)
    if shadow is None or not shadow.any():
        return np.float32(_UNTRIED_TEXTURE)
    smooth = inpainting.smooth_fill(small, shadow | blocked, monitor.check_cancelled)
    found = patch_match.search_patches(smooth, shadow, blocked, seed, monitor)
    if found is None:
        return np.float32(_UNTRIED_TEXTURE)
    texture = (_pieces(found, smooth, shadow, blocked) - smooth)[shadow]
    missing = (small - smooth)[shadow]
    alike, energy = float((texture * missing).sum()), float(np.square(texture).sum())
    budget = _TEXTURE_COST * float(np.square(missing).sum())
    if energy <= 0:
        return np.float32(_UNTRIED_TEXTURE)
    # The squared error, energy c^2 - 2 alike c + missing^2, may exceed that without texture by the budget.
    most = (alike + np.sqrt(alike**2 + budget * energy)) / energy
    return np.float32(np.clip(most, 0.0, _MOST_TEXTURE))


def _pieces(found: PatchMatches, start: Float32Array, hole: BoolArray, forbidden: BoolArray) -> Float32Array:
    """The copied pieces, joined, (h, w, 3); ``start`` is the smooth base in the hole."""
    copied = _copied(start, found.field, hole, hole | forbidden, found.picture)
    return _joined(copied, found.picture, start, hole, forbidden)


def _joined(
    copied: Float32Array,
    voted: Float32Array,
    base: Float32Array,
    hole: BoolArray,
    forbidden: BoolArray,
) -> Float32Array:
    """Join the copied pieces.

    They get the vote's low frequencies, as much fine texture as the ring has, and the base's colours as far
    below the rim as the base can be right. Outside the hole ``base`` is the picture.
    """
    inside = hole[:, :, None]
    pieces = copied + gaussian_blur(np.where(inside, voted - copied, np.float32(0.0)), _PIECES_PX)
    pieces = np.where(inside, pieces, copied).astype(np.float32)
    slow = gaussian_blur(pieces, _FINE_PX)
    pieces = slow + _fine_gain(pieces - slow, base, hole, forbidden)[:, :, None] * (pieces - slow)
    depth = opencv.depth_inside(hole, opencv.CLOSE)[:, :, None]
    difference = np.where(inside, base - pieces, np.float32(0.0)).astype(np.float32)
    support = hole.astype(np.float32)
    bands = [
        gaussian_blur(difference, radius)
        / np.maximum(gaussian_blur(support, radius), np.float32(1e-3))[:, :, None]
        for radius, _ in _BANDS
    ]
    correction = np.float32(_DEEP_SHARE) * bands[-1]
    for index in range(len(_BANDS) - 2, -1, -1):
        slower = bands[index + 1] * np.float32(_DEEP_SHARE if index == len(_BANDS) - 2 else 1.0)
        near_rim = np.clip(1.5 - depth / np.float32(_BANDS[index][1]), 0.0, 1.0)
        correction = correction + near_rim * (bands[index] - slower)
    return np.where(inside, pieces + correction, base).astype(np.float32)


def _fine_gain(
    fine: Float32Array, known: Float32Array, hole: BoolArray, forbidden: BoolArray
) -> Float32Array:
    """The gain, (h, w) up to 1, that brings the fine texture in the hole down to the level of its ring."""
    unknown = opencv.dilate(hole | forbidden, opencv.square(5))
    ring = ~unknown & (gaussian_blur(hole.astype(np.float32), _RING_PX) > 0.02)
    around, support = pyramid.weighted_blur(
        _log_power(known - gaussian_blur(known, _FINE_PX)), ring.astype(np.float32), _LEVEL_PX
    )
    wanted = pyramid.push_pull(around, np.clip(support * 10.0, 0.0, 1.0).astype(np.float32))
    present, _ = pyramid.weighted_blur(_log_power(fine), hole.astype(np.float32), _LEVEL_PX)
    if not ring.any():
        return np.ones(hole.shape, np.float32)
    return np.asarray(np.clip(np.exp(0.5 * (wanted - present)), _LEAST_GAIN, 1.0), np.float32)


def _log_power(fine: Float32Array) -> Float32Array:
    return np.asarray(np.log(np.square(fine).mean(axis=2) + np.float32(1e-7)), np.float32)
