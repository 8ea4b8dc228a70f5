"""The rim of the hole: closes the seam to the plate, and un-mixes pixels that are partly background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import cross_validation, encoding, pyramid
from void_engine.propagation.finish.hole import Hole

_SEAM_SLOW_PX = 3.0
"""Blur radius above which a difference counts as low-frequency."""
_SEAM_REACH_PX = 14.0
"""Depth in the hole over which the correction falls by the factor e."""
_SEAM_LIMIT = 0.12
"""The largest difference, encoded, that is taken for a seam."""
_SEAM_BLOCK_PX = 8
"""Side of the blocks of the cross-validation."""
_RANGE_PX = 2
"""How far around a partly covered pixel the background's range is looked for."""
_RANGE_ROOM = 0.01
"""How far, encoded, a pixel that is half covered may leave that range."""
_FOREGROUND_PX = 3.0
"""Blur radius by which the foreground's colour is estimated."""
_RIM_TRIAL_PX = 3
"""How far the hole is grown to test a continuation where the truth is known."""
_RIM_FEWEST = 100.0
"""The least weight of known pixels from which the rim is corrected."""
_TIGHT_PX, _CLEAN_PX = 2, 5
"""Distances from the matte up to which the object may reach, and from which the plate is clean."""
_TIGHT_EXCESS = 8.0
"""The error beside the matte, relative to the clean plate's, from which the matte is too tight."""
_UNSEEN_ENERGY = 2e-5
"""Errors below this, in squared encoded units, cannot be seen."""
_RIM_REACHES_PX = (1.0, 2.5, 6.0)
"""The depths that are tested for the continuation of fine differences."""


def close_seam(answer: Float32Array, hole: Hole, *, tight: bool = False) -> Float32Array:
    """Remove the step between the plate and the revealed pixels.

    The low-frequency difference just outside the hole is continued into it by membrane interpolation (Pérez,
    Gangnet and Blake, "Poisson Image Editing", SIGGRAPH 2003) and fades with depth.

    Args:
        answer: (h, w, 3) encoded, to be corrected inside the hole.
        hole: the hole, with the plate and the revealed pixels around it.
        tight: whether the plate right beside the hole still holds the object, which must not be continued.

    Returns:
        (h, w, 3) encoded.
    """
    known = hole.known
    if tight:
        known = known & ~opencv.dilate_by_disc(hole.mask, _CLEAN_PX)
    if not known.any():
        return answer
    difference = np.clip(hole.plate - hole.revealed, -_SEAM_LIMIT, _SEAM_LIMIT)
    weight = known.astype(np.float32)
    depth = opencv.depth_inside(hole.mask)
    factor = cross_validation.shrinkage_factor(difference, weight, _SEAM_BLOCK_PX, _membrane)
    if factor:
        membrane = _membrane(difference, weight) * np.float32(factor)
        fade = np.where(hole.mask, np.exp(-depth / np.float32(_SEAM_REACH_PX)), np.float32(0.0))
        answer = np.asarray(answer + membrane * fade[:, :, None], np.float32)
        difference = difference - membrane
    return _close_rim(answer, difference, weight, hole.mask, depth)


def _close_rim(
    answer: Float32Array, difference: Float32Array, weight: Float32Array, hole: BoolArray, depth: Float32Array
) -> Float32Array:
    """Continue the fine part of the ``difference`` too, as deep as it correlates from pixel to pixel.

    Grain does not correlate with its neighbours, but the misfit of a surface that moves by itself does. The
    correlation is measured on the hole grown by a few pixels, where the truth is known.
    """
    tried = opencv.dilate(hole, opencv.disc(_RIM_TRIAL_PX))
    ring = np.where(tried & ~hole, weight, np.float32(0.0))
    if float(ring.sum()) < _RIM_FEWEST:
        return answer
    trial = pyramid.push_pull(difference, np.where(tried, np.float32(0.0), weight))
    trial_depth = opencv.depth_inside(tried)
    best: tuple[float, float, float] = (0.0, 0.0, 0.0)
    for reach in _RIM_REACHES_PX:
        predicted = trial * np.exp(-(trial_depth - 1.0) / np.float32(reach))[:, :, None]
        judged = ring[:, :, None] * predicted
        power = float((judged * predicted).sum())
        found = float((judged * difference).sum())
        if power > 1e-12 and found > 0 and found * found / power > best[0]:
            best = (found * found / power, min(found / power, 1.0), reach)
    if not best[1]:
        return answer
    fade = np.where(hole, np.exp(-(depth - 1.0) / np.float32(best[2])), np.float32(0.0))
    continued = pyramid.push_pull(difference, weight) * np.float32(best[1])
    return np.asarray(answer + continued * fade[:, :, None], np.float32)


def _membrane(difference: Float32Array, weight: Float32Array) -> Float32Array:
    slow, support = pyramid.weighted_blur(difference, weight, _SEAM_SLOW_PX)
    factor = np.where(weight > 0, np.clip(support * 4.0, 0.0, 1.0), np.float32(0.0)).astype(np.float32)
    return pyramid.push_pull(slow, factor)


