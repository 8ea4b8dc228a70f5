"""Gain matching: corrects a source frame's pixels for the target's exposure, flicker and changes of light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import cross_validation, encoding, pyramid

_SMALLEST_GAIN_STEP = 0.01
"""A gain that differs from 1 by less than this is noise."""
_BRIGHT = 0.03
"""Scene-linear value from which a pixel is exposed well enough to measure a gain."""
_SLOW_PX = 6.0
"""Blur radius above which a difference counts as slowly varying."""
_COARSER = 3
"""The offset is computed on a picture this many times smaller."""
_BLOCK_PX = 24
"""Side of the blocks of the cross-validation."""
_ODD_FROM, _LEAST_USUAL = 6.0, 0.003
"""A difference of so many times the median, which is at least the second, encoded, counts half."""
_MOST_SAMPLES = 10_000
"""The most pixels from which a median is taken."""


@dataclass(frozen=True, slots=True)
class GainMatch:
    """A correction of one source: ``encode(gain * linear) + offset``."""

    gain: Float32Array
    """(3,): the gain of each channel in scene-linear light."""
    offset: Float32Array
    """(h, w, 3): a slowly varying offset, in encoded units."""
    noise: float
    """The robust standard deviation, encoded, between target and corrected source around the hole."""

    @property
    def changes(self) -> bool:
        """Whether the source is corrected at all."""
        return bool(self.offset.any()) or bool((self.gain != 1.0).any())


def match_gain(
    target: Float32Array,
    source: Float32Array,
    weight: Float32Array,
    shape: tuple[int, int] | None = None,
) -> GainMatch:
    """Measure the gain and the slowly varying offset that bring ``source`` to ``target``.

    Args:
        target: (h, w, 3) encoded, the target's pixels.
        source: (h, w, 3) encoded, the source warped to the target.
        weight: (h, w) in 0..1, above 0 only where both show the same background, larger near the hole.
        shape: (rows, columns) of the offset, when the arguments are every other pixel of a larger picture;
            None for the size of the arguments.
    """
    shape = shape or (weight.shape[0], weight.shape[1])
    gain = _gain(target, source, weight > 0.05)
    difference = np.clip(target - source, -0.35, 0.35)
    if not np.array_equal(gain, np.ones(3, np.float32)):
        source = encoding.encode(encoding.decode(source) * gain)
        difference = np.clip(target - source, -0.35, 0.35)
    offset = _offset(difference, _without_odd(difference, weight), shape)
    sample = np.flatnonzero((weight > 0.3).reshape(-1))
    sample = sample[:: max(1, len(sample) // _MOST_SAMPLES)]
    left = difference.reshape(-1, 3)[sample]
    if offset is None:
        offset = np.zeros((*shape, 3), np.float32)
    else:
        left = left - opencv.resize(offset, weight.shape).reshape(-1, 3)[sample]
        offset = opencv.resize(offset, shape)
    noise = float(1.48 * np.median(np.abs(left))) if left.size > 30 else 0.02
    return GainMatch(gain, offset, max(noise, 0.001))


def _without_odd(difference: Float32Array, weight: Float32Array) -> Float32Array:
    """The ``weight``, lower where the difference is far from usual: something moves by itself there.

    Light changes smoothly and by little, once the gain is right; a thing that is in one of the frames only
    would darken or colour all that lies near it.
    """
    size = np.asarray(np.abs(difference).max(axis=2), np.float32)
    sample = np.flatnonzero((weight > 0.05).reshape(-1))
    if not sample.size:
        return weight
    usual = np.median(size.reshape(-1)[sample[:: max(1, len(sample) // _MOST_SAMPLES)]])
    tolerance = np.float32(_ODD_FROM * max(float(usual), _LEAST_USUAL))
    return np.asarray(weight / (1.0 + np.square(np.square(size / tolerance))), np.float32)


def _offset(difference: Float32Array, weight: Float32Array, shape: tuple[int, int]) -> Float32Array | None:
    """The slowly varying part of the weighted ``difference``, continued to where it has no weight.

    It is scaled down as far as cross-validation finds that it does not predict; None when it predicts
    nothing. It is computed on a picture smaller than ``shape``, because it holds nothing finer than the blur.
    """
    rows, columns = shape
    coarser = _COARSER if min(shape) >= 4 * _COARSER else 1
    small = (rows // coarser, columns // coarser)
    total = opencv.resize(weight, small, opencv.AREA)
    summed = opencv.resize(pyramid.times(difference, weight), small, opencv.AREA)
    mean = pyramid.times(summed, np.reciprocal(np.maximum(total, np.float32(1e-4))))
    sigma = _SLOW_PX * small[1] / columns

    def slow(part: Float32Array, known: Float32Array) -> Float32Array:
        blurred, support = pyramid.weighted_blur(part, known, sigma)
        firm = np.clip(support * np.float32(12.0), 0.0, 1.0).astype(np.float32)
        return opencv.gaussian_blur(pyramid.push_pull(blurred, firm), sigma * 0.7)

    factor = cross_validation.shrinkage_factor(mean, total, _BLOCK_PX // coarser, slow)
    return slow(mean, total) * np.float32(factor) if factor else None


def _gain(target: Float32Array, source: Float32Array, both: BoolArray) -> Float32Array:
    """The median ratio of well exposed pixels in linear light, (3,); ones where it is unneeded or unknown."""
    step = max(1, both.size // _MOST_SAMPLES)
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
