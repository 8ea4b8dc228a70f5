"""The log-like encoding in which propagation compares, warps and averages pixels.

In scene-linear light a highlight of 20 rings when it is sampled with a sharp kernel and dominates every mean.
In the encoding a photographic stop is about the same step everywhere, negative values keep their sign, and
decoding is exact to float precision. "Encoded" in this package always means this encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array

TOE = 0.02
"""Scene-linear value around which the encoding turns from linear to logarithmic."""
STOPS = 5.7
"""Stops from the toe to 1.0, so that 1.0 encodes to about 1."""
LARGEST = 60000.0
"""Magnitudes beyond this (half float ends at 65504) are clipped before they are encoded."""
LUMA = np.array([0.25, 0.6, 0.15], np.float32)
"""The weights of red, green and blue in :func:`luma`."""


def encode(linear: Float32Array) -> Float32Array:
    """Encode scene-linear values of any shape: ``sign(x) log2(1 + |x| / 0.02) / 5.7``."""
    magnitude = np.abs(linear)
    np.minimum(magnitude, np.float32(LARGEST), out=magnitude)
    magnitude *= np.float32(1.0 / TOE)
    magnitude += np.float32(1.0)
    magnitude = _each(cv2.log, magnitude)
    magnitude *= np.float32(1.0 / (STOPS * np.log(2.0)))
    return np.copysign(magnitude, linear, out=magnitude)


def decode(encoded: Float32Array) -> Float32Array:
    """Decode values of any shape back to scene-linear."""
    magnitude = np.abs(encoded)
    magnitude *= np.float32(STOPS * np.log(2.0))
    np.minimum(magnitude, np.float32(np.log1p(LARGEST / TOE)), out=magnitude)
    magnitude = _each(cv2.exp, magnitude)
    magnitude -= np.float32(1.0)
    magnitude *= np.float32(TOE)
    return np.copysign(magnitude, encoded, out=magnitude)


def to_display(encoded: Float32Array) -> Float32Array:
    """Turn encoded values of any shape into codes that differ about as much as a display shows it.

    The encoding is steeper in the darks than the curve of a display, so means of encoded values are darker
    than an eye would make them. ``E (1 + |E|) / 2`` is near that curve and quickly inverted.
    """
    codes = np.abs(encoded)
    codes += np.float32(1.0)
    codes *= encoded
    codes *= np.float32(0.5)
    return codes


def from_display(codes: Float32Array) -> Float32Array:
    """Turn codes that :func:`to_display` made back into encoded values."""
    encoded = np.abs(codes)
    encoded *= np.float32(8.0)
    encoded += np.float32(1.0)
    np.sqrt(encoded, out=encoded)
    encoded -= np.float32(1.0)
    encoded *= np.float32(0.5)
    return np.copysign(encoded, codes, out=encoded)


def _each(function: Callable[[Float32Array], NDArray[Any]], values: Float32Array) -> Float32Array:
    """Apply OpenCV's logarithm or exponential to every value.

    It is thirty times as fast as numpy's log1p and expm1. The rounding near 1 loses 1e-9 of scene-linear
    light, far below the steps of half float.
    """
    if not values.size:
        return values
    return np.asarray(function(values.reshape(1, -1)), np.float32).reshape(values.shape)


def luma(encoded: Float32Array) -> Float32Array:
    """The brightness, (H, W), of an encoded (H, W, 3) picture."""
    return opencv.transform(encoded, LUMA[None, :]).reshape(encoded.shape[:2])


def eight_bit(brightness: Float32Array, visible: BoolArray) -> Uint8Array:
    """Stretch brightness (H, W) so that the visible pixels fill the byte range (1st to 99th percentile).

    A range of less than 0.05 encoded units is not amplified further, since noise would look like texture.
    """
    sample = brightness[::2, ::2][visible[::2, ::2]]
    if sample.size < 16:
        sample = brightness.reshape(-1)
    low, high = np.percentile(sample, (1.0, 99.0))
    scale = 235.0 / max(float(high - low), 0.05)
    stretched = (brightness - np.float32(low)) * np.float32(scale) + np.float32(10.0)
    return np.asarray(np.clip(np.rint(stretched), 0, 255), np.uint8)
