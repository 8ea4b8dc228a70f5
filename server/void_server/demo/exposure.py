"""Turns light into a photographed frame: lays the object over the set, and adds grain."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_server.demo.ball import ObjectLayer
from void_server.demo.garage import Background

_SHOT_NOISE = 1.1e-4
"""Variance of the grain for one unit of light. With the read noise below this makes about 3 % at middle
grey."""
_READ_NOISE = 0.0014
"""Standard deviation of the grain in the dark. It takes the deepest blacks below zero."""
_GRAIN_SOFTNESS_PX = 0.5
_CHANNEL_GRAIN = np.array([1.0, 0.85, 1.35], dtype=np.float32)
_INVISIBLE = 1.0 / 512.0
"""Coverage and shadow below this count as none, so that the object has a definite extent."""


def grain_field(shape: tuple[int, int], seed: int, index: int) -> Float32Array:
    """Return the grain of one frame at a standard deviation of 1, (H, W, 3). It is a little soft, as on
    film."""
    random = np.random.default_rng([seed, 0, index])
    field = random.standard_normal((*shape, 3), dtype=np.float32)
    kernel = cv2.getGaussianKernel(5, _GRAIN_SOFTNESS_PX)
    field = cv2.sepFilter2D(field, -1, kernel, kernel) / np.float32(np.sum(kernel * kernel))
    return np.asarray(field * _CHANNEL_GRAIN, dtype=np.float32)


def exposed(light: Float32Array, grain: Float32Array) -> Float32Array:
    """Add signal-dependent grain to ``light``. The same light and grain give the same bits."""
    deviation = np.sqrt(np.float32(_SHOT_NOISE) * light + np.float32(_READ_NOISE**2))
    return np.asarray(light + grain * deviation, dtype=np.float32)


def with_object(
    background: Background, truth: Float32Array, grain: Float32Array, layer: ObjectLayer, distance_m: float
) -> tuple[Float32Array, Float32Array]:
    """Return the frame with the object in it, and its depth.

    Args:
        background: the set without grain.
        truth: the set with grain. Its bits stay wherever the layer shows nothing.
        grain: the grain that ``truth`` has.
        layer: the object and its shadow.
        distance_m: how far away the object is, in metres.
    """
    window = (layer.rows, layer.columns)
    coverage = layer.ball[..., 3]
    shade = np.where(layer.shade < _INVISIBLE, 0.0, layer.shade)
    shadowed = background.picture[window] * (1.0 - shade)
    light = shadowed * (1.0 - coverage[..., None]) + layer.ball[..., :3]
    changed = (coverage >= _INVISIBLE) | (shade.max(axis=-1) > 0)
    plate, depth = truth.copy(), background.depth.copy()
    refilmed = exposed(light.astype(np.float32), grain[window])
    plate[window] = np.where(changed[..., None], refilmed, truth[window])
    depth[window] = np.where(coverage > 0.5, np.float32(distance_m), depth[window])
    return plate, depth
