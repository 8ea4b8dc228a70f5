"""How bright a shot is, so that the model sees a picture of sane exposure.

One gain for the whole shot: a gain that moved with the frames would make the result flicker.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Log-average luminances that ordinary graded pictures have; a shot inside is left as it is.
DARKEST_KEY = 0.04
BRIGHTEST_KEY = 0.32
_DARKEST = 1e-4
_STEPS_A_STOP = 8


@dataclass(frozen=True, slots=True)
class ShotLight:
    """What was measured over all frames of a shot, in linear Rec.709."""

    key: float
    """Log-average luminance of the pixels that stay."""
    peak: float
    """The brightest value of any channel of any pixel."""


class LightMeter:
    """Gathers :class:`ShotLight` frame by frame."""

    def __init__(self) -> None:
        self._logs = 0.0
        self._count = 0
        self._peak = 0.0

    def add(self, picture: Float32Array, stays: BoolArray) -> None:
        """Measure one frame.

        Args:
            picture: (H, W, 3) linear Rec.709, finite.
            stays: (H, W), False where the picture is to be replaced: what goes does not set the exposure.
        """
        self._peak = max(self._peak, float(picture.max(initial=0)))
        luminance = (picture @ _LUMINANCE)[stays]
        # True black (letterbox, outside the frame) says nothing about exposure.
        luminance = luminance[luminance > _DARKEST]
        self._logs += float(np.log(luminance, dtype=np.float64).sum())
        self._count += luminance.size

    def light(self) -> ShotLight:
        """What the frames so far add up to; a shot of true black has the key of the darkest grey."""
        key = math.exp(self._logs / self._count) if self._count else _DARKEST
        return ShotLight(key, self._peak)


def exposure_stops(light: ShotLight) -> float:
    """Stops to add before the curve: 0 for ordinary shots, else what brings the key to the nearest limit.

    In steps of an eighth of a stop, and within 10 stops either way.
    """
    if DARKEST_KEY <= light.key <= BRIGHTEST_KEY:
        return 0.0
    target = DARKEST_KEY if light.key < DARKEST_KEY else BRIGHTEST_KEY
    stops = round(math.log2(target / light.key) * _STEPS_A_STOP) / _STEPS_A_STOP
    return min(10.0, max(-10.0, stops))


def measure(frames: Iterable[tuple[Float32Array, BoolArray]]) -> ShotLight:
    """:class:`LightMeter` over pairs of picture and ``stays``."""
    meter = LightMeter()
    for picture, stays in frames:
        meter.add(picture, stays)
    return meter.light()
