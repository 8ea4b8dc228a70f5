"""The encoding in which a verdict compares pixels: steps of the same size are about equally visible.

It is a square root with a short straight toe, relative to the shot's own brightness, so that dark scenes and
HDR plates are measured alike. The noise of a camera, which grows with the square root of light, is about
even in it. "Encoded" in this package always means this encoding.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.spread import evenly_spread

_TOE = 0.02
"""Where the straight toe turns into the square root, as a fraction of the shot's brightness."""
_DARKEST = 1e-4
"""The least brightness of a shot: below it there is no picture to be measured."""
_LARGEST = 1e6
"""Magnitudes beyond this are clipped; half float ends at 65504."""
_SAMPLES = 20000
_SAMPLED_FRAMES = 5


def sampled_places(count: int) -> list[int]:
    """The places, counted from 0, of the few of ``count`` frames that tell a shot's brightness."""
    return evenly_spread(range(count), _SAMPLED_FRAMES)


def shot_brightness(pictures: Iterable[tuple[Float32Array, BoolArray]]) -> float:
    """The brightness that a shot's pixels are encoded relative to: the median of what is light at all.

    Args:
        pictures: some frames of the plate, (H, W, 3), each with the mask of what belongs to the object.
    """
    found = []
    for picture, hidden in pictures:
        step = max(1, int(np.sqrt(hidden.size / _SAMPLES)))
        grey = picture[::step, ::step].mean(axis=2)
        shown = grey[~hidden[::step, ::step]]
        shown = shown if shown.size else grey.reshape(-1)
        shown = shown[np.isfinite(shown) & (shown > 0)]
        if shown.size:
            found.append(float(np.median(shown)))
    return max(_DARKEST, float(np.median(found))) if found else 1.0


def encode(linear: Float32Array, brightness: float) -> Float32Array:
    """Encode scene-linear values: ``sign(x) (sqrt(|x| / brightness + 0.02) - sqrt(0.02))``.

    What is not a number becomes 0, so that no measure is spoilt by it; it is reported by itself.
    """
    values = np.nan_to_num(np.asarray(linear, np.float32), nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
    magnitude = np.minimum(np.abs(values), np.float32(_LARGEST))
    magnitude *= np.float32(1.0 / brightness)
    magnitude += np.float32(_TOE)
    magnitude = np.asarray(cv2.sqrt(magnitude.reshape(1, -1)), np.float32).reshape(values.shape)
    magnitude -= np.float32(np.sqrt(_TOE))
    return np.copysign(magnitude, values, out=magnitude)
