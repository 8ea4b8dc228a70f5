"""Clamps the fine detail of thin fills to the level that the plate has beside them."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.opencv import laplacian
from void_engine.propagation import encoding, pyramid

_AROUND_PX = 7.0
"""Blur radius over which the level of detail is averaged."""
_STEPS = 12
"""The number of conjugate gradient steps."""
_UNDERESTIMATE = 2.0
"""The factor by which squared errors inside a thin hole exceed those measured beside it."""
_MOST = 1.1
"""The most detail that may stay at any pixel, relative to the level beside the hole."""
_LEAST = 0.85
"""The least energy of detail that must stay over the whole hole, relative to the most that may: places with
too much detail make up for places with too little."""
_LEAST_POWER = np.float32(1e-7)


def clamp_detail(answer: Float32Array, hole: BoolArray, variance: Float32Array) -> Float32Array:
    """Smooth detail of ``answer`` that is sharper than the plate beside it, as far as it may be wrong.

    The most likely picture minimises ``(x - answer)^2 / variance + (Laplacian x)^2 / level``, where the level
    is the plate's mean squared Laplacian nearby. This is the thin-plate prior of Terzopoulos ("Regularization
    of inverse visual problems involving discontinuities", 1986) with both weights measured. The minimum is
    found by a fixed number of conjugate gradient steps. As a mean of all likely pictures it is too smooth, so
    only as much of the change is made as brings fine detail down to the level.

    Args:
        answer: (h, w, 3) encoded; the plate outside the hole.
        hole: (h, w) the pixels that are replaced.
        variance: (h, w) expected squared error of a channel; 0 where the pixel is to stay as it is.

    Returns:
        (h, w, 3) encoded.
    """
    free = (variance > 0) & hole
    if not free.any():
        return answer
    beside = (~opencv.dilate(hole, opencv.square(3))).astype(np.float32)
    detail = _detail_around(np.square(laplacian(answer)).mean(axis=2), beside)
    change = _smoothing(answer, free, variance * np.float32(_UNDERESTIMATE), detail)
    inside = free.astype(np.float32)
    before, taken = laplacian(encoding.luma(answer)), laplacian(encoding.luma(change))
    smooth = before + taken
    most = np.float32(_MOST**2) * _detail_around(np.square(before), beside)
    # When a share s of the change is undone, detail has the energy
    # |smooth|^2 - 2 s smooth.taken + s^2 |taken|^2.
    room = most - _local(np.square(smooth), inside)
    along, power = _local(smooth * taken, inside), np.maximum(_local(np.square(taken), inside), 1e-12)
    undone = (along + np.sqrt(np.square(along) + power * np.maximum(room, 0.0))) / power
    made = np.where(room > 0, 1.0 - np.clip(undone, 0.0, 1.0), 1.0).astype(np.float32)
    made *= _share_that_leaves(before[free], (made * taken)[free], float(most[free].sum()) * _LEAST)
    return np.asarray(answer + made[:, :, None] * change, np.float32)


def _share_that_leaves(before: Float32Array, taken: Float32Array, energy: float) -> np.float32:
    """The largest factor in 0..1 with which ``taken``, added to the detail ``before``, leaves ``energy``."""
    whole, along, power = (
        float(np.einsum("i,i->", first, second, dtype=np.float64))
        for first, second in ((before, before), (before, taken), (taken, taken))
    )
    if power <= 0 or whole + 2.0 * along + power >= energy:
        return np.float32(1.0)
    if whole <= energy:
        return np.float32(0.0)
    root = along * along - power * (whole - energy)
    return np.float32(np.clip((-along - np.sqrt(root)) / power, 0.0, 1.0))


def _smoothing(
    answer: Float32Array, free: BoolArray, variance: Float32Array, detail: Float32Array
) -> Float32Array:
    """The change, (h, w, 3), from the answer to the most likely picture; 0 where not ``free``."""
    keep = _three_channels(free.astype(np.float32))
    fidelity = keep / _three_channels(np.maximum(variance, np.float32(1e-8)))
    stiffness = _three_channels(np.float32(1.0) / (detail + _LEAST_POWER))
    change = np.zeros_like(answer)
    left: Float32Array = np.asarray(-laplacian(laplacian(answer) * stiffness) * keep, np.float32)
    scaling = keep / (fidelity + np.float32(20.0) * stiffness)
    prepared: Float32Array = np.asarray(scaling * left, np.float32)
    direction, power = prepared, _dot(left, prepared)
    for _ in range(_STEPS):
        bent = laplacian(laplacian(direction) * stiffness)
        moved = np.asarray((fidelity * direction + bent) * keep, np.float32)
        length = _dot(direction, moved)
        if power <= 1e-12 or length <= 0:
            break
        step = np.float32(power / length)
        change += step * direction
        left = np.asarray(left - step * moved, np.float32)
        prepared = np.asarray(scaling * left, np.float32)
        before, power = power, _dot(left, prepared)
        direction = np.asarray(prepared + np.float32(power / before) * direction, np.float32)
    return change


def _three_channels(plane: Float32Array) -> Float32Array:
    """Repeat a plane for three channels, since numpy broadcasts slowly along a short last axis."""
    return opencv.merge([plane] * 3)


def _detail_around(power: Float32Array, beside: Float32Array) -> Float32Array:
    """The mean of ``power`` over visible pixels around each pixel."""
    level, support = pyramid.weighted_blur(power, beside, _AROUND_PX)
    return pyramid.push_pull(level, np.clip(support * 20.0, 0.0, 1.0).astype(np.float32))


def _local(values: Float32Array, inside: Float32Array) -> Float32Array:
    return pyramid.weighted_blur(values, inside, _AROUND_PX)[0]


def _dot(first: Float32Array, second: Float32Array) -> float:
    return float(np.einsum("ijk,ijk->", first, second, dtype=np.float64))
