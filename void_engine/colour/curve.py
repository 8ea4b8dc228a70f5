"""Invertible curves between scene-linear values and codes in 0..1.

The house curve is the piecewise sRGB curve up to a *shoulder* and a logarithm above it, joined with one
slope, that reaches code 1 at the *ceiling*. Below the shoulder a picture looks as every display-referred
training picture does; above it each 0.01 of code is a nearly constant ratio of light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.colour import srgb

# Code per e-fold of light: the shoulder is lowered until the logarithm has this slope, so that an error of
# 0.01 in code is one of at most 20 % in light at the very top.
_LOG_SLOPE = 0.055
_LOWEST_SHOULDER = 0.18


class Curve(Protocol):
    """A strictly rising curve from scene-linear light to code; negative light is not its business."""

    def encode(self, linear: Float32Array) -> Float32Array:
        """Codes of light at or above 0; light at the ceiling has code 1."""

    def decode(self, code: Float32Array) -> Float32Array:
        """The light of codes in 0..1."""

    def lost(self, linear: Float32Array, code: Float32Array) -> Float32Array:
        """What ``code``, cut to 0..1, does not hold of the light that it was made of."""

    def describe(self) -> dict[str, float | str]:
        """The parameters for the output's metadata."""


def above_ceiling(curve: Curve, linear: Float32Array, code: Float32Array) -> Float32Array:
    """:meth:`Curve.lost` of a curve that holds everything up to its ceiling."""
    if not bool((code >= 1).any()):
        return np.zeros_like(linear)
    over = linear - curve.decode(np.ones(1, np.float32))
    return np.where((code >= 1) & (over > 0), over, np.float32(0))


@dataclass(frozen=True, slots=True)
class ShoulderCurve:
    """sRGB to ``shoulder``, then ``c + scale * ln(1 + (x - shoulder) / offset)``; code 1 at ``ceiling``."""

    shoulder: float
    ceiling: float
    scale: float
    offset: float

    @classmethod
    def reaching(cls, ceiling: float, shoulder: float | None = None) -> ShoulderCurve:
        """The curve that holds light up to ``ceiling``.

        Args:
            ceiling: at least 1; a shot's brightest value.
            shoulder: where sRGB ends, in 0.18..1; None chooses the highest that keeps the steps at the top
                finer than 20 % of light for 0.01 of code (1.0, plain sRGB, for a ceiling of 1).

        Raises:
            ValueError: for a value out of range.
        """
        if not (math.isfinite(ceiling) and ceiling >= 1):
            raise ValueError(f"the ceiling is {ceiling}; it must be at least 1")
        if shoulder is None:
            return _chosen(float(ceiling))
        if not _LOWEST_SHOULDER <= shoulder <= 1:
            raise ValueError(f"the shoulder is {shoulder}; it must be in {_LOWEST_SHOULDER}..1")
        return _joined(float(shoulder), float(ceiling))

    @property
    def shoulder_code(self) -> float:
        return srgb.encode_value(self.shoulder)

    def encode(self, linear: Float32Array) -> Float32Array:
        x = np.asarray(linear, np.float64)
        code = srgb.encode(np.minimum(x, self.shoulder))
        if self.scale > 0:
            code += self.scale * np.log1p(np.maximum(x - self.shoulder, 0) / self.offset)
        return code.astype(np.float32)

    def decode(self, code: Float32Array) -> Float32Array:
        c = np.asarray(code, np.float64)
        knee = self.shoulder_code
        linear = srgb.decode(np.minimum(c, knee))
        if self.scale > 0:
            linear += self.offset * np.expm1(np.maximum(c - knee, 0) / self.scale)
        return linear.astype(np.float32)

    def lost(self, linear: Float32Array, code: Float32Array) -> Float32Array:
        return above_ceiling(self, linear, code)

    def describe(self) -> dict[str, float | str]:
        return {"curve": "srgb-shoulder", "shoulder": self.shoulder, "ceiling": self.ceiling}


@lru_cache(maxsize=64)
def _joined(shoulder: float, ceiling: float) -> ShoulderCurve:
    """Solve for the logarithm that leaves the shoulder with sRGB's slope and ends at (ceiling, 1)."""
    rest = 1 - srgb.encode_value(shoulder)
    span = ceiling - shoulder
    if rest <= 1e-9 or span <= 1e-9:
        return ShoulderCurve(1.0, 1.0, 0.0, 1.0)
    slope = srgb.slope(shoulder)
    # sRGB is concave and 1 at 1, so its tangent passes 1 before a ceiling of 1 or more: there is a root.
    low, high = 1e-12, 1e12
    for _ in range(200):
        offset = math.sqrt(low * high)
        if slope * offset * math.log1p(span / offset) < rest:
            low = offset
        else:
            high = offset
    offset = math.sqrt(low * high)
    # The scale from the end point, so that code 1 is the ceiling to the last digit.
    return ShoulderCurve(shoulder, ceiling, rest / math.log1p(span / offset), offset)


@lru_cache(maxsize=64)
def _chosen(ceiling: float) -> ShoulderCurve:
    if ceiling <= 1:
        return ShoulderCurve(1.0, 1.0, 0.0, 1.0)
    low, high = _LOWEST_SHOULDER, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _joined(middle, ceiling).scale >= _LOG_SLOPE:
            low = middle
        else:
            high = middle
    return _joined(low, ceiling)


@dataclass(frozen=True, slots=True)
class AcesCct:
    """ACEScct (S-2016-001) applied to any primaries; light to 222, the same coarse steps everywhere."""

    def encode(self, linear: Float32Array) -> Float32Array:
        x = np.asarray(linear, np.float64)
        low = 10.5402377416545 * x + 0.0729055341958355
        high = (np.log2(np.maximum(x, 0.0078125)) + 9.72) / 17.52
        return np.where(x <= 0.0078125, low, high).astype(np.float32)

    def decode(self, code: Float32Array) -> Float32Array:
        c = np.asarray(code, np.float64)
        low = (c - 0.0729055341958355) / 10.5402377416545
        high = np.exp2(c * 17.52 - 9.72)
        return np.where(c <= 0.155251141552511, low, high).astype(np.float32)

    def lost(self, linear: Float32Array, code: Float32Array) -> Float32Array:
        return above_ceiling(self, linear, code)

    def describe(self) -> dict[str, float | str]:
        return {"curve": "acescct"}
