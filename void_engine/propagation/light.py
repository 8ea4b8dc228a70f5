"""Light: what must be done to a source's pixels so that they fit the target's exposure and flicker."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from void_engine.engines.interface import Float32Array
from void_engine.propagation import encoding, pyramid, trust
from void_engine.propagation.working_set import BoolArray

_SMALLEST_GAIN_STEP = 0.01
"""Gains nearer to 1 than this are noise."""
_BRIGHT = 0.03
_SLOW_PX = 6.0
_COARSER = 3
_BLOCK_PX = 24


@dataclass(frozen=True, slots=True)
class Light:
    """A correction of one source: ``encode(gain * linear) + offset``."""

    gain: Float32Array
    """(3,) in scene-linear light."""
    offset: Float32Array
    """(h, w, 3) in the encoding, slowly varying."""
    noise: float
    """Robust deviation, in the encoding, between target and corrected source around the hole."""


def match(target: Float32Array, source: Float32Array, weight: Float32Array) -> Light:
    """Gain and slowly varying offset that bring ``source`` to ``target``.

    Args:
        target: (h, w, 3) encoded, the target's pixels.
        source: (h, w, 3) encoded, the source warped to the target.
        weight: (h, w) in 0..1, above 0 only where both show the same background (nearer to the hole, more).
    """
    gain = _gain(target, source, weight > 0.05)
    difference = np.clip(target - source, -0.35, 0.35)
    if not np.array_equal(gain, np.ones(3, np.float32)):
        source = encoding.encode(encoding.decode(source) * gain)
        difference = np.clip(target - source, -0.35, 0.35)
    trusted = trust.share(difference, weight, _BLOCK_PX, _slow)
    offset = _slow(difference, weight) * np.float32(trusted) if trusted else np.zeros_like(difference)
    left = np.abs(difference - offset)[weight > 0.3]
    noise = float(1.48 * np.median(left)) if left.size > 30 else 0.02
    return Light(gain, offset, max(noise, 0.001))


def _slow(difference: Float32Array, weight: Float32Array) -> Float32Array:
    """The slowly varying part of the weighted ``difference``, continued to where it has no weight.

    Worked out on a smaller picture: nothing finer than the blur is in it.
    """
    rows, columns = weight.shape
    step = _COARSER if min(rows, columns) >= 4 * _COARSER else 1
    size = (columns // step, rows // step)
    sigma = _SLOW_PX * size[0] / columns
    total = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32)
    summed = cv2.resize(difference * weight[:, :, None], size, interpolation=cv2.INTER_AREA)
    mean = np.asarray(summed / np.maximum(total, np.float32(1e-4))[:, :, None], np.float32)
    slow, support = pyramid.smooth(mean, total, sigma)
    known = np.clip(support * 12.0, 0.0, 1.0).astype(np.float32)
    offset = cv2.GaussianBlur(pyramid.fill(slow, known), (0, 0), sigma * 0.7)
    return np.asarray(cv2.resize(offset, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def _gain(target: Float32Array, source: Float32Array, both: BoolArray) -> Float32Array:
    """(3,) median ratio of well exposed pixels in linear light; ones where it is not needed or not known."""
    step = max(1, both.size // 10_000)
    sample = np.flatnonzero(both.reshape(-1))[::step]
    first, second = target.reshape(-1, 3)[sample], source.reshape(-1, 3)[sample]
    least = encoding.encode(np.array([_BRIGHT], np.float32))[0]
    darkest = np.minimum(first, second)
    bright = (darkest[:, 0] > least) & (darkest[:, 1] > least) & (darkest[:, 2] > least)
    if int(bright.sum()) < 200:
        return np.ones(3, np.float32)
    linear_first, linear_second = encoding.decode(first[bright]), encoding.decode(second[bright])
    gain = np.median(linear_first / linear_second, axis=0)
    gain = np.clip(gain, 0.125, 8.0).astype(np.float32)
    if np.abs(gain - 1.0).max() < _SMALLEST_GAIN_STEP:
        return np.ones(3, np.float32)
    return np.asarray(gain, np.float32)
