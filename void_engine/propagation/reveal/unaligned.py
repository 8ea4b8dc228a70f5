"""What neighbouring frames show in the same place, without being moved: a foreground that stands still."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation.motion.homography import apply
from void_engine.propagation.motion.shot_motion import ShotMotion

_REACH = 24
"""The most frames that a neighbour is away."""
_LEAST_GAIN = 0.02
"""The share of the pixels that a neighbour must add to be read."""
_MOST = 3
"""The most neighbours that are read."""
_STILL_PX = 0.7
"""Motion of the camera, in analysis pixels, below which neighbours show what aligned frames show."""


def unaligned(
    motion: ShotMotion, target: int, area: Box, wanted: BoolArray
) -> tuple[Float32Array, BoolArray] | None:
    """What the nearest frames show in the place of the pixels ``wanted``.

    Args:
        motion: the shot.
        target: the number of the frame.
        area: the part of the frame that is asked for, in full-size pixels.
        wanted: (h, w) on the area.

    Returns:
        Encoded pixels, (h, w, 3), and where they were found, (h, w); None where the camera hardly moves, or
        no near frame shows a pixel.
    """
    numbers = _chosen(motion, target, area, wanted)
    if not numbers:
        return None
    values = np.zeros((*wanted.shape, 3), np.float32)
    found = np.zeros(wanted.shape, bool)
    for number in numbers:
        full = motion.working.full(number)
        shows = ~full.hidden[area.slices(full.box)] & ~found
        values = np.where(shows[:, :, None], full.encoded(area), values)
        found |= shows
    return values, found


def _chosen(motion: ShotMotion, target: int, area: Box, wanted: BoolArray) -> list[int]:
    rows, columns = np.nonzero(wanted)
    ratio = motion.working.ratio
    places = np.stack([(columns + area.x0) * ratio[1], (rows + area.y0) * ratio[0]], axis=1)
    return showing(motion, target, places.astype(np.float32))


def showing(motion: ShotMotion, target: int, places: Float32Array) -> list[int]:
    """The frames that show most of the ``places``, as they are, the nearest first.

    Those along whose motion the places hardly move are left out: aligned they show the same.

    Args:
        motion: the shot.
        target: the number of the frame.
        places: (N, 2) of x, y in analysis pixels.
    """
    track = motion.track
    shape = track.hidden(target).shape
    places = places[:: max(1, len(places) // 1500)]
    at = np.minimum(places.astype(np.intp), np.array([shape[1] - 1, shape[0] - 1]))
    segment = track.segment(target)
    shows = {}
    for number in range(max(segment.start, target - _REACH), min(segment.stop, target + _REACH + 1)):
        if number == target or track.repeats_previous(number):
            continue
        moved = np.abs(apply(track.chained(target, number), places) - places).max(axis=1)
        shows[number] = ~track.hidden(number)[at[:, 1], at[:, 0]] & (moved > _STILL_PX)
    missing = np.ones(len(at), bool)
    chosen: list[int] = []
    while shows and len(chosen) < _MOST:
        gains = {n: (there & missing).sum() / (1.0 + abs(n - target) / _REACH) for n, there in shows.items()}
        best = max(gains, key=gains.__getitem__)
        if gains[best] < _LEAST_GAIN * len(at):
            break
        missing &= ~shows.pop(best)
        chosen.append(best)
    return sorted(chosen, key=lambda number: abs(number - target))
