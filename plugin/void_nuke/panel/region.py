"""The region that a removal works on, as an artist sets it."""

from __future__ import annotations

from void_nuke.errors import SelectionError
from void_protocol.job import RegionSettings


def region_of(mode: str, box: str) -> RegionSettings:
    """Return the region that a removal works on.

    Raises:
        SelectionError: when the box is none; the message says how to write it.
    """
    if mode != "box":
        return RegionSettings(mode="full" if mode == "full" else "auto")
    try:
        left, bottom, right, top = (int(part) for part in box.replace(",", " ").split())
    except ValueError:
        raise SelectionError(
            f"the region {box!r} is no box; write left, bottom, right and top in pixels, such as "
            "100 80 900 700"
        ) from None
    if left >= right or bottom >= top:
        raise SelectionError(f"the region {box} is empty; left must be below right, and bottom below top")
    return RegionSettings(mode="box", box=(left, bottom, right, top))


def box_text(region: RegionSettings) -> str:
    """Write a region's box as the artist types it; empty for none."""
    return "" if region.box is None else " ".join(str(edge) for edge in region.box)