def is_tight(hole: Hole, removed: Float32Array) -> bool:
    """Whether the plate just outside the object's matte still holds the object.

    The values at its edge are then not the object's coverage there, and un-mixing by them leaves dots.

    Args:
        hole: the hole, with the plate and the revealed pixels around it.
        removed: (h, w) in 0..1, the matte of the object.
    """
    inside = removed > 0
    beside = hole.seen & ~inside & opencv.dilate_by_disc(inside, _TIGHT_PX)
    clean = hole.known & ~opencv.dilate_by_disc(inside, _CLEAN_PX)
    if min(int(beside.sum()), int(clean.sum())) < _RIM_FEWEST:
        return False
    error = np.square(hole.plate - hole.revealed).mean(axis=2)
    usual = max(1.5 * float(np.median(error[clean])), _UNSEEN_ENERGY)
    return float(np.mean(error[beside])) > _TIGHT_EXCESS * usual


@dataclass(frozen=True, slots=True)
class Unmixed:
    """The answer after the plate's partly covered pixels were un-mixed and joined with it."""

    values: Float32Array
    """(h, w, 3) encoded."""
    variance: Float32Array
    """(h, w): expected squared error of a channel, in squared encoded units."""


def unmix(
    answer: Float32Array, plate: Float32Array, alpha: Float32Array, noise: float, doubt: Float32Array
) -> Unmixed:
    """Recover the background that still shows through partly covered pixels.

    A partly covered pixel is ``a F + (1 - a) B``. The foreground F is smoothed from the covered side; solving
    for B gives a second estimate of the background, with the plate's own grain, whose error grows with a. The
    two estimates are joined by inverse variance, and the second is dropped where both cannot be right, as
    with a sloppy matte.

    Args:
        answer: (h, w, 3) encoded background as revealed or synthesised.
        plate: (h, w, 3) scene-linear.
        alpha: (h, w) in 0..1, the coverage by the foreground.
        noise: standard deviation, encoded, of the answer where it was revealed.
        doubt: (h, w) factor on that deviation, above 1 where the answer is less reliable.
    """
    soft = (alpha > 0) & (alpha < 0.95)
    variance = np.square(np.float32(noise) * doubt)
    if not soft.any():
        return Unmixed(answer, variance)
    background = encoding.decode(answer)
    a = alpha[:, :, None]
    covered = alpha > 0.3
    foreground = np.where(covered[:, :, None], (plate - (1.0 - a) * background) / np.maximum(a, 0.3), 0.0)
    foreground = encoding.encode(foreground.astype(np.float32))
    weight = np.where(covered, alpha * alpha, np.float32(0.0)).astype(np.float32)
    mean, support = pyramid.weighted_blur(foreground, weight, _FOREGROUND_PX)
    spread, _ = pyramid.weighted_blur(np.square(foreground - mean), weight, _FOREGROUND_PX)
    known = np.clip(support * 20.0, 0.0, 1.0).astype(np.float32)
    mean, spread = pyramid.push_pull(mean, known), pyramid.push_pull(spread, known)
    # The deviations are converted to linear light by the slope of the encoding at the values.
    slope = np.float32(encoding.STOPS * np.log(2.0))
    linear_mean = encoding.decode(mean)
    foreground_variance = (spread + np.float32(0.02**2)) * np.square(
        slope * (np.abs(linear_mean) + encoding.TOE)
    )
    answer_variance = np.square(noise * doubt[:, :, None] * slope * (np.abs(background) + encoding.TOE))
    through = np.maximum(1.0 - a, 0.05)
    unmixed = (plate - a * linear_mean) / through
    unmixed_variance = foreground_variance * np.square(a / through) + 0.25 * answer_variance / np.square(
        through
    )
    apart = np.square(unmixed - background) / (unmixed_variance + answer_variance)
    share = answer_variance / (answer_variance + unmixed_variance)
    share = share * np.exp(-0.5 * np.maximum(apart.max(axis=2, keepdims=True) - 4.0, 0.0))
    joined = encoding.encode((background + share * (unmixed - background)).astype(np.float32))
    joined = _within_surroundings(joined, answer, plate, alpha, noise)
    left = np.square(1.0 - share) * answer_variance + np.square(share) * unmixed_variance
    left = left / np.square(slope * (np.abs(background) + encoding.TOE))
    variance = np.where(soft, left.mean(axis=2), variance).astype(np.float32)
    return Unmixed(np.where(soft[:, :, None], joined, answer).astype(np.float32), variance)


def _within_surroundings(
    joined: Float32Array, answer: Float32Array, plate: Float32Array, alpha: Float32Array, noise: float
) -> Float32Array:
    """Hold un-mixed pixels within the range of the background around them, (h, w, 3) encoded.

    The edge of an object may have another colour than the object beside it: the lit rim of a glass, hair
    against the light. Solved with the wrong foreground, such a pixel is brighter or darker than all that is
    around it, which a glance finds as a dotted line. The less of the background a pixel shows, the less it
    may leave the range of its neighbours.
    """
    around = np.where((alpha > 0)[:, :, None], answer, encoding.encode(plate))
    square = opencv.square(2 * _RANGE_PX + 1)
    room = np.float32(2.0 * noise) + np.float32(_RANGE_ROOM) * (1.0 - alpha) / np.maximum(alpha, 0.01)
    least = -opencv.dilate_values(-around, square) - room[:, :, None]
    most = opencv.dilate_values(around, square) + room[:, :, None]
    return np.asarray(np.clip(joined, least, most), np.float32)
