"""Push-pull interpolation on a pyramid, which turns scattered, weighted samples into a smooth field."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array

_TINY = np.float32(1e-6)


def push_pull(values: Float32Array, weight: Float32Array) -> Float32Array:
    """Keep ``values`` where ``weight`` is 1, continue them smoothly where it is 0, and blend between.

    This is the push-pull of Gortler et al., "The Lumigraph" (SIGGRAPH 1996), section 4.

    Args:
        values: (H, W) or (H, W, C), C at most 4; ignored (but must be finite) where the weight is 0.
        weight: (H, W) in 0..1.

    Returns:
        The same shape as ``values``; all zeros when no weight is above 0.
    """
    planes = values if values.ndim == 3 else values[:, :, None]
    levels: list[tuple[Float32Array, Float32Array]] = []
    weighted, known = times(planes, weight), weight
    while True:
        levels.append((weighted, known))
        if min(known.shape) <= 2:
            break
        weighted = _planes(opencv.pyramid_down(weighted))
        # Confidence grows on the way up, since a coarse cell with one good sample is as good as known.
        known = opencv.pyramid_down(known)
        gain = np.minimum(np.float32(1.0) / np.maximum(known, _TINY), np.float32(3.0))
        weighted = times(weighted, gain)
        known = np.minimum(known * gain, np.float32(1.0))
    top, top_known = levels[-1]
    total = float(top_known.sum())
    mean = top.sum(axis=(0, 1)) / np.float32(max(total, 1e-6))
    result = top + (1.0 - top_known[:, :, None]) * mean
    for weighted, known in reversed(levels[:-1]):
        result = _planes(opencv.pyramid_up(result, known.shape))
        result = times(result, np.float32(1.0) - known)
        result += weighted
    return np.ascontiguousarray(result.reshape(values.shape), dtype=np.float32)


def weighted_blur(
    values: Float32Array, weight: Float32Array, sigma: float
) -> tuple[Float32Array, Float32Array]:
    """The Gaussian mean of the weighted samples around each pixel, and the weight that it rests on.

    Returns:
        The mean, shaped as ``values`` (0 where there is no weight nearby), and the blurred weight (H, W).
    """
    planes = values if values.ndim == 3 else values[:, :, None]
    summed = _planes(opencv.gaussian_blur(times(planes, weight), sigma))
    total = opencv.gaussian_blur(weight, sigma)
    mean = times(summed, np.reciprocal(np.maximum(total, np.float32(1e-4))))
    return np.asarray(mean.reshape(values.shape), np.float32), total


def times(planes: Float32Array, weight: Float32Array) -> Float32Array:
    """Multiply each plane of (H, W, C), C at most 4, by ``weight`` (H, W).

    OpenCV does it, because numpy broadcasts slowly along a last axis of two or three.
    """
    count = planes.shape[2]
    return _planes(np.asarray(cv2.multiply(planes, weight if count == 1 else opencv.merge([weight] * count))))


def _planes(picture: Float32Array) -> Float32Array:
    """Restore the channel axis that OpenCV drops from single-channel pictures."""
    return picture if picture.ndim == 3 else picture[:, :, None]
