"""A proposal as a list of things: regions followed over the frames, each of one kind, with words for people.

An artist accepts or rejects a shadow as a whole, not its pixels in one frame. Everything here is done on the
small copy of the shot; :mod:`void_engine.effects.extend` says what each extension means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array, Uint8Array
from void_engine.effects import extend
from void_engine.effects.proposal import Kind
from void_engine.engines.interface import Monitor
from void_engine.geometry import Box
from void_engine.propagation.in_memory import ArrayShot
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import track_shot
from void_engine.propagation.working_set import WorkingSet

MOST_THINGS = 8
"""The most things of a proposal. What is left is gathered by kind, as scattered remains."""
EXTENSIONS = ("whole", "stood", "support", "path")
"""The ways to extend a thing, in the order in which people are offered them."""
_GAP_FRAMES = 3
"""A region that is gone for no longer is the same thing afterwards."""
_REACH_PX = 2
"""How far a thing may have moved from frame to frame beyond its own outline, in pixels of the small copy."""
_SHARED = 0.3
"""Two regions of one kind belong together where they share so much of the smaller one."""
_SHARED_ANY_KIND = 0.6
"""Regions of different kinds belong together only where they share so much."""
_LEAST_PIXELS = 40
"""What covers fewer pixels of the small copy over all frames is no thing of its own."""
_ADDS = 0.05
"""An extension that adds less than this share of the thing is not offered."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that the object affected."""

    number: int
    """From 1, the weightiest first."""
    kind: Kind
    words: str
    """What and where, for people: ``shadow below the object``."""
    confidence: float
    """How sure its pixels are on average, 0..1."""
    masks: BoolArray
    """(T, h, w) on the small copy of the shot."""
    extensions: Mapping[str, BoolArray] = field(default_factory=dict)
    """What it would be, extended in each of the ways of :data:`EXTENSIONS` that add something."""

    @property
    def frames(self) -> tuple[int, int]:
        """The first and the last frame in which it is, counted from 0."""
        there = np.nonzero(self.masks.any(axis=(1, 2)))[0]
        return int(there[0]), int(there[-1])


def things(
    kinds: Sequence[Uint8Array], confidence: Sequence[Float32Array], removed: Sequence[BoolArray]
) -> list[Thing]:
    """Follow the proposed regions over the frames.

    Args:
        kinds: (h, w) for each frame: the :class:`Kind` of each proposed pixel, else 0.
        confidence: (h, w) for each frame.
        removed: (h, w) for each frame: where the object itself is.

    Returns:
        The things, the weightiest first. Together they cover every proposed pixel once.
    """
    groups = _Groups()
    parts: list[_Part] = []
    recent: list[list[int]] = []
    for t, frame in enumerate(kinds):
        own: list[int] = []
        labels, boxes = opencv.connected_components(frame > 0)
        for label, box in enumerate(boxes, start=1):
            mask = labels == label
            kind = Kind(int(np.bincount(frame[mask]).argmax()))
            parts.append(_Part(t, mask, kind, box))
            own.append(groups.new())
        for earlier in recent[-_GAP_FRAMES:]:
            for one in earlier:
                steps = _steps(removed[parts[one].frame], removed[t])
                for other in own:
                    if any(_belong_together(parts[one], parts[other], step) for step in steps):
                        groups.join(one, other)
        recent.append(own)
    return _made(parts, groups, confidence, removed)


@dataclass(frozen=True, slots=True)
class _Part:
    """A connected region of one frame."""

    frame: int
    mask: BoolArray
    kind: Kind
    box: Box


class _Groups:
    """Disjoint sets of numbers (Galler and Fischer 1964)."""

    def __init__(self) -> None:
        self._above: list[int] = []

    def new(self) -> int:
        self._above.append(len(self._above))
        return len(self._above) - 1

    def of(self, one: int) -> int:
        while self._above[one] != one:
            self._above[one] = self._above[self._above[one]]
            one = self._above[one]
        return one

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.of(one), self.of(other)))
        self._above[high] = low


