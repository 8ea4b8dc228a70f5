"""The frames that the artist has already cleaned by hand, as the settings keep them."""

from __future__ import annotations

from collections.abc import Iterable

from void_nuke.errors import SelectionError
from void_nuke.export.pick import AnchorChoice
from void_nuke.host.host import Host

Pairs = tuple[tuple[str, str], ...]
"""What the settings keep of each: the frame of the shot, and ``NODE@FRAME``."""


def clean_frames(pairs: Pairs) -> tuple[AnchorChoice, ...]:
    """Return the clean frames in their order. A pair that is none is left out, whoever wrote it."""
    found: dict[int, AnchorChoice] = {}
    for frame, where in pairs:
        node, _, at = where.rpartition("@")
        try:
            found[int(frame)] = AnchorChoice(int(frame), node, int(at))
        except ValueError:
            continue
    return tuple(found[frame] for frame in sorted(found) if found[frame].node)


def as_pairs(anchors: Iterable[AnchorChoice]) -> Pairs:
    """Return clean frames as the settings keep them."""
    return tuple((str(one.frame), f"{one.node}@{one.at}") for one in anchors)


def with_frame(pairs: Pairs, anchor: AnchorChoice) -> Pairs:
    """Return the pairs with one more clean frame; it replaces one of the same frame."""
    others = [one for one in clean_frames(pairs) if one.frame != anchor.frame]
    return as_pairs(sorted([*others, anchor], key=lambda one: one.frame))


def without_frame(pairs: Pairs, frame: int) -> Pairs:
    """Return the pairs without the clean frame of this number."""
    return as_pairs(one for one in clean_frames(pairs) if one.frame != frame)


def chosen_clean_frame(host: Host, plate: str) -> AnchorChoice:
    """Return what the selected node shows at the current frame. A node with one frame only shows that one at
    any.

    Raises:
        SelectionError: when no node but the plate's is selected, or it has not that frame.
    """
    node = next((one.name for one in host.selected_nodes() if not one.has_roto), "")
    if not node or node == plate:
        raise SelectionError(
            "select the node that shows this frame clean, such as the Read of a painted frame"
        )
    frame = host.script_ranges().current_frame
    frames = host.plate(node).frames
    at = frames.first if frames.first == frames.last else frame
    if at not in frames.frames:
        raise SelectionError(f"{node} has the frames {frames} and not {frame}; go to a frame that it has")
    return AnchorChoice(frame, node, at)


def in_words(anchors: Iterable[AnchorChoice]) -> str:
    """List clean frames for the artist: ``1005 of Read3, 1020 of Read4 at 1``."""
    return ", ".join(
        f"{one.frame} of {one.node}" + (f" at {one.at}" if one.at != one.frame else "") for one in anchors
    )
