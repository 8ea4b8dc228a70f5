"""Judges a shot frame by frame, in memory that does not grow with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.ahead import frames_at_a_time, working_ahead
from void_engine.quality.cells import cell_means, cell_shares
from void_engine.quality.checks import OutsideCheck, check_outside, count_invalid
from void_engine.quality.evidence import REACH, evidence
from void_engine.quality.frame_measures import FrameMeasures, SeenFrame, measured, window_around
from void_engine.quality.light import encode
from void_engine.quality.verdict import FrameVerdict, verdict_of
from void_engine.shares import INVENTED_BELOW

_LARGEST_PIXELS = 1_500_000
"""A hole with its surroundings is measured at full size up to so many pixels, and reduced by whole factors
beyond: at 4K a fault of one pixel is none of a picture."""


@dataclass(frozen=True)
class JudgedFrame:
    """One frame that is to be judged. All arrays cover the same pixels."""

    number: int
    plate: Float32Array
    """(H, W, 3), scene-linear."""
    replaced: Float32Array
    """(H, W): how far each pixel was replaced, 0..1; where it is 0 the plate must not be touched."""
    result: Float32Array
    """(H, W, 3), scene-linear."""
    affected: BoolArray | None = None
    """(H, W): the pixels that were only affected by the object (shadow, reflection); None for none."""
    confidence: Float32Array | None = None
    """(H, W) in 0..1: how sure the engine is of each pixel; below 0.25 it is invented."""
    outside: OutsideCheck | None = None
    """What was touched outside the matte, where the caller has looked already, over more pixels."""


@dataclass(frozen=True)
class _Facts:
    """What is known of a frame for certain."""

    number: int
    outside: OutsideCheck
    invalid: int
    invented: float | None


def judged(frames: Iterable[JudgedFrame], brightness: float) -> Iterator[FrameVerdict]:
    """Judge the frames of a shot in their order, which have no gaps.

    A few frames are held at a time, and as many are measured at once as there are cores.

    Args:
        frames: the frames; each is drawn once.
        brightness: the shot's, of :func:`void_engine.quality.light.shot_brightness`.
    """
    facts: deque[_Facts] = deque()
    history: deque[FrameMeasures] = deque()
    at = 0  # The place in the history of the frame that is told next
    source = iter(frames)
    head = next(source, None)
    if head is None:
        return
    cores = frames_at_a_time(4 * head.replaced.size)

    def in_time() -> Iterator[tuple[SeenFrame, list[SeenFrame], SeenFrame | None]]:
        """Each frame with its neighbours; the first and the last also with the frame beyond."""
        held = deque([_seen(head, brightness, facts)], maxlen=3)
        count = 1
        for one in source:
            held.append(_seen(one, brightness, facts))
            count += 1
            if count == 3:
                yield held[0], [held[1]], held[2]
            if count >= 3:
                yield held[1], [held[0], held[2]], None
        if count == 2:
            yield held[0], [held[1]], None
        yield held[-1], list(held)[-2:-1], held[0] if count >= 3 else None

    def verdict() -> FrameVerdict:
        nonlocal at
        fact = facts.popleft()
        own = evidence(list(history), at) if history[at].values or history[at].profiles else {}
        if at < REACH:
            at += 1
        else:
            history.popleft()
        return verdict_of(fact.number, own, fact.outside, fact.invalid, fact.invented)

    with working_ahead(cores) as ahead:
        for found in ahead(lambda item: _measured(*item), in_time()):
            history.append(found)
            if len(history) - at > REACH:
                yield verdict()
    while at < len(history):
        yield verdict()


def _seen(frame: JudgedFrame, brightness: float, facts: deque[_Facts]) -> SeenFrame:
    hole = frame.replaced > 0
    outside = frame.outside or check_outside(frame.plate, frame.result, hole)
    invalid = count_invalid(frame.plate, frame.result, hole, brightness)
    facts.append(_Facts(frame.number, outside, invalid, _invented(frame, hole)))
    # What was touched outside is told by itself. Every other measure takes the plate for the truth there.
    result = np.where(hole[..., None], frame.result, frame.plate)
    return SeenFrame(
        encode(frame.plate, brightness), encode(result, brightness), result, hole, frame.affected
    )


def _invented(frame: JudgedFrame, hole: BoolArray) -> float | None:
    if frame.confidence is None:
        return None
    weight = np.minimum(frame.replaced[hole], 1.0).astype(np.float64)
    total = float(weight.sum())
    return float(weight[frame.confidence[hole] < INVENTED_BELOW].sum()) / total if total > 0 else None


def _measured(frame: SeenFrame, neighbours: list[SeenFrame], further: SeenFrame | None) -> FrameMeasures:
    if not frame.hole.any():
        return FrameMeasures()
    seen = [frame, *neighbours, *([] if further is None else [further])]
    box = window_around([one.hole for one in seen])
    parts = [one.cropped(box) for one in seen]
    factor = int(np.ceil(np.sqrt(box.width * box.height / _LARGEST_PIXELS)))
    if factor > 1:
        parts = [_reduced(one, factor) for one in parts]
    beside = 1 + len(neighbours)
    return measured(parts[0], parts[1:beside], parts[beside] if further is not None else None)


def _reduced(frame: SeenFrame, factor: int) -> SeenFrame:
    rows, columns = frame.hole.shape[0] // factor, frame.hole.shape[1] // factor
    return SeenFrame(
        cell_means(frame.plate, factor),
        cell_means(frame.result, factor),
        frame.raw[: rows * factor : factor, : columns * factor : factor],
        cell_shares(frame.hole, factor) > 0,
        None if frame.affected is None else cell_shares(frame.affected, factor) > 0.5,
    )
