"""Conversion between a shot's working space and the model's primaries (Rec.709), through OpenColorIO."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its own abbreviation

from void_engine.arrays import Float32Array, Float64Array
from void_engine.errors import SettingError

PINNED_CONFIG = "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4"
"""The OCIO configuration used where the environment variable OCIO is not set. Every OpenColorIO from 2.4 on
has it built in, so results do not change with a release."""
REC709_CHROMATICITIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
"""CIE x, y of red, green, blue and white of ITU-R BT.709, in the order of EXR's ``chromaticities``."""
MODEL_SPACE_NAMES = ("Linear Rec.709 (sRGB)", "lin_rec709", "Utility - Linear - sRGB", "lin_srgb")
"""The names that OCIO configurations in use have for linear Rec.709."""
REC709_SPACE = MODEL_SPACE_NAMES[0]
"""The name of the model's colour space in the pinned configuration."""


@dataclass(frozen=True)
class Primaries:
    """The 3x3 matrix from a scene-linear working space to linear Rec.709, and its inverse."""

    name: str
    matrix: Float64Array = field(repr=False)
    inverse: Float64Array = field(repr=False)

    def to_model(self, rgb: Float32Array) -> Float32Array:
        """Convert (..., 3) from the working space to Rec.709, unclamped."""
        return _multiplied(rgb, self.matrix)

    def from_model(self, rgb: Float32Array) -> Float32Array:
        """Convert (..., 3) from Rec.709 to the working space, unclamped."""
        return _multiplied(rgb, self.inverse)


UNCHANGED = Primaries("", np.eye(3), np.eye(3))
"""The primaries of a shot that is in Rec.709 already."""


def primaries_of(space: str, config: str | None = None) -> Primaries:
    """The conversion between a colour space and linear Rec.709.

    Args:
        space: a colour space or role of the OCIO configuration; "" for Rec.709 itself.
        config: an OCIO configuration; None takes the one that the environment variable OCIO names, else
            :data:`PINNED_CONFIG`.

    Raises:
        SettingError: when the space is not known or not scene-linear.
    """
    if not space:
        return UNCHANGED
    config = config or current_config()
    target = model_space(config)
    # Each primary is probed at two brightnesses, because only a linear space doubles along.
    probe = np.concatenate([np.eye(3), 2 * np.eye(3)]).astype(np.float32).reshape(1, 6, 3)
    converted = oiio.ImageBufAlgo.colorconvert(oiio.ImageBuf(probe), space, target, colorconfig=config)
    if converted.has_error:
        raise SettingError(
            f"colour space {space!r}: {converted.geterror().strip()} (OCIO configuration {config}); "
            "name a scene-linear space of that configuration"
        )
    pixels = np.asarray(converted.get_pixels(oiio.FLOAT), np.float64).reshape(6, 3)
    if not np.allclose(pixels[3:], 2 * pixels[:3], rtol=1e-4, atol=1e-5):
        raise SettingError(f"colour space {space!r} is not scene-linear; render the plate scene-linear")
    matrix = pixels[:3].T
    return Primaries(space, matrix, np.linalg.inv(matrix).astype(np.float64))


def current_config() -> str:
    """The OCIO configuration in use: that of the environment variable OCIO, else :data:`PINNED_CONFIG`."""
    return os.environ.get("OCIO") or PINNED_CONFIG


def model_space(config: str) -> str:
    """The name that a configuration has for the model's colour space, linear Rec.709.

    Raises:
        SettingError: when the configuration has none of :data:`MODEL_SPACE_NAMES`.
    """
    names = set(oiio.ColorConfig(config).getColorSpaceNames())
    for name in MODEL_SPACE_NAMES:
        if name in names:
            return name
    raise SettingError(
        f"the OCIO configuration {config} has no linear Rec.709 space ({', '.join(MODEL_SPACE_NAMES)}); "
        "use another configuration, or leave the engine's colour_space empty"
    )


def _multiplied(rgb: Float32Array, matrix: Float64Array) -> Float32Array:
    if np.array_equal(matrix, np.eye(3)):
        return rgb
    return np.asarray(rgb @ matrix.T.astype(np.float64), np.float32)
