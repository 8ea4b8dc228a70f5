"""The curves by name that turn the code values of movies and pictures into scene-linear light.

Movies and 8-bit pictures are *display-referred*: their code values say what a screen should show. So the
screen's curve (the electro-optical transfer function) turns them into light, not the inverse of a camera's
curve. Code 1 becomes 1.0. A scan of film (``cineon``) has its white below code 1, and highlights above.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from void_engine.arrays import Float64Array
from void_engine.colour import srgb
from void_engine.errors import SettingError
from void_engine.plates.picture.file import PictureHeader

Transfer = Literal["srgb", "bt1886", "rec709", "gamma22", "gamma28", "cineon", "linear"]
"""
The curves by name:

srgb: the piecewise curve of IEC 61966-2-1, as on computer screens.
bt1886: ITU-R BT.1886 with a black of 0, a plain power of 2.4, as on grading monitors.
rec709: the inverse of ITU-R BT.709's camera curve, for footage that has not been graded.
gamma22, gamma28: plain powers of 2.2 and 2.8 (the tags of BT.470).
cineon: printing density of film as Kodak's Cineon and SMPTE ST 268 (DPX) hold it: 0.002 of density for each
    of 1024 codes, a negative's gamma of 0.6, black at code 95, white at 685. Code 1023 is 13.5 times white.
linear: no curve at all.
"""

TRANSFERS: tuple[Transfer, ...] = get_args(Transfer)

# These H.273 codes of transfer characteristics have a curve here. The codes of BT.709 and its relatives say
# how a camera would have encoded the picture; screens show it with BT.1886.
_OF_TAG: dict[int, Transfer] = {
    1: "bt1886",
    4: "gamma22",
    5: "gamma28",
    6: "bt1886",
    8: "linear",
    13: "srgb",
    14: "bt1886",
    15: "bt1886",
}
# These are OpenImageIO's words for the transfer characteristics of a DPX header.
_OF_DPX: dict[str, Transfer] = {
    "Printing density": "cineon",
    "Logarithmic": "cineon",
    "Linear": "linear",
    "Unspecified video": "bt1886",
    "SMPTE 274M": "bt1886",
    "ITU-R 709-4": "bt1886",
    "ITU-R 601-5 system B or G": "bt1886",
    "ITU-R 601-5 system M": "bt1886",
    "NTSC composite video": "bt1886",
    "PAL composite video": "bt1886",
}
# These are its names of the colour spaces that other headers tell.
_OF_SPACE: dict[str, Transfer] = {
    "srgb_rec709_scene": "srgb",
    "srgb_rec709_display": "srgb",
    "sRGB": "srgb",
    "lin_rec709_scene": "linear",
    "Linear": "linear",
    "g22_rec709_scene": "gamma22",
    "g22_rec709_display": "gamma22",
    "g24_rec709_scene": "bt1886",
    "g24_rec709_display": "bt1886",
    "KodakLog": "cineon",
}
_UNTAGGED = (0, 2, 3)
_EXPONENTS = {"bt1886": 2.4, "gamma22": 2.2, "gamma28": 2.8}
_CINEON_BLACK, _CINEON_WHITE = 95.0, 685.0
_CINEON_SLOPE = 0.002 / 0.6
"""Tens of light for each code: density for a code over the gamma of the negative."""
_HDR = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}


def transfer_of_movie(tag: int) -> Transfer:
    """The curve of a movie, by the H.273 code of its transfer characteristics.

    An untagged movie is taken for sRGB, since it was most likely viewed on a computer screen.

    Raises:
        SettingError: for a tag that has no curve here (PQ, HLG, ...).
    """
    if tag in _UNTAGGED:
        return "srgb"
    if tag in _OF_TAG:
        return _OF_TAG[tag]
    raise SettingError(
        f"the movie's transfer function is {_HDR.get(tag, f'H.273 code {tag}')}, which has no single way to "
        "scene-linear; convert it to scene-linear EXR in a grading tool, or name the curve or colour space "
        "with --colour-space"
    )


def transfer_of_picture(header: PictureHeader) -> Transfer:
    """The curve of a picture, by its header.

    Floating-point values are light. DPX and Cineon files name a transfer characteristic (SMPTE ST 268, field
    801); other files are sRGB unless they say otherwise, as PNG can by its gamma.

    Raises:
        SettingError: for a DPX whose header names none, since most programs write the same header for every
            curve, and for a curve that has no name here.
    """
    declared = str(header.attributes.get("dpx:Transfer", ""))
    space = str(header.attributes.get("oiio:ColorSpace", ""))
    if header.format_name == "dpx":
        found = _OF_DPX.get(declared)
    elif header.is_float and space not in _OF_SPACE:
        found = "linear"
    else:
        found = _OF_SPACE.get(space) if space else "srgb"
        declared = space
    if found is None:
        told = f"its header says '{declared}'" if declared else "its header says nothing"
        raise SettingError(
            f"{header.described}: what its code values mean is not known ({told}); name it with "
            "--colour-space, e.g. cineon, srgb or ACEScct"
        )
    return found


def decode(code: Float64Array, transfer: Transfer) -> Float64Array:
    """Turn code values in 0..1 into linear light, where 1 is white."""
    if transfer == "linear":
        return code
    if transfer == "srgb":
        return srgb.decode(code)
    if transfer == "cineon":
        black = 10 ** ((_CINEON_BLACK - _CINEON_WHITE) * _CINEON_SLOPE)
        return np.asarray((10 ** ((code * 1023 - _CINEON_WHITE) * _CINEON_SLOPE) - black) / (1 - black))
    if transfer == "rec709":
        return np.where(code < 0.081, code / 4.5, ((code + 0.099) / 1.099) ** (1 / 0.45))
    return np.asarray(code ** _EXPONENTS[transfer])


def encode(light: Float64Array, transfer: Transfer) -> Float64Array:
    """Turn linear light at or above 0 into code values; the inverse of :func:`decode`. Film has light below
    0 too, that of codes below its black; what no code means becomes the least code."""
    if transfer == "linear":
        return light
    if transfer == "srgb":
        return srgb.encode(light)
    if transfer == "cineon":
        black = 10 ** ((_CINEON_BLACK - _CINEON_WHITE) * _CINEON_SLOPE)
        density = np.log10(np.maximum(light * (1 - black) + black, 10 ** (-_CINEON_WHITE * _CINEON_SLOPE)))
        return np.asarray((density / _CINEON_SLOPE + _CINEON_WHITE) / 1023)
    if transfer == "rec709":
        # The knee is where decode() has it, so that the two stay inverses.
        return np.where(light < 0.081 / 4.5, light * 4.5, 1.099 * light**0.45 - 0.099)
    return np.asarray(light ** (1 / _EXPONENTS[transfer]))
