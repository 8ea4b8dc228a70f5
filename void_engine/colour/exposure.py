"""Measures how bright a shot is and chooses the exposure at which a model sees it.

The whole shot gets one gain, since a gain that changed from frame to frame would make the result flicker.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Ordinary graded pictures have a log-average luminance in this range; such a shot is not exposed anew.
DARKEST_KEY = 0.04
BRIGHTEST_KEY = 0.32
_DARKEST = 1e-4
"""Luminance below which a pixel counts as true black and is not measured."""
_STEPS_A_STOP = 8
"""Exposures are rounded to this many steps of a stop."""


@dataclass(frozen=True, slots=True)
class ShotLight:
    """The brightness of a shot, measured over all its frames in linear Rec.709."""

    key: float
    """The log-average luminance of the pixels that stay."""
    peak: float
    """The brightest value of any channel of any pixel."""


class LightMeter:
    """Measures the :class:`ShotLight` of a shot frame by frame."""

    def __init__(self) -> None:
        self._logs = 0.0
        self._count = 0
        self._peak = 0.0

    def add(self, picture: Float32Array, stays: BoolArray) -> None:
        """Measure one frame.

        Args:
            picture: (H, W, 3) linear Rec.709, finite.
            stays: (H, W), False where the picture is to be replaced; those pixels do not set the exposure.
        """
        self._peak = max(self._peak, float(picture.max(initial=0)))
        luminance = (picture @ _LUMINANCE)[stays]
        # True black (a letterbox, the outside of the frame) says nothing about exposure.
        luminance = luminance[luminance > _DARKEST]
        self._logs += float(np.log(luminance, dtype=np.float64).sum())
        self._count += luminance.size

    def light(self) -> ShotLight:
        """The light of all frames measured so far; a shot of true black gets the lowest key that counts."""
        key = math.exp(self._logs / self._count) if self._count else _DARKEST
        return ShotLight(key, self._peak)


def exposure_stops(light: ShotLight) -> float:
    """The exposure in stops to apply before the curve.

    It is 0 for a shot of ordinary brightness and otherwise what brings its key to the nearest limit, rounded
    to an eighth of a stop and clamped to 10 stops either way.
    """
    if DARKEST_KEY <= light.key <= BRIGHTEST_KEY:
        return 0.0
    target = DARKEST_KEY if light.key < DARKEST_KEY else BRIGHTEST_KEY
    stops = round(math.log2(target / light.key) * _STEPS_A_STOP) / _STEPS_A_STOP
    return min(10.0, max(-10.0, stops))


def measure(frames: Iterable[tuple[Float32Array, BoolArray]]) -> ShotLight:
    """The light of a shot, from pairs of picture and ``stays`` as :meth:`LightMeter.add` takes them."""
    meter = LightMeter()
    for picture, stays in frames:
        meter.add(picture, stays)
    return meter.light()
