"""Animated numbers as Nuke's curves keep them: keys with slopes on both sides.

Between two keys runs a cubic Bezier curve in time and value, as Foundry's reference of
``nuke.AnimationKey`` has it: a slope is the derivative at the key, and a reach (``la``, ``ra``) of 1 puts
the end of its handle at a third of the way to the next key, where the curve is a cubic Hermite polynomial
of time. Beyond the ends a curve goes on straight with the slope of its last key, which is 0 unless somebody
bent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_BISECTIONS = 60
_JUST_BEFORE = 1e-6
_LONGEST_REACH = 3.0
"""The largest reach that Foundry allows: a handle as long as the way to the next key."""


class Key(NamedTuple):
    """A value at a time."""

    time: float
    value: float
    left_slope: float = 0.0
    right_slope: float = 0.0
    left_reach: float = 1.0
    right_reach: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class KeyedTrack:
    """A number over time; all arrays are of one length, and the times ascend."""

    times: Floats
    values: Floats
    left_slopes: Floats
    right_slopes: Floats
    left_reaches: Floats
    right_reaches: Floats

    def at(self, frames: Floats) -> Floats:
        """Return the value at each of the frames."""
        times, values = self.times, self.values
        if len(times) == 1:
            return np.full(len(frames), values[0])
        index = np.clip(np.searchsorted(times, frames, side="right") - 1, 0, len(times) - 2)
        start, length = times[index], times[index + 1] - times[index]
        v0, v1 = values[index], values[index + 1]
        rise, fall = self.right_slopes[index] * length, self.left_slopes[index + 1] * length
        reach, back = self.right_reaches[index], self.left_reaches[index + 1]
        u = (frames - start) / length
        bent = (reach != 1.0) | (back != 1.0)
        if bent.any():
            u = np.where(bent, _parameter(np.clip(u, 0.0, 1.0), reach / 3.0, 1.0 - back / 3.0), u)
        inside = _cubic(u, v0, v0 + rise * reach / 3.0, v1 - fall * back / 3.0, v1)
        before = values[0] + self.left_slopes[0] * (frames - times[0])
        after = values[-1] + self.right_slopes[-1] * (frames - times[-1])
        return np.where(frames <= times[0], before, np.where(frames >= times[-1], after, inside))


Track: TypeAlias = float | KeyedTrack
"""A number that is constant or keyed."""


def keyed(keys: list[Key]) -> Track:
    """Make a track of keys, which need not be in order; of several at one time the last counts."""
    by_time = {key.time: key for key in keys}
    ordered = [by_time[time] for time in sorted(by_time)]
    if not ordered:
        return 0.0
    flat = all(not key.left_slope and not key.right_slope for key in ordered)
    if flat and len({key.value for key in ordered}) == 1:
        return ordered[0].value
    return KeyedTrack(
        *(
            np.array(column, np.float64)
            for column in (
                [key.time for key in ordered],
                [key.value for key in ordered],
                [key.left_slope for key in ordered],
                [key.right_slope for key in ordered],
                [min(max(key.left_reach, 0.0), _LONGEST_REACH) for key in ordered],
                [min(max(key.right_reach, 0.0), _LONGEST_REACH) for key in ordered],
            )
        )
    )


def hold_until(time: float, value: float) -> Key:
    """Return the key that ends a held value just before the next key, at ``time``.

    Shapes are sampled at whole frames, so that the way from there to the next key is never seen.
    """
    return Key(time - _JUST_BEFORE, value, left_reach=0.0, right_reach=0.0)


def sample(track: Track, frames: Floats) -> Floats:
    """Return the track's value at each of the frames."""
    return np.full(len(frames), track) if isinstance(track, float) else track.at(frames)


def _cubic(u: Floats, p0: Floats, p1: Floats, p2: Floats, p3: Floats) -> Floats:
    v = 1.0 - u
    value: Floats = v**3 * p0 + 3.0 * u * v**2 * p1 + 3.0 * u**2 * v * p2 + u**3 * p3
    return value


def _parameter(x: Floats, x1: Floats, x2: Floats) -> Floats:
    """Return where a Bezier curve from 0 over ``x1`` and ``x2`` to 1 reaches ``x``, by halving intervals."""
    low, high = np.zeros_like(x), np.ones_like(x)
    zero, one = np.zeros_like(x), np.ones_like(x)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        short = _cubic(middle, zero, x1, x2, one) < x
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return (low + high) / 2.0
