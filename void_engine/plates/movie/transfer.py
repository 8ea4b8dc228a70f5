"""Turns a movie's code values into scene-linear light.

Movies are *display-referred*: their code values say what a screen should show. So the screen's curve (the
electro-optical transfer function) turns them into light, not the inverse of a camera's curve. Code 1 becomes
1.0.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from void_engine.arrays import Float64Array
from void_engine.colour import srgb
from void_engine.errors import SettingError

Transfer = Literal["srgb", "bt1886", "rec709", "gamma22", "gamma28", "linear"]
"""
The curves by name:

srgb: the piecewise curve of IEC 61966-2-1, as on computer screens.
bt1886: ITU-R BT.1886 with a black of 0, a plain power of 2.4, as on grading monitors.
rec709: the inverse of ITU-R BT.709's camera curve, for footage that has not been graded.
gamma22, gamma28: plain powers of 2.2 and 2.8 (the tags of BT.470).
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
_UNTAGGED = (0, 2, 3)
_HDR = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}


def choose_transfer(colour: str, tag: int) -> Transfer:
    """Choose the curve to decode a movie with.

    Args:
        colour: ``auto`` or one of :data:`TRANSFERS`. ``auto`` follows the movie's tag; an untagged movie is
            taken for sRGB, since it was most likely viewed on a computer screen.
        tag: the H.273 code of the movie's transfer characteristics.

    Raises:
        SettingError: for an unknown name, or for ``auto`` with a tag that has no curve here (PQ, HLG, ...).
    """
    for name in TRANSFERS:
        if colour == name:
            return name
    if colour != "auto":
        raise SettingError(f"there is no movie colour '{colour}'; choose auto, {', '.join(TRANSFERS)}")
    if tag in _UNTAGGED:
        return "srgb"
    if tag in _OF_TAG:
        return _OF_TAG[tag]
    raise SettingError(
        f"the movie's transfer function is {_HDR.get(tag, f'H.273 code {tag}')}, which has no single way to "
        "scene-linear; convert it to scene-linear EXR in a grading tool, or name the curve with --colour"
    )


def decode(code: Float64Array, transfer: Transfer) -> Float64Array:
    """Turn code values in 0..1 into linear light in 0..1."""
    if transfer == "linear":
        return code
    if transfer == "srgb":
        return srgb.decode(code)
    if transfer == "rec709":
        return np.where(code < 0.081, code / 4.5, ((code + 0.099) / 1.099) ** (1 / 0.45))
    exponents = {"bt1886": 2.4, "gamma22": 2.2, "gamma28": 2.8}
    return np.asarray(code ** exponents[transfer])
