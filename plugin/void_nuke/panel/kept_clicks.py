"""Clicks on the object that is to go, as the settings keep them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from void_protocol.task import PointPrompt

Pairs = tuple[tuple[str, str], ...]
"""What the settings keep of each: ``frame@view``, and ``x,y`` with a ``-`` at the end for outside."""
_OUTSIDE = "-"


def clicks_of(pairs: Pairs, view: str) -> list[PointPrompt]:
    """Return the clicks into a view in their order. A pair that is none is left out, because a script must
    open whatever wrote it."""
    own = [(frame, place) for frame, _, of_view, place in _parts(pairs) if of_view in ("", view)]
    return [click for frame, place in own if (click := _click(frame, place)) is not None]


def as_pairs(clicks: Iterable[PointPrompt], view: str, others: Pairs = ()) -> Pairs:
    """Return clicks into a view as the settings keep them, behind those of ``others`` that are of other
    views."""
    return (
        *(pair for pair in others if pair[0].partition("@")[2] not in ("", view)),
        *(
            (f"{click.frame}@{view}", f"{click.x:.2f},{click.y:.2f}{_OUTSIDE if click.outside else ''}")
            for click in clicks
        ),
    )


def _parts(pairs: Pairs) -> Iterator[tuple[str, str, str, str]]:
    for where, place in pairs:
        yield (*where.partition("@"), place)


def _click(frame: str, place: str) -> PointPrompt | None:
    try:
        x, y = (float(word) for word in place.rstrip(_OUTSIDE).split(","))
        if abs(x) <= 1e6 and abs(y) <= 1e6:  # which nothing that is no number is
            return PointPrompt(frame=int(frame), x=x, y=y, outside=place.endswith(_OUTSIDE))
    except ValueError:
        pass
    return None
