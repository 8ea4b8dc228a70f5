"""Invertible transfer curves between scene-linear light and codes in 0..1.

The default is the *shoulder* curve: piecewise sRGB up to the shoulder, and above it a logarithm that
continues with the same slope and reaches code 1 at the *ceiling*. Below the shoulder a picture looks like the
display-referred pictures that models are trained on; above it each 0.01 of code is a nearly constant ratio of
light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.colour import srgb

# The least code for each e-fold of light. The shoulder is lowered until the logarithm has this slope, so that
# an error of 0.01 in code is an error of at most 20 % in light at the very top.
_LOG_SLOPE = 0.055
_LOWEST_SHOULDER = 0.18
"""The lowest shoulder, mid grey, so that everything darker is plain sRGB."""


class Curve(Protocol):
    """A strictly rising curve from scene-linear light at or above 0 to codes; 1 is its ceiling.

    Negative light is handled outside, by :class:`void_engine.colour.picture.ModelPicture`.
    """

    def encode(self, linear: Float32Array) -> Float32Array:
        """Turn light (any shape, at or above 0) into codes; light at the ceiling has code 1."""

    def decode(self, code: Float32Array) -> Float32Array:
        """Turn codes in 0..1 back into light."""

    def lost(self, linear: Float32Array, code: Float32Array) -> Float32Array:
        """The light that is lost when ``code``, made from ``linear``, is clamped to 0..1."""

    def describe(self) -> dict[str, float | str]:
        """The curve's parameters, for the result's metadata."""


def above_ceiling(curve: Curve, linear: Float32Array, code: Float32Array) -> Float32Array:
    """The light that a curve loses above its ceiling; :meth:`Curve.lost` of curves that lose nothing else."""
    if not bool((code >= 1).any()):
        return np.zeros_like(linear)
    over = linear - curve.decode(np.ones(1, np.float32))
    return np.where((code >= 1) & (over > 0), over, np.float32(0))


@dataclass(frozen=True, slots=True)
class ShoulderCurve:
    """sRGB up to ``shoulder``, then ``c + scale * ln(1 + (x - shoulder) / offset)``; 1 at ``ceiling``."""

    shoulder: float
    ceiling: float
    scale: float
    offset: float

    @classmethod
    def reaching(cls, ceiling: float, shoulder: float | None = None) -> ShoulderCurve:
        """Make the curve that holds light up to ``ceiling``.

        Args:
            ceiling: the brightest value to hold, at least 1.
            shoulder: the light at which sRGB ends, in 0.18..1. None chooses the highest shoulder at which
                0.01 of code is at most 20 % of light at the top; for a ceiling of 1 that is 1, plain sRGB.

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
    # There is always a root: sRGB is concave and 1 at 1, so its tangent passes 1 before the ceiling.
    low, high = 1e-12, 1e12
    for _ in range(200):
        offset = math.sqrt(low * high)
        if slope * offset * math.log1p(span / offset) < rest:
            low = offset
        else:
            high = offset
    offset = math.sqrt(low * high)
    # The scale is computed from the end point, so that code 1 is the ceiling to the last digit.
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
    """The ACEScct curve (Academy S-2016-001), on whatever primaries the picture has.

    It holds light up to 222 and has the same step in stops everywhere above its toe.
    """

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