def _steps(before: BoolArray, after: BoolArray) -> list[tuple[int, int]]:
    """How a region may have moved between two frames, in columns and rows: not at all, or with the object; a
    shadow on level ground goes along only sideways."""
    if not (before.any() and after.any()):
        return [(0, 0)]
    down, across = (int(step) for step in np.round(_middle(after) - _middle(before)))
    return list(dict.fromkeys([(0, 0), (across, down), (across, 0)]))


def _belong_together(one: _Part, other: _Part, step: tuple[int, int]) -> bool:
    moved = one.box.moved(*step)
    if moved.grown(_REACH_PX).intersection(other.box.grown(_REACH_PX)).is_empty:
        return False
    both = moved.union(other.box).grown(_REACH_PX)
    first, second = (np.zeros(both.shape, bool) for _ in range(2))
    whole = Box.from_shape(one.mask.shape)
    first[moved.slices(both)] = one.mask[one.box.slices(whole)]
    second[other.box.slices(both)] = other.mask[other.box.slices(whole)]
    shape = opencv.square(2 * _REACH_PX + 1)
    shared = max(
        int((opencv.dilate(first, shape) & second).sum()) / max(1, int(second.sum())),
        int((opencv.dilate(second, shape) & first).sum()) / max(1, int(first.sum())),
    )
    return shared >= (_SHARED if one.kind == other.kind else _SHARED_ANY_KIND)


def _made(
    parts: list[_Part], groups: _Groups, confidence: Sequence[Float32Array], removed: Sequence[BoolArray]
) -> list[Thing]:
    by_group: dict[int, list[_Part]] = {}
    for index, part in enumerate(parts):
        by_group.setdefault(groups.of(index), []).append(part)
    weighed = sorted(by_group.values(), key=lambda group: _weight(group, confidence), reverse=True)
    chosen = [
        group for group in weighed[:MOST_THINGS] if sum(int(one.mask.sum()) for one in group) >= _LEAST_PIXELS
    ]
    rest = [part for group in weighed if not any(group is one for one in chosen) for part in group]
    made = []
    for group in chosen:
        kind = _kind(group)
        made.append((kind, group, _words(kind, group, removed)))
    for kind in Kind:
        scattered = [part for part in rest if part.kind == kind]
        if scattered:
            made.append((kind, scattered, f"scattered: {_NAMES[kind]}"))
    return [
        Thing(number, kind, words, _mean(group, confidence), _masks(group, len(removed)))
        for number, (kind, group, words) in enumerate(made, start=1)
    ]


def _weight(group: list[_Part], confidence: Sequence[Float32Array]) -> float:
    return sum(float(confidence[part.frame][part.mask].sum()) for part in group)


def _mean(group: list[_Part], confidence: Sequence[Float32Array]) -> float:
    return _weight(group, confidence) / max(1, sum(int(part.mask.sum()) for part in group))


def _kind(group: list[_Part]) -> Kind:
    """The kind of most of its pixels."""
    counts = dict.fromkeys(Kind, 0)
    for part in group:
        counts[part.kind] += int(part.mask.sum())
    return max(counts, key=lambda kind: counts[kind])


def _masks(group: list[_Part], count: int) -> BoolArray:
    masks = np.zeros((count, *group[0].mask.shape), bool)
    for part in group:
        masks[part.frame] |= part.mask
    return masks


_NAMES = {
    Kind.NONE: "effect",
    Kind.SHADOW: "shadow",
    Kind.REFLECTION: "reflection or light",
    Kind.MOVED: "thing that was moved",
    Kind.CARRIED: "thing that goes along",
}


