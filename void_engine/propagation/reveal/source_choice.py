"""Chooses the source frames for a frame's hidden pixels, by coverage first and nearness in time second."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.motion.homography import apply
from void_engine.propagation.motion.track import ShotTrack

MOST_SOURCES = 12
"""The most source frames of one frame by default."""
_POINTS = 1500
"""The number of points to which hidden pixels are thinned."""
_DENSE_REACH = 16
"""All frames up to this distance are considered, and beyond it fewer and fewer."""
_STRIDE_GROWTH = 1.12
"""The factor by which the steps between distant frames grow."""
_HALF_VALUE_FRAMES = {"near": 1.0, "balanced": 3.0, "far": 24.0}
"""The distance in time at which a frame's pixels are worth half, by the option ``sources``."""
_COVERAGE_SHARE = 0.1
"""The worth of showing what no earlier choice shows, relative to the worth of showing it better."""
_REPEAT_VALUE = 0.45
"""The worth of showing a pixel once more, relative to the worth of showing it the time before."""
_LEAST_GAIN = 0.005
"""The worth below which no further source is chosen."""


_ENOUGH_TO_AVERAGE = 8
"""Up to this many frames are chosen even if they show nothing nearer, because their grain averages out."""


def candidate_frames(target: int, segment: range) -> list[int]:
    """The frames to consider, nearest first: all near ones, then in growing steps to the segment's ends."""
    offsets: list[int] = list(range(1, _DENSE_REACH + 1))
    reach = float(_DENSE_REACH)
    furthest = max(target - segment.start, segment.stop - 1 - target)
    while reach < furthest:
        reach = max(reach + 1.0, reach * _STRIDE_GROWTH)
        offsets.append(min(int(reach), furthest))
    found: list[int] = []
    for offset in offsets:
        found.extend(number for number in (target - offset, target + offset) if number in segment)
    for end in (segment.start, segment.stop - 1):
        if end != target and end not in found:
            found.append(end)
    return found


def _hole_points(hidden: BoolArray) -> Float32Array:
    """The positions of hidden pixels, (N, 2), evenly thinned to a bounded number."""
    rows, columns = np.nonzero(hidden)
    step = max(1, len(rows) // _POINTS)
    return np.stack([columns[::step], rows[::step]], axis=1).astype(np.float32)


def choose_sources(
    track: ShotTrack,
    target: int,
    preferred: frozenset[int],
    most: int = MOST_SOURCES,
    layer: int | None = None,
    reach: str = "balanced",
) -> list[int]:
    """Choose the frames that show what is hidden in ``target``, most useful first.

    Each hidden pixel is best served by the frame nearest in time that shows it, and every choice is worth
    what it improves on the choices before it, averaged over what any frame shows: the greedy solution of a
    facility location problem (Nemhauser, Wolsey and Fisher, Mathematical Programming 14, 1978). Showing
    pixels that no choice has shown is worth a little more, whatever the distance, and so is showing them
    again.

    Args:
        track: the camera track of the shot.
        target: the number of the frame to fill.
        preferred: frames that come before all others, such as clean anchors.
        most: the most frames to choose.
        layer: one of two motion layers, whose motion decides what is visible; None for the camera's.
        reach: the option ``sources``: how fast the worth of a frame falls with its distance in time.
    """
    points = _hole_points(track.hidden(target))
    if not len(points):
        return []
    numbers = [n for n in candidate_frames(target, track.segment(target)) if not track.repeats_previous(n)]
    numbers = sorted(set(numbers) | {n for n in preferred if n in track.segment(target) and n != target})
    if layer is not None:
        numbers = [n for n in numbers if track.layer_chained(target, n, layer) is not None]
    if not numbers:
        return []
    shows = np.stack([visible(track, target, number, points, layer) for number in numbers])
    ever = shows.any(axis=0)
    if not ever.any():
        return []
    shows = shows[:, ever]
    distance = np.abs(np.array(numbers) - target).astype(np.float64)
    nearness = 1.0 / (1.0 + distance / 24.0) + np.array([2.0 if n in preferred else 0.0 for n in numbers])
    nearest = np.array([2.0 if n in preferred else 0.0 for n in numbers])
    served = shows * (1.0 / (1.0 + distance / _HALF_VALUE_FRAMES[reach]) + nearest)[:, None]
    value, best_served = np.ones(shows.shape[1]), np.zeros(shows.shape[1])
    chosen: list[int] = []
    while len(chosen) < most:
        coverage = (shows * value).mean(axis=1) * nearness
        gain = np.maximum(served - best_served, 0.0).mean(axis=1) + _COVERAGE_SHARE * coverage
        gain[[numbers.index(n) for n in chosen]] = -1.0
        best = int(np.argmax(gain))
        averages = coverage[best] >= _LEAST_GAIN and len(chosen) < _ENOUGH_TO_AVERAGE
        if gain[best] < (0.0 if averages else _LEAST_GAIN):
            break
        chosen.append(numbers[best])
        value = np.where(shows[best], value * _REPEAT_VALUE, value)
        best_served = np.maximum(best_served, served[best])
    return chosen


def visible(
    track: ShotTrack, target: int, source: int, points: Float32Array, layer: int | None = None
) -> BoolArray:
    """Whether ``source`` shows the analysis pixels ``points`` (N, 2) of ``target``, as a mask (N,).

    The chained camera motion decides, or that of one ``layer``, which must be known between both frames.
    """
    through = track.chained(target, source) if layer is None else track.layer_chained(target, source, layer)
    if through is None:
        return np.zeros(len(points), bool)
    hidden = track.unusable(source)
    rows, columns = hidden.shape
    there = np.rint(apply(through, points)).astype(np.int64)
    inside = (there[:, 0] >= 1) & (there[:, 0] < columns - 1) & (there[:, 1] >= 1) & (there[:, 1] < rows - 1)
    safe = np.where(inside[:, None], there, 0)
    return np.asarray(inside & ~hidden[safe[:, 1], safe[:, 0]], bool)
