"""Scene-linear pictures as people see them: through an OCIO view, as lossless PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.colour.view import DisplayView
from void_engine.shares import INVENTED_BELOW, REAL_FROM

_PNG_EFFORT = 3
_CURVE_STEPS = 4096
_CURVE_STOPS = (-12.0, 8.0)
"""The light of a neutral ramp, in stops from 1, by which a page brightens a picture that it has as codes."""
_FIRM, _UNSURE, _INVENTED = (46, 160, 67), (230, 160, 20), (220, 40, 60)
_TINT = (235, 50, 60)


@dataclass(frozen=True)
class ReviewView:
    """What pictures are shown through."""

    view: DisplayView

    @classmethod
    def named(cls, display: str = "", view: str = "") -> ReviewView:
        """Find the view by its name in the OCIO configuration; empty for the defaults.

        Raises:
            SettingError: for a name that the configuration does not have.
        """
        return cls(DisplayView.named(display, view))

    @property
    def name(self) -> str:
        return f"{self.view.display} / {self.view.view}"

    def shown(self, picture: Float32Array, exposure: float = 0.0, gamma: float = 1.0) -> Uint8Array:
        """Show (H, W, 3) scene-linear light as (H, W, 3) codes of 8 bits.

        Args:
            picture: the light. What is not a number is shown as black.
            exposure: in stops, before the view.
            gamma: the light's exponent is 1 / gamma, after the exposure and before the view, as in viewers.
        """
        light = np.nan_to_num(picture, nan=0.0, posinf=65504.0, neginf=0.0)
        light = np.maximum(light * np.float32(2.0**exposure), np.float32(0.0))
        if gamma != 1.0:
            light = light ** np.float32(1.0 / gamma)
        codes = self.view.encode(np.ascontiguousarray(light, np.float32))
        return np.asarray(np.clip(codes, 0.0, 1.0) * 255.0 + 0.5, np.uint8)

    def grey_curve(self) -> list[float]:
        """The scene-linear light of a neutral pixel for each code 0..255, for a page without a server."""
        stops = np.linspace(*_CURVE_STOPS, _CURVE_STEPS, dtype=np.float64)
        light = np.concatenate([[0.0], 2.0**stops])
        grey = np.repeat(light[None, :, None], 3, axis=2).astype(np.float32)
        codes = np.maximum.accumulate(np.clip(self.view.encode(grey)[0].mean(axis=1), 0.0, 1.0))
        rising, first = np.unique(codes, return_index=True)
        return [round(float(value), 7) for value in np.interp(np.arange(256) / 255.0, rising, light[first])]


def fitted(size: tuple[int, int], pixel_aspect: float, widest: int) -> tuple[int, int]:
    """The width and height of the pictures of a format, in true proportions and at most ``widest`` wide."""
    width, height = size[0] * pixel_aspect, float(size[1])
    scale = min(1.0, widest / width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(picture: Float32Array, size: tuple[int, int]) -> Float32Array:
    """Bring (H, W[, C]) to a width and a height; a proxy is enlarged without smoothing, so that it shows as
    one."""
    width, height = size
    rows, columns = picture.shape[:2]
    if (columns, rows) == (width, height):
        return picture
    way = opencv.AREA if width <= columns else opencv.NEAREST
    return opencv.resize(np.ascontiguousarray(picture), (height, width), way)


def png(codes: Uint8Array) -> bytes:
    """Write (H, W, 3) RGB or (H, W, 4) RGBA codes as a PNG."""
    swap = cv2.COLOR_RGB2BGR if codes.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    _, data = cv2.imencode(".png", cv2.cvtColor(codes, swap), [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT])
    return data.tobytes()


def jpeg(codes: Uint8Array) -> bytes:
    """Write (H, W, 3) RGB codes as a JPEG, for thumbnails."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(codes, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return data.tobytes()


def matte_codes(matte: Float32Array) -> Uint8Array:
    """A matte (H, W) in 0..1 as a tint that lies over a picture, (H, W, 4)."""
    return _tinted([(matte, _TINT)], 0.45)


def confidence_codes(confidence: Float32Array, matte: Float32Array) -> Uint8Array:
    """An engine's confidence where it replaced something, as a tint: green for real pixels, amber for guessed
    ones and red for invented ones, (H, W, 4)."""
    inside = (matte > 0).astype(np.float32)
    real, invented = confidence >= REAL_FROM, confidence < INVENTED_BELOW
    parts = [(inside * real, _FIRM), (inside * ~(real | invented), _UNSURE), (inside * invented, _INVENTED)]
    return _tinted([(np.asarray(where, np.float32), colour) for where, colour in parts], 0.55)


def _tinted(parts: Sequence[tuple[Float32Array, tuple[int, int, int]]], opacity: float) -> Uint8Array:
    rows, columns = parts[0][0].shape
    codes = np.zeros((rows, columns, 4), np.uint8)
    for where, colour in parts:
        codes[where > 0, :3] = colour
    total = np.sum([where for where, _ in parts], axis=0)
    codes[..., 3] = np.asarray(np.clip(total, 0.0, 1.0) * (255.0 * opacity) + 0.5, np.uint8)
    return codes
