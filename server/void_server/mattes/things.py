"""A shot's proposal, gathered until its things are known, then frame by frame with a layer for each."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects.proposal import FrameFacts, Kind
from void_engine.effects.shot import ProposedFrame
from void_engine.effects.small_shot import reduced, small_size
from void_engine.effects.things import EXTENSIONS, MOST_THINGS, Thing, things, with_extensions
from void_engine.plates.ingest.mattes import MATTE_CHANNEL
from void_engine.removal_monitor import RemovalMonitor
from void_protocol import proposal as told
from void_protocol.frame_list import runs
from void_server.mattes.files import OpenedShot, rings_of
from void_server.mattes.layer_room import most_layers
from void_server.mattes.packed import pack, unpack
from void_server.mattes.reasoned import ReasonedThings

CONFIDENCE_CHANNEL = f"confidence.{MATTE_CHANNEL}"


def matte_channels() -> tuple[str, ...]:
    """The channels of every proposal: the whole matte, the confidence, and the matte of each kind alone."""
    return (MATTE_CHANNEL, CONFIDENCE_CHANNEL, *(f"{kind.word}.{MATTE_CHANNEL}" for kind in Kind if kind))


@dataclass(frozen=True, slots=True)
class WholeFrame:
    """One frame of a proposal, as it is written."""

    number: int
    facts: FrameFacts
    channels: tuple[str, ...]
    planes: list[Float32Array]
    """(H, W) for each channel."""
    outlines: dict[str, list[list[float]]]
    """The rings of each layer's outline: x and y of their corners in the job's pixels, y up."""


@dataclass(frozen=True, slots=True)
class _Packed:
    """A proposed frame in a few kilobytes. Values in 0..1 keep 255 steps."""

    number: int
    facts: FrameFacts
    matte: bytes
    confidence: bytes
    kinds: bytes


class GatheredProposal:
    """The frames of a shot's proposal, and the things that they show."""

    def __init__(self, opened: OpenedShot) -> None:
        self._opened = opened
        self._full = opened.shot.box.shape
        self._small = small_size(*self._full)
        self._frames: list[_Packed] = []
        self._small_kinds: list[Uint8Array] = []
        self._small_confidence: list[Float32Array] = []
        self._labels: list[Uint8Array] = []
        """(h, w) for each frame: the number of the thing that is there or nearest."""
        self.things: list[Thing] = []
        self._reasoned: ReasonedThings | None = None

    def take_reasoned(self, reasoned: ReasonedThings) -> None:
        """Tell what a language model says; to be called before :meth:`settle`."""
        self._reasoned = reasoned

    def add(self, frame: ProposedFrame) -> None:
        """Take the next frame of the shot."""
        rows, columns = (
            (2 * np.arange(few) + 1) * many // (2 * few)
            for few, many in zip(self._small, self._full, strict=True)
        )
        seen = np.where(frame.matte >= 0.5, frame.kinds, 0).astype(np.uint8)
        self._small_kinds.append(np.ascontiguousarray(seen[rows[:, None], columns[None]]))
        self._small_confidence.append(np.ascontiguousarray(frame.confidence[rows[:, None], columns[None]]))
        packed = (pack(frame.matte), pack(frame.confidence), zlib.compress(frame.kinds.tobytes(), 1))
        self._frames.append(_Packed(frame.number, frame.facts, *packed))

    def settle(self, monitor: RemovalMonitor) -> None:
        """Find the things, once all frames are here, and extend them.

        Raises:
            PlateError, MatteError: when a frame cannot be read again.
            RemovalCancelled: when the monitor asked for a stop.
        """
        shot = self._opened.shot
        removed = [
            _any(shot.mattes.at(number, shot.box).remove > 0, self._small) for number in shot.frame_numbers
        ]
        reasoned = [] if self._reasoned is None else self._reasoned.things(self._small)
        # What is part of a thing that somebody has told of is not told again.
        kinds = [
            np.where(_united(reasoned, t, self._small), np.uint8(0), kinds)
            for t, kinds in enumerate(self._small_kinds)
        ]
        found = [
            replace(thing, number=thing.number + len(reasoned))
            for thing in things(kinds, self._small_confidence, removed)
        ]
        if any(thing.kind is not Kind.SHADOW for thing in found[:MOST_THINGS]):
            plates = []
            for done, number in enumerate(shot.frame_numbers, start=1):
                monitor.check_cancelled()
                frame = shot.frame(number)
                plates.append(reduced(frame.plate, frame.remove, self._small)[0])
                monitor.progress("extend", done, len(shot.frame_numbers), number)
            found = with_extensions(found, np.stack(plates), np.stack(removed), monitor)
        self.things = self._affordable([*reasoned, *found])
        self._labels = [_labels(self.things, t, self._small) for t in range(len(self._frames))]
        self._small_kinds, self._small_confidence = [], []

    def reported(self) -> list[told.Thing]:
        """The things, as the report tells of them."""
        first = self._opened.shot.frame_numbers[0]
        reasoned = [] if self._reasoned is None else self._reasoned.reported(self._typed_frames)
        return [*reasoned, *self._found(first, len(reasoned))]

    def _typed_frames(self, masks: BoolArray) -> str:
        first = self._opened.shot.frame_numbers[0]
        return _typed(first + int(t) for t in np.nonzero(masks.any(axis=(1, 2)))[0])

    def _found(self, first: int, skipped: int) -> list[told.Thing]:
        """What evidence alone has found: the things after the first ``skipped``."""
        return [
            told.Thing(
                number=thing.number,
                words=thing.words,
                kind=thing.kind.word,
                since=first + thing.frames[0] if thing.frames[0] else None,
                frames=_typed(first + int(t) for t in np.nonzero(thing.masks.any(axis=(1, 2)))[0]),
                seen_by=["evidence"],
                confidence=round(thing.confidence, 3),
                extensions=[name for name in EXTENSIONS if name in thing.extensions],
            )
            for thing in self.things[skipped:]
        ]

    def frames(self) -> Iterator[WholeFrame]:
        """The frames in order, each with all its layers."""
        layers = [layer for thing in self.things for layer in _layers(thing)]
        channels = (*matte_channels(), *(f"{layer}.{MATTE_CHANNEL}" for layer in layers))
        rows, columns = (np.arange(n) * m // n for n, m in zip(self._full, self._small, strict=True))
        for t, packed in enumerate(self._frames):
            matte, confidence = (unpack(each, self._full) for each in (packed.matte, packed.confidence))
            kinds = np.frombuffer(zlib.decompress(packed.kinds), np.uint8).reshape(self._full)
            planes = [matte, confidence, *(_where(kinds == kind, matte) for kind in Kind if kind)]
            label = self._labels[t][rows[:, None], columns[None]]
            drawn: dict[str, list[list[float]]] = {}
            removed = self._opened.shot.mattes.at(packed.number, self._opened.shot.box).remove > 0
            own_of_told = [] if self._reasoned is None else self._reasoned.planes(t)
            for position, thing in enumerate(self.things):
                if position < len(own_of_told):
                    own = own_of_told[position]
                else:
                    own = _where(label == thing.number, matte)
                planes.append(own)
                for layer, mask in _layers(thing).items():
                    if mask is not thing.masks:
                        planes.append(np.maximum(own, self._grown(mask[t], removed)))
                    if rings := rings_of(mask[t], self._opened):
                        drawn[layer] = rings
            yield WholeFrame(packed.number, packed.facts, channels, planes, drawn)

    def _grown(self, mask: BoolArray, removed: BoolArray) -> Float32Array:
        """A mask of the small copy at full size, with the soft edge of a proposal, without the object."""
        soft = np.clip(opencv.resize(mask.astype(np.float32), self._full) * 3 - 1, 0, 1)
        return np.where(removed, np.float32(0), soft).astype(np.float32)

    def _affordable(self, found: Sequence[Thing]) -> list[Thing]:
        """The things with as many extensions as have room in a frame; of very large plates fewer have one."""
        room = most_layers(self._full) - len(matte_channels()) - len(found)
        kept = []
        for thing in found:
            names = [name for name in EXTENSIONS if name in thing.extensions][: max(0, room)]
            room -= len(names)
            extensions = {name: thing.extensions[name] for name in names}
            kept.append(
                Thing(thing.number, thing.kind, thing.words, thing.confidence, thing.masks, extensions)
            )
        return kept


def _united(found: Sequence[Thing], t: int, shape: tuple[int, int]) -> BoolArray:
    """Where any of the things is on frame ``t``."""
    mask = np.zeros(shape, bool)
    for thing in found:
        mask |= thing.masks[t]
    return mask


def _typed(numbers: Iterable[int]) -> str:
    """Frames as people write them."""
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in runs(numbers))


