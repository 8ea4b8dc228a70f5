"""Clicks on the object that is to go, as the settings keep them."""

from __future__ import annotations

from collections.abc import Iterable

from void_protocol.task import PointPrompt

Pairs = tuple[tuple[str, str], ...]
"""What the settings keep of each: its frame, and ``x,y`` with a ``-`` at the end for outside."""
_OUTSIDE = "-"


def clicks_of(pairs: Pairs) -> list[PointPrompt]:
    """Return the clicks in their order. A pair that is none is left out, because a script must open whatever
    wrote it."""
    return [click for pair in pairs if (click := _click(*pair)) is not None]


def as_pairs(clicks: Iterable[PointPrompt]) -> Pairs:
    """Return clicks as the settings keep them."""
    return tuple(
        (str(click.frame), f"{click.x:.2f},{click.y:.2f}{_OUTSIDE if click.outside else ''}")
        for click in clicks
    )


def _click(frame: str, place: str) -> PointPrompt | None:
    try:
        x, y = (float(word) for word in place.rstrip(_OUTSIDE).split(","))
        if abs(x) <= 1e6 and abs(y) <= 1e6:  # which nothing that is no number is
            return PointPrompt(frame=int(frame), x=x, y=y, outside=place.endswith(_OUTSIDE))
    except ValueError:
        pass
    return None
