"""Proposals for shots that are read frame by frame.

Memory holds a small copy of each frame with the packed mask of the object, and the evidence of a part of the
shot at a time.
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


@dataclass(frozen=True, slots=True)
class _SmallFrame:
    plate: Float32Array
    hidden: Float32Array
    removed: bytes
    """The full-size mask of the object, packed and compressed."""


def proposed_frames(shot: ShotSource, monitor: Monitor) -> Iterator[ProposedFrame]:
    """Propose what the object of a shot affected, frame by frame in order.

    Raises:
        PlateError, MatteError: when a frame cannot be read.
        RemovalCancelled: when the monitor asked for a stop.
    """
    numbers, full = shot.frame_numbers, (shot.height, shot.width)
    shape = small_size(*full)
    frames: list[_SmallFrame] = []
    for index, number in enumerate(numbers):
        monitor.check_cancelled()
        frame = shot.frame(number)
        plate, hidden = reduced(frame.plate, frame.remove, shape)
        frames.append(_SmallFrame(plate, hidden, zlib.compress(np.packbits(frame.remove > 0).tobytes(), 1)))
        monitor.progress("read", index + 1, len(numbers), number)
    reason = ""
    if len(numbers) < _FEWEST_FRAMES:
        reason = f"the shot has {len(numbers)} frames, and evidence needs at least {_FEWEST_FRAMES}"
    elif not any(frame.hidden.any() for frame in frames):
        reason = "no frame has a matte of the object"
    elif min(shape) < _LEAST_SIDE:
        reason = f"the picture is less than {_LEAST_SIDE} pixels high or wide"
    for first, last, lead in _windows(len(frames)):
        part = frames[first:last]
        found: list[Found | None] = [None] * len(part)
        if not reason and any(frame.hidden.any() for frame in part):
            small = look(
                np.stack([each.plate for each in part]), np.stack([each.hidden for each in part]), monitor
            )
            found = list(find(small, monitor))
        for index in range(lead, len(part)):
            packed = np.frombuffer(zlib.decompress(part[index].removed), np.uint8)
            removed = np.unpackbits(packed, count=full[0] * full[1]).reshape(full).astype(bool)
            yield _proposed(numbers[first + index], found[index], removed, reason)


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
        reason = reason or "no frame of this part of the shot has a matte of the object"
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
