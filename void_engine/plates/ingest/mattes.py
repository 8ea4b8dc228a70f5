"""Makes mattes of pictures: which channel holds one, and how it is brought to the plate's size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.errors import MatteError
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FLOAT, HALF
from void_engine.plates.picture.file import LUMINANCE, Picture

MATTE_CHANNEL = "A"
"""The channel of a matte that is made here."""
QUADMASK_CHANNELS = ("remove", "affected", "quadmask")
"""The channels of an ingested quadmask: both roles as 0 or 1, and the grey level divided by 255."""

_MOST_BITS_OF_HALF = 10
"""Half tells all levels of this many bits apart."""
_ASPECT_TOLERANCE = 0.01


def choose_channel(names: Sequence[str], samples: Iterable[Picture]) -> tuple[str, str]:
    """The channel of pictures that holds a matte, and a remark about the choice.

    That is the only channel, or alpha; where alpha is 1 everywhere in all ``samples``, or there is none, it
    is the luminance of the colours.

    Args:
        names: the pictures' channels.
        samples: some pictures, which are read only where it depends on them.
    """
    if len(names) == 1:
        return names[0], ""
    if "A" not in names:
        return LUMINANCE, "there is no alpha: the brightness of the picture is the matte"
    for picture in samples:
        if (picture.levels("A") != 1).any():
            return "A", "alpha is the matte"
    return LUMINANCE, "alpha is 1 everywhere: the brightness of the picture is the matte"


def choose_exr_channel(names: Sequence[str]) -> tuple[str, str]:
    """The channel of EXR files that holds a matte, and a remark about it: alpha, the only channel, or red.

    Where none of these is there, it is alpha, and whoever reads the matte says what there is instead.
    """
    if MATTE_CHANNEL in names:
        return MATTE_CHANNEL, ""
    if len(names) == 1:
        return names[0], f"its only channel {names[0]} is the matte"
    if "R" in names:
        return "R", "there is no alpha: the red channel is the matte; name another one as PATTERN:CHANNEL"
    return MATTE_CHANNEL, ""


def matte_frame(number: int, levels: Float32Array, bits: int, pixel_aspect: float) -> Frame:
    """A frame of one channel, in half where that tells all levels apart, else in float."""
    dtype = HALF if bits <= _MOST_BITS_OF_HALF else FLOAT
    return Frame.from_pixels(
        number, (MATTE_CHANNEL,), levels.astype(dtype)[..., None], pixel_aspect=pixel_aspect
    )


def quadmask_frame(number: int, levels: Uint8Array, pixel_aspect: float) -> Frame:
    """A frame with :data:`QUADMASK_CHANNELS` of the grey levels of a quadmask, (H, W) in 0..255."""
    # Imported late, because only quadmasks need its image filters.
    from void_engine.quadmask import roles_from_levels

    remove, affected = roles_from_levels(levels)
    planes = np.stack([remove, affected, levels / np.float32(255)], axis=2).astype(HALF)
    return Frame.from_pixels(number, QUADMASK_CHANNELS, planes, pixel_aspect=pixel_aspect)


def check_shape(size: tuple[int, int], aspect: float, wanted: tuple[int, int], wanted_aspect: float) -> None:
    """Refuse to scale a picture to another shape, which would bend it.

    Pixels that are not square count both as they are shown and as they are stored, because most pictures do
    not say their pixel aspect.

    Args:
        size, wanted: (width, height) in pixels.
        aspect, wanted_aspect: width of a pixel over its height.

    Raises:
        MatteError: when the shapes differ by more than a hundredth.
    """
    stored = (size[0] / size[1]) / (wanted[0] / wanted[1])
    shown = stored * aspect / wanted_aspect
    if min(abs(stored - 1), abs(shown - 1)) > _ASPECT_TOLERANCE:
        raise MatteError(
            f"a matte of {size[0]}x{size[1]} has another shape than {wanted[0]}x{wanted[1]}, and scaling "
            "would bend it; render it in the plate's format"
        )


def scaled_levels(levels: Float32Array, size: tuple[int, int]) -> Float32Array:
    """Levels (H, W) at another ``(width, height)``: averaged by area where they shrink, else interpolated."""
    width, height = size
    if levels.shape == (height, width):
        return levels
    shrinks = width < levels.shape[1] and height < levels.shape[0]
    method = opencv.AREA if shrinks else opencv.LINEAR
    return np.asarray(opencv.resize(levels, (height, width), method), np.float32)