def _words(kind: Kind, group: list[_Part], removed: Sequence[BoolArray]) -> str:
    """Say what a thing is and where: beside the object, or, for what was moved, in the picture."""
    if kind is Kind.MOVED:
        rows, columns = group[0].mask.shape
        y, x = np.mean([_middle(part.mask) for part in group], axis=0)
        down = "upper " if y < rows / 3 else "lower " if y > 2 * rows / 3 else ""
        across = "left" if x < columns / 3 else "right" if x > 2 * columns / 3 else "middle"
        return f"{_NAMES[kind]}, {down}{across} of the picture"
    offsets = []
    for part in group:
        if removed[part.frame].any():
            object_box = Box.around(removed[part.frame])
            size = np.array([object_box.height, object_box.width], np.float64)
            offsets.append((_middle(part.mask) - _middle(removed[part.frame])) / size)
    if not offsets:
        return f"{_NAMES[kind]}, without the object in the picture"
    y, x = np.mean(offsets, axis=0)
    if max(abs(y), abs(x)) < 0.25:
        return f"{_NAMES[kind]} around the object"
    if abs(y) >= abs(x):
        return f"{_NAMES[kind]} {'below' if y > 0 else 'above'} the object"
    return f"{_NAMES[kind]} {'right' if x > 0 else 'left'} of the object"


def _middle(mask: BoolArray) -> Float64Array:
    """Row and column of the middle of a mask that is not empty."""
    return np.asarray(np.argwhere(mask).mean(axis=0), np.float64)


def with_extensions(
    found: Sequence[Thing], plate: Float32Array, removed: BoolArray, monitor: Monitor
) -> list[Thing]:
    """Add to the things what they would be, extended; a shadow stands, falls and rolls nowhere.

    Args:
        found: the things.
        plate: (T, h, w, 3) scene-linear, the small copy of the shot.
        removed: (T, h, w): where the object is.
        monitor: may cancel.

    Raises:
        RemovalCancelled: when the monitor asked for a stop.
    """
    # A thing that is pushed along looks much like the object's mirror image, so that is asked too.
    touched = {thing.number for thing in found[:MOST_THINGS] if thing.kind is not Kind.SHADOW}
    if not touched:
        return list(found)
    camera, cuts = _camera(plate, removed, monitor)
    made = []
    for thing in found:
        if thing.number in touched:
            monitor.check_cancelled()
            thing = _extended(thing, plate, removed, camera, cuts)
        made.append(thing)
    return made


def _extended(
    thing: Thing, plate: Float32Array, removed: BoolArray, camera: Float64Array, cuts: list[range]
) -> Thing:
    masks = {name: thing.masks.copy() for name in EXTENSIONS}
    for segment in cuts:
        own = thing.masks[segment.start : segment.stop]
        there = np.nonzero(own.any(axis=(1, 2)))[0]
        if not len(there):
            continue
        cut, view = slice(segment.start, segment.stop), camera[segment.start : segment.stop]
        sizes = own.sum(axis=(1, 2))
        # The first mask may show but a corner of it; where it stood is told by the first whole one.
        whole = int(np.nonzero(sizes >= 0.5 * np.median(sizes[there]))[0][0])
        masks["whole"][cut] = extend.whole_thing(plate[cut], own, removed[cut])
        masks["stood"][cut] = extend.where_it_would_stand(own, view, whole)
        masks["support"][cut] = extend.down_to_the_next_support(plate[cut], own)
        masks["path"][cut] = extend.its_path_on(own, view, int(there[-1]))
    size = int(thing.masks.sum())
    useful = {
        name: mask & ~removed
        for name, mask in masks.items()
        if int((mask & ~removed & ~thing.masks).sum()) > _ADDS * size
    }
    return Thing(thing.number, thing.kind, thing.words, thing.confidence, thing.masks, useful)


def _camera(plate: Float32Array, removed: BoolArray, monitor: Monitor) -> tuple[Float64Array, list[range]]:
    """The homographies (T, 3, 3) to each frame from the first after its cut, and the frames between cuts."""
    working = WorkingSet(ArrayShot(plate, removed.astype(np.float32)), monitor)
    track = track_shot(working, PairRegistration(working, monitor), range(len(plate)), monitor)
    camera, segments, t = np.empty((len(plate), 3, 3)), [], 0
    while t < len(plate):
        segment = track.segment(t)
        segments.append(segment)
        for index in segment:
            camera[index] = track.chained(t, index)
        t = segment.stop
    return camera, segments
