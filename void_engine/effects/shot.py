"""Proposals for shots that are read frame by frame.

Memory holds small copies, packed masks of the object and the evidence of a part of the shot at a time, and
does not grow with the shot.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects.gathering import Found, find
from void_engine.effects.proposal import UNKNOWN_CONFIDENCE, FrameFacts, Kind
from void_engine.effects.small_shot import look, reduced, small_size
from void_engine.engines.interface import Monitor, ShotSource

_FEWEST_FRAMES = 4
"""Fewer frames cannot tell what belongs to the object."""
_LEAST_SIDE = 8
"""Smaller pictures, in pixels, are not looked at."""
_MOSTLY = 0.5
_RESTLESS = 2.5
"""Where the picture changes so many times more than usual far from the object, nothing stands out."""
_WINDOW, _OVERLAP = 160, 32
"""Longer shots are looked at in windows of so many frames, which overlap by so many."""


@dataclass(frozen=True, slots=True)
class ProposedFrame:
    """The proposal for one frame, at the size of the shot."""

    number: int
    matte: Float32Array
    confidence: Float32Array
    kinds: Uint8Array
    facts: FrameFacts


def proposed_frames(shot: ShotSource, monitor: Monitor) -> Iterator[ProposedFrame]:
    """Propose what the object of a shot affected, frame by frame in order.

    Raises:
        PlateError, MatteError: when a frame cannot be read.
        RemovalCancelled: when the monitor asked for a stop.
    """
    numbers, full = shot.frame_numbers, (shot.height, shot.width)
    shape = small_size(*full)
    reason = ""
    if len(numbers) < _FEWEST_FRAMES:
        reason = f"the shot has {len(numbers)} frames, and evidence needs at least {_FEWEST_FRAMES}"
    elif min(shape) < _LEAST_SIDE:
        reason = f"the picture is less than {_LEAST_SIDE} pixels high or wide"
    part = _Part.of(0, shape)
    for first, last, lead in _windows(len(numbers)):
        part = part.moved(first, last)
        for index in range(last - part.missing, last):
            monitor.check_cancelled()
            frame = shot.frame(numbers[index])
            part.take(index, *reduced(frame.plate, frame.remove, shape), frame.remove > 0)
            monitor.progress("read", index + 1, len(numbers), numbers[index])
        found: list[Found | None] = [None] * (last - first)
        if not reason and part.hidden.any():
            found = list(find(look(part.plate, part.hidden, monitor), monitor))
        nothing = reason or ("" if part.hidden.any() else _NO_MATTE[(first, last) == (0, len(numbers))])
        for index in range(lead, last - first):
            packed = np.frombuffer(zlib.decompress(part.removed[index]), np.uint8)
            removed = np.unpackbits(packed, count=full[0] * full[1]).reshape(full).astype(bool)
            yield _proposed(numbers[first + index], found[index], removed, nothing)


_NO_MATTE = (
    "no frame of this part of the shot has a matte of the object",
    "no frame has a matte of the object",
)


@dataclass(slots=True)
class _Part:
    """The small copies of some frames of a shot, and the full-size masks of the object."""

    first: int
    plate: Float32Array
    """(n, h, w, 3)"""
    hidden: Float32Array
    """(n, h, w)"""
    removed: list[bytes]
    """The masks, packed and compressed, of the frames that are there."""

    @classmethod
    def of(cls, count: int, shape: tuple[int, int]) -> _Part:
        return cls(0, np.zeros((count, *shape, 3), np.float32), np.zeros((count, *shape), np.float32), [])

    @property
    def missing(self) -> int:
        """How many frames at the end are still to be taken."""
        return len(self.plate) - len(self.removed)

    def moved(self, first: int, last: int) -> _Part:
        """The part of the frames from ``first`` to before ``last``, with those that are known already."""
        shape = (self.plate.shape[1], self.plate.shape[2])
        made, offset = _Part.of(last - first, shape), first - self.first
        made.first, made.removed = first, self.removed[offset:]
        made.plate[: len(made.removed)] = self.plate[offset:]
        made.hidden[: len(made.removed)] = self.hidden[offset:]
        return made

    def take(self, index: int, plate: Float32Array, hidden: Float32Array, removed: BoolArray) -> None:
        """Take the next frame, which has this index in the shot."""
        at = index - self.first
        self.plate[at], self.hidden[at] = plate, hidden
        self.removed.append(zlib.compress(np.packbits(removed).tobytes(), 1))


def _windows(count: int) -> Iterator[tuple[int, int, int]]:
    """First frame, end, and how many leading frames are the window's before; all counted from 0."""
    start = 0
    while True:
        end = min(count, start + _WINDOW)
        if count - end < _OVERLAP:
            end = count
        yield start, end, _OVERLAP if start else 0
        if end == count:
            return
        start = end - _OVERLAP


def _proposed(number: int, found: Found | None, removed: BoolArray, reason: str) -> ProposedFrame:
    if found is None:
        confidence = np.where(removed, np.float32(1), np.float32(UNKNOWN_CONFIDENCE)).astype(np.float32)
        zeros = np.zeros(removed.shape, np.float32)
        return ProposedFrame(
            number, zeros, confidence, zeros.astype(np.uint8), FrameFacts(number, 0.0, 0.0, 0.0, {}, reason)
        )
    shape = removed.shape
    matte = np.clip(opencv.resize(found.region.astype(np.float32), shape) * 3 - 1, 0, 1)
    matte = np.where(removed, np.float32(0), matte).astype(np.float32)
    chance = opencv.resize(found.chance, shape)
    known = opencv.resize(found.known.astype(np.float32), shape) > _MOSTLY
    proposed = matte >= _MOSTLY
    confidence = np.where(proposed, chance, np.where(known, 1 - chance, np.float32(UNKNOWN_CONFIDENCE)))
    confidence = np.where(removed, np.float32(1), confidence).astype(np.float32)
    kinds = np.where(matte > 0, _nearest(found.kinds, shape), 0).astype(np.uint8)
    return ProposedFrame(number, matte, confidence, kinds, _facts(number, found, proposed, confidence, kinds))


def _nearest(kinds: Uint8Array, shape: tuple[int, int]) -> Uint8Array:
    """The kinds at full size, reaching a pixel beyond the regions, as their soft edge does."""
    grown = opencv.dilate_values(kinds.astype(np.float32), opencv.square(3)).astype(np.uint8)
    rows, columns = ((np.arange(n) * m) // n for n, m in zip(shape, kinds.shape, strict=True))
    return np.asarray(grown[rows[:, None], columns[None]], np.uint8)


def _facts(
    number: int, found: Found, proposed: BoolArray, confidence: Float32Array, kinds: Uint8Array
) -> FrameFacts:
    near = int(found.near.sum())
    known = float((found.known & found.near).sum() / near) if near else 1.0
    unknown = ""
    if known < _MOSTLY:
        unknown = "the object never leaves its surroundings, so no frame shows them without it"
    elif found.restless > _RESTLESS and not proposed.any():
        unknown = "the picture changes far from the object as it does beside it, so nothing stands out"
    shares = {kind.word: float((proposed & (kinds == kind)).mean()) for kind in Kind if kind}
    return FrameFacts(
        number,
        float(proposed.mean()),
        float(confidence[proposed].mean()) if proposed.any() else 0.0,
        known,
        {word: share for word, share in shares.items() if share},
        unknown,
    )
