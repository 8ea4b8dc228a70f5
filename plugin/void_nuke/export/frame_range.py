"""Decides which frames a removal covers."""

from __future__ import annotations

import re
from typing import Literal

from void_nuke.errors import SelectionError
from void_nuke.host.host import FrameRange, ScriptRanges

RangeChoice = Literal["plate", "global", "viewer", "typed"]
_TYPED = re.compile(r"\s*(-?\d+)\s*(?:(?:-|to|,|\s)\s*(-?\d+)\s*)?")


def parse_range(text: str) -> FrameRange:
    """Read ``1001-1050`` (also with a space, a comma or "to") or a single frame.

    Raises:
        SelectionError: when the text is neither, or the range runs backwards.
    """
    match = _TYPED.fullmatch(text)
    if match is None:
        raise SelectionError(f"{text!r} is no frame range; type it like 1001-1050")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if last < first:
        raise SelectionError(f"the frame range {text.strip()} runs backwards; type {last}-{first}")
    return FrameRange(first, last)


def choose_range(
    choice: RangeChoice, plate: FrameRange, script: ScriptRanges, *, typed: str = "", handles: int = 0
) -> FrameRange:
    """Choose the frames of a removal, handles included.

    Args:
        choice: whose range to take.
        plate: the frames that the plate has. No frame outside it is ever chosen: a held frame is not a plate.
        script: the other ranges of the script.
        typed: what the artist typed, for the choice ``typed``.
        handles: how many frames to add at both ends, as far as the plate has them.

    Raises:
        SelectionError: when there is no such range, or it lies outside the plate.
    """
    if choice == "viewer":
        if script.viewer is None:
            raise SelectionError("the viewer has no in and out points; set them, or choose another range")
        wanted = script.viewer
    elif choice == "typed":
        wanted = parse_range(typed)
    else:
        wanted = plate if choice == "plate" else script.whole_script
    if handles < 0:
        raise SelectionError(f"{handles} handles: a removal has 0 or more frames on each side")
    first = max(wanted.first - handles, plate.first)
    last = min(wanted.last + handles, plate.last)
    is_typed_outside = choice == "typed" and (wanted.first < plate.first or wanted.last > plate.last)
    if first > last or is_typed_outside:
        raise SelectionError(f"the frames {wanted} are not all in the plate, which has {plate}")
    return FrameRange(first, last)
