"""Decides which frames a removal covers."""

from __future__ import annotations

from typing import Literal

from void_nuke.errors import SelectionError
from void_nuke.host.host import FrameRange, ScriptRanges
from void_protocol.errors import FrameListError
from void_protocol.frame_list import parse_frame_range

RangeChoice = Literal["plate", "global", "viewer", "typed"]


def parse_range(text: str) -> FrameRange:
    """Read what an artist types: ``1001-1050`` (also with a space or "to"), or a single frame.

    Raises:
        SelectionError: when the text is neither, leaves out frames, or the range runs backwards.
    """
    try:
        return FrameRange(*parse_frame_range(text))
    except FrameListError as error:
        raise SelectionError(str(error)) from error


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