def _layers(thing: Thing) -> dict[str, BoolArray]:
    """The names of a thing's layers, with their masks; its own is the first."""
    own = f"thing{thing.number}"
    return {own: thing.masks, **{f"{own}_{name}": mask for name, mask in thing.extensions.items()}}


def _labels(found: Sequence[Thing], t: int, shape: tuple[int, int]) -> Uint8Array:
    """The number of the thing of frame ``t`` that is nearest to each pixel; 0 where the frame has none."""
    labels = np.zeros(shape, np.uint8)
    for thing in found:
        labels[thing.masks[t]] = thing.number
    there = labels > 0
    if not there.any():
        return labels
    nearest = opencv.nearest_labels(there)
    numbers = np.zeros(int(nearest.max()) + 1, np.uint8)
    numbers[nearest[there]] = labels[there]
    return np.asarray(numbers[nearest], np.uint8)


def _where(mask: BoolArray, matte: Float32Array) -> Float32Array:
    return np.where(mask, matte, np.float32(0)).astype(np.float32)


def _any(mask: BoolArray, shape: tuple[int, int]) -> BoolArray:
    """The mask on a smaller picture: True where any of it is."""
    small = opencv.resize(mask.astype(np.float32), shape, opencv.AREA)
    return np.asarray(small > 1e-4, bool)
