"""Makes roto shapes of outlines: closed Bezier curves whose points go along from frame to frame.

An outline has other corners on each frame, and a roto shape has the same points on all. So each outline is
resampled to as many points, evenly along its length, and the first one is chosen such that the points come
nearest to those of the frame before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from void_protocol.job import Role, RotoPoint, RotoShape, ShapeFrame

Ring = Sequence[float]
"""x and y of its corners by turns, in the host's pixels; it is closed."""
Place = tuple[float, float]

_FEWEST_POINTS, _MOST_POINTS = 8, 48
_POINTS_PER_CORNER = 2
_GAP_FRAMES = 3
"""An outline that is gone for no longer goes on as the same shape."""
_LEAST_SHARE = 0.05
"""Outlines smaller than this share of the largest of their frame are left out."""
_MOST_SHAPES = 12
"""The most shapes that one thing becomes; the smallest are left out."""


def shapes_of(
    name: str, role: Role, rings: Mapping[int, Sequence[Ring]], *, growth_px: float = 0.0
) -> list[RotoShape]:
    """Make the shapes of one thing.

    Args:
        name: what the shapes are called; further ones get a number.
        role: what the thing is to a removal.
        rings: its outlines for each frame; frames without any need no entry. Holes are left out.
        growth_px: by how much the outlines are grown; below 0 they shrink.

    Returns:
        The shapes, the largest first. Each has every frame from the first to the last, and is not visible
        where it has no outline.
    """
    tracks: list[_Track] = []
    for frame in sorted(rings):
        _follow(tracks, frame, _outer(rings[frame]))
    tracks.sort(key=lambda track: sum(abs(area(ring)) for ring in track.rings.values()), reverse=True)
    return [
        RotoShape(
            name=name if not number else f"{name} {number + 1}",
            role=role,
            frames=_frames(track, min(rings), max(rings), growth_px),
        )
        for number, track in enumerate(tracks[:_MOST_SHAPES])
    ]


def area(places: Sequence[Place]) -> float:
    """The area of a polygon, positive where it turns to the left (y up)."""
    return (
        sum(
            x0 * y1 - x1 * y0
            for (x0, y0), (x1, y1) in zip(places, [*places[1:], *places[:1]])  # noqa: B905 - both have one length
        )
        / 2
    )


@dataclass
class _Track:
    """One outline as it is followed."""

    rings: dict[int, list[Place]] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return max(self.rings)


def _outer(rings: Sequence[Ring]) -> list[list[Place]]:
    """The outlines without holes and specks, all turning to the left."""
    places = [list(zip(ring[::2], ring[1::2])) for ring in rings if len(ring) >= 6]  # noqa: B905 - pairs
    if not places:
        return []
    largest = max((area(ring) for ring in places), key=abs)
    kept = [ring for ring in places if area(ring) * largest > 0 and area(ring) / largest >= _LEAST_SHARE]
    return kept if largest > 0 else [ring[::-1] for ring in kept]


def _follow(tracks: list[_Track], frame: int, rings: list[list[Place]]) -> None:
    """Give each outline of a frame to the track whose last one is nearest and near enough, or a new one."""
    free = [track for track in tracks if frame - track.last <= _GAP_FRAMES]
    pairs = sorted(
        ((_distance(track, ring), index, ring_index) for index, track in enumerate(free)
         for ring_index, ring in enumerate(rings)),
    )  # fmt: skip
    taken: set[int] = set()
    given: set[int] = set()
    for distance, index, ring_index in pairs:
        if distance <= 1.0 and index not in taken and ring_index not in given:
            free[index].rings[frame] = rings[ring_index]
            taken.add(index)
            given.add(ring_index)
    tracks += [_Track({frame: ring}) for index, ring in enumerate(rings) if index not in given]


def _distance(track: _Track, ring: list[Place]) -> float:
    """How far an outline is from a track's last one, in the size of the larger."""
    before = track.rings[track.last]
    x0, y0 = _middle(before)
    x1, y1 = _middle(ring)
    size = math.sqrt(max(abs(area(before)), abs(area(ring)), 1.0))
    return math.hypot(x1 - x0, y1 - y0) / size


def _middle(places: Sequence[Place]) -> Place:
    return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)


def _frames(track: _Track, first: int, last: int, growth_px: float) -> list[ShapeFrame]:
    corners = max(len(ring) for ring in track.rings.values())
    count = max(_FEWEST_POINTS, min(_MOST_POINTS, _POINTS_PER_CORNER * corners))
    made: list[ShapeFrame] = []
    before: list[Place] | None = None
    for frame in range(first, last + 1):
        ring = track.rings.get(frame)
        if ring is not None:
            places = resampled(ring, count)
            if before is not None:
                places = _turned(places, before)
            before = places
            made.append(ShapeFrame(frame=frame, points=_smooth(_grown(places, growth_px))))
        else:
            there = before or resampled(track.rings[min(track.rings)], count)
            made.append(ShapeFrame(frame=frame, points=_smooth(there), visible=False))
    return made


def resampled(ring: Sequence[Place], count: int) -> list[Place]:
    """Return ``count`` places along a closed polygon, evenly by its length, from its first corner on."""
    corners = [*ring, ring[0]]
    lengths = [math.dist(a, b) for a, b in pairwise(corners)]
    step = sum(lengths) / count
    if not step:
        return [ring[0]] * count
    places: list[Place] = []
    index, begun = 0, 0.0
    for number in range(count):
        wanted = number * step
        while index < len(lengths) - 1 and begun + lengths[index] < wanted:
            begun += lengths[index]
            index += 1
        share = (wanted - begun) / lengths[index] if lengths[index] else 0.0
        (x0, y0), (x1, y1) = corners[index], corners[index + 1]
        places.append((x0 + share * (x1 - x0), y0 + share * (y1 - y0)))
    return places


def _turned(places: list[Place], before: list[Place]) -> list[Place]:
    """Begin the places where they come nearest to those before, with both about their middle."""
    own, other = _centred(places), _centred(before)

    def far(turn: int) -> float:
        return sum(
            (x - u) ** 2 + (y - v) ** 2
            for (x, y), (u, v) in zip([*own[turn:], *own[:turn]], other)  # noqa: B905 - both have one length
        )

    best = min(range(len(places)), key=far)
    return [*places[best:], *places[:best]]


def _centred(places: list[Place]) -> list[Place]:
    x, y = _middle(places)
    return [(u - x, v - y) for u, v in places]


def _grown(places: list[Place], pixels: float) -> list[Place]:
    """Move each place outwards, square to its neighbours' connection. The polygon turns to the left."""
    if not pixels:
        return places
    grown = []
    for index, (x, y) in enumerate(places):
        (x0, y0), (x1, y1) = places[index - 1], places[(index + 1) % len(places)]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        grown.append((x + pixels * (y1 - y0) / length, y - pixels * (x1 - x0) / length))
    return grown


def _smooth(places: list[Place]) -> list[RotoPoint]:
    """Give the places handles, so that the curve through them is that of Catmull and Rom."""
    points = []
    for index, (x, y) in enumerate(places):
        (x0, y0), (x1, y1) = places[index - 1], places[(index + 1) % len(places)]
        right_x, right_y = (x1 - x0) / 6.0, (y1 - y0) / 6.0
        points.append(RotoPoint(x, y, -right_x, -right_y, right_x, right_y))
    return points
