"""Whether a result flickers, or jumps, against its neighbours in time.

Each neighbouring frame is moved to where the result's own motion has it, and what is left over inside the
hole is compared with what is left over around it, where only the scene, its grain and the errors of the
motion are. What differs from both neighbours in the same way is a flicker or a pop; an object that passes
differs from one of them only.

In calibration a flicker of 5 % was told in two thirds of the frames and more, shards in every other frame in
three quarters of those that had them; docs/check.md has the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.quality.cells import cell_means, cell_shares, gradients
from void_engine.quality.channels import largest_of, mean_of

CHANNELS = ("red", "green", "blue")
_SIDE = 8
_LEAST_RING_CELLS = 12
_LEAST_FLICKER = 0.004
"""A change of a whole hole below this, in encoded light, is not seen."""


def steadiness(
    result: Float32Array,
    others: Sequence[Float32Array],
    known: BoolArray,
    hole: BoolArray,
    around: BoolArray,
) -> Mapping[str, float]:
    """Measure one frame against its neighbours.

    Args:
        result: the frame, (h, w, 3), encoded.
        others: the one or two neighbours, moved to it.
        known: the pixels that all neighbours show.
        hole: the pixels that were replaced.
        around: pixels that were replaced in none of these frames.
    """
    if min(hole.shape) < _SIDE:
        return {}
    inside = cell_shares(hole & known, _SIDE)
    own = inside > 0.6
    if not own.any():
        own = inside > 0.3
    ring = cell_shares(around & known, _SIDE) > 0.9
    if not own.any() or ring.sum() < _LEAST_RING_CELLS:
        return {}
    steep = np.minimum.reduce([cell_means(gradients(one), _SIDE) for one in (result, *others)])
    left = [result - other for other in others]
    change = [cell_means(one, _SIDE) for one in left]
    both = np.asarray(sum(change) / len(change), np.float32)
    size = np.minimum.reduce([cell_means(mean_of(np.abs(opencv.box_blur(one, 3))), _SIDE) for one in left])
    found = _flicker("flicker", both, steep, own, ring)
    if len(change) > 1:
        found |= _flicker("change", change[0], steep, own, ring)
        found |= _drift(change[0], change[1], steep, own, ring)
    tolerance = np.float32(0.010) + np.float32(0.3) * steep
    found |= _outliers("jump", size / tolerance, own, ring)
    found |= _outliers("pop", largest_of(np.abs(both)) / tolerance, own, ring)
    return found


def oddity(
    result: Float32Array,
    expected: Sequence[Float32Array],
    known: BoolArray,
    hole: BoolArray,
    around: BoolArray,
) -> Mapping[str, float]:
    """Measure how far a frame is from what its two neighbours agree on.

    Where they disagree, as in front of what moves, nothing is expected. So an odd frame among good ones is
    told from a busy scene.

    Args:
        result: the frame, (h, w, 3), encoded.
        expected: the frame before and the frame after, each moved half of the way to the other.
        known: the pixels that both show.
        hole: the pixels that were replaced.
        around: pixels that were replaced in none of these frames.
    """
    if min(hole.shape) < _SIDE:
        return {}
    own, ring = cell_shares(hole & known, _SIDE) > 0.6, cell_shares(around & known, _SIDE) > 0.9
    if not own.any() or ring.sum() < _LEAST_RING_CELLS:
        return {}
    before, after = expected
    disagreement = cell_means(largest_of(np.abs(opencv.box_blur(before - after, 3))), _SIDE)
    steep = np.minimum(cell_means(gradients(before), _SIDE), cell_means(gradients(after), _SIDE))
    off = [cell_means(largest_of(np.abs(opencv.box_blur(result - one, 3))), _SIDE) for one in expected]
    doubt = np.asarray(np.float32(1.5) * disagreement + np.float32(0.3) * steep, np.float32)
    relative = np.asarray(np.minimum(*off) / (np.float32(0.010) + doubt), np.float32)
    swing = cell_means(result - np.float32(0.5) * (before + after), _SIDE)
    return _outliers("odd", relative, own, ring) | _flicker("swing", swing, doubt, own, ring)


def _flicker(
    name: str, change: Float32Array, steep: Float32Array, own: BoolArray, ring: BoolArray
) -> dict[str, float]:
    """How much the hole as a whole changes, and how many times as much as areas of its size around it."""
    weight = 1.0 / (0.01 + 0.5 * steep) ** 2
    most = strangest = widest = 0.0
    for channel in range(3):
        one = change[..., channel]
        off = np.clip(one - np.median(one[ring]), -0.3, 0.3)
        usual = _area_spread(off, weight, own, ring)
        here = abs(float((off[own] * weight[own]).sum() / weight[own].sum()))
        middle = abs(_weighted_median(off[own], weight[own]))
        scale = float(np.hypot(usual, _LEAST_FLICKER))
        most = max(most, here)
        strangest = max(strangest, here / scale)
        widest = max(widest, min(here, middle) / scale)
    return {f"{name}.size": most, f"{name}.times": strangest, f"{name}.whole": widest}


def _drift(
    before: Float32Array, after: Float32Array, steep: Float32Array, own: BoolArray, ring: BoolArray
) -> dict[str, float]:
    """The change of the hole from frame to frame against its surroundings', with its sign, for each channel,
    and the usual size of such a change: ``drift.red`` and ``drift.red.usual``."""
    weight = 1.0 / (0.01 + 0.5 * steep) ** 2
    # What rises steadily is above the frame before it and below the one after it.
    rise = np.float32(0.5) * (before - after)
    found = {}
    for channel, name in enumerate(CHANNELS):
        off = np.clip(rise[..., channel] - np.median(rise[..., channel][ring]), -0.1, 0.1)
        found[f"drift.{name}"] = _weighted_median(off[own], weight[own])
        found[f"drift.{name}.usual"] = _area_spread(off, weight, own, ring)
    return found


def _area_spread(off: Float32Array, weight: Float32Array, own: BoolArray, ring: BoolArray) -> float:
    """The usual size of means over areas of the hole's size around it."""
    side = max(1, round(float(own.sum()) ** 0.5))
    share = opencv.box_blur(ring.astype(np.float32), side)
    total = opencv.box_blur(np.where(ring, off * weight, 0).astype(np.float32), side)
    held = opencv.box_blur(np.where(ring, weight, 0).astype(np.float32), side)
    elsewhere = (total / np.maximum(held, 1e-6))[share > 0.5]
    return float(np.sqrt((elsewhere**2).mean())) if elsewhere.size > 2 else float(off[ring].std())


def _weighted_median(values: Float32Array, weights: Float32Array) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, 0.5 * share[-1])])


def _outliers(name: str, relative: Float32Array, own: BoolArray, ring: BoolArray) -> dict[str, float]:
    """How far the cells of the hole stand out of those around it."""
    inside, outside = relative[own], relative[ring]
    usual = max(float(np.percentile(outside, 97)), 0.8)
    return {
        f"{name}.share": float((inside > usual).mean()),
        f"{name}.far": float((inside > 1.5 * usual).mean()),
        f"{name}.mean": float(inside.mean() / (outside.mean() + 0.2)),
        f"{name}.high": float(np.percentile(inside, 90) / (np.percentile(outside, 90) + 0.3)),
    }
