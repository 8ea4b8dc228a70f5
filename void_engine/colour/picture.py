"""The encoding of a shot: scene-linear plates to the picture that the model sees, and its picture back.

An encoding is an exposure, a matrix to Rec.709 and a curve. It is constant over the shot, invertible, and
recorded in the result's metadata.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.colour.curve import AcesCct, Curve, ShoulderCurve
from void_engine.colour.encodings import ENCODINGS
from void_engine.colour.exposure import ShotLight, exposure_stops
from void_engine.colour.primaries import UNCHANGED, Primaries
from void_engine.colour.view import DisplayView
from void_engine.errors import SettingError

_LOWEST_CEILING = 1.0
# Sizes of the neighbourhoods, in the decoded picture and in the plate, that a highlight must be justified by.
_OWN_MEDIAN_PX = 5
_PLATE_REACH_PX = 31


@dataclass(frozen=True)
class ModelPicture:
    """The encoding of one shot: curve, exposure in stops and primaries."""

    curve: Curve
    stops: float = 0.0
    primaries: Primaries = UNCHANGED

    def encode(self, plate: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Encode a plate, and return what its codes cannot hold beside them.

        Args:
            plate: (H, W, 3) scene-linear in the shot's working space, unclamped, finite.

        Returns:
            Codes (H, W, 3) in 0..1, and the *carry* (H, W, 3): the light that the codes do not hold. That is
            its negative part, zero almost everywhere; with plain sRGB also what lies above 1, and with a view
            all that the view does not show. Codes and carry together give the plate back.
        """
        light = self.primaries.to_model(plate) * np.float32(2.0**self.stops)
        held = np.maximum(light, 0)
        code = np.clip(self.curve.encode(held), 0, 1)
        return code, np.minimum(light, 0) + self.curve.lost(held, code)

    def decode(self, code: Float32Array, carry: Float32Array | None = None) -> Float32Array:
        """Decode codes (H, W, 3) to a scene-linear plate, and add the carry where there is one.

        The carry belongs to the plate's own pixels; scale it down where the model has replaced them.
        """
        light = self.curve.decode(np.clip(code, 0, 1))
        if carry is not None:
            light = light + carry
        return self.carried(light)

    def carried(self, carry: Float32Array) -> Float32Array:
        """The light that a carry (H, W, 3) adds to the plate, scene-linear in the shot's working space."""
        return self.primaries.from_model(carry * np.float32(2.0**-self.stops))

    def justified(self, code: Float32Array, plate_code: Float32Array, stays: BoolArray) -> Float32Array:
        """Remove fireflies: clamp high codes to what their neighbourhood shows.

        Near the top of the curve a small error in code is a large error in light. So a code above the
        shoulder may be no higher than the median of its neighbours or the brightest pixel of the plate
        nearby, whichever is larger.

        Args:
            code: (H, W, 3) as decoded from the model.
            plate_code: (H, W, 3), the codes of the plate.
            stays: (H, W), False where the plate shows what is removed.
        """
        knee = self.curve.shoulder_code if isinstance(self.curve, ShoulderCurve) else 0.5
        if not bool((code > knee).any()):
            return code
        shown = np.where(stays[..., None], plate_code, 0).astype(np.float32)
        nearby = opencv.dilate_values(shown, opencv.square(_PLATE_REACH_PX))
        own = np.asarray(cv2.medianBlur(np.ascontiguousarray(code, np.float32), _OWN_MEDIAN_PX), np.float32)
        return np.minimum(code, np.maximum(np.maximum(own, nearby), np.float32(knee)))

    def describe(self) -> dict[str, float | str]:
        """The encoding's parameters, for the result's metadata."""
        return {**self.curve.describe(), "exposure_stops": self.stops, "primaries": self.primaries.name}


def plan_picture(
    light: ShotLight,
    *,
    encoding: str = "shoulder",
    stops: float | None = None,
    primaries: Primaries = UNCHANGED,
    display: str = "",
    view: str = "",
) -> ModelPicture:
    """Choose the encoding of a shot from its measured light.

    Args:
        light: the light of the whole shot, in linear Rec.709.
        encoding: ``shoulder`` (the house curve), ``srgb`` (light above 1 is not shown), ``acescct`` or
            ``view`` (an OCIO display view).
        stops: the artist's exposure; None derives it from ``light``.
        primaries: the primaries of the shot's working space.
        display, view: the display and view of the encoding ``view``; empty for the OCIO configuration's
            defaults.

    Raises:
        SettingError: for an unknown encoding or view, or an exposure out of range.
    """
    if encoding not in ENCODINGS:
        raise SettingError(f"encoding {encoding!r} is not known; choose one of {', '.join(ENCODINGS)}")
    if stops is None:
        stops = exposure_stops(light)
    if not (math.isfinite(stops) and abs(stops) <= 20):
        raise SettingError(f"an exposure of {stops} stops is out of range; choose -20..20")
    curve: Curve
    if encoding == "acescct":
        curve = AcesCct()
    elif encoding == "view":
        curve = DisplayView.named(display, view)
    elif encoding == "srgb":
        curve = ShoulderCurve.reaching(1.0)
    else:
        # The ceiling is the peak rounded up to an eighth of a stop, which makes it a short number.
        peak = max(_LOWEST_CEILING, light.peak * 2.0**stops)
        curve = ShoulderCurve.reaching(2.0 ** (math.ceil(math.log2(peak) * 8) / 8))
    return ModelPicture(curve, stops, primaries)
