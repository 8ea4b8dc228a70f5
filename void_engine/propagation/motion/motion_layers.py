"""Two things that move differently: what is in front, a fence or a frame, and what is behind it.

One homography for each step of the shot follows the one or the other, whichever has more corners just then.
So the corners that the first motion leaves over are asked for a second one, and corners seen in two steps
tell which motion continues which: each layer gets a chain of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.propagation.motion.homography import REPROJECTION_PX, Homography, apply, fit, identity

_APART_PX = 2.0
"""A corner that misses a motion by more than this does not belong to it."""
_CLOSE_PX = 0.5
_SAME_CORNER_PX = 2.0
_FEWEST_CORNERS = 16
_FEWEST_TO_FIT = 8
_ROUNDS = 3
_LEAST_PART = 0.08
"""Part of the tracked corners that each of two motions must explain."""
_LEAST_CONTINUED = 0.75
"""Part of the corners seen in two steps that must stay with their motion."""
_CLEARLY = 2.0
"""How much less the motions must change in one order than in the other to tell the order by that."""
_LEAST_STEPS = 0.5
"""Part of a segment's steps that must show two motions, or it has one."""
LAYERS = 2


@dataclass(frozen=True, slots=True)
class Tracks:
    """Corners of one frame and where they are in the next; each (N, 2) x and y, in analysis pixels."""

    points: Float32Array
    found: Float32Array


@dataclass(frozen=True, slots=True)
class _Step:
    """The two motions from a frame to the next, and which corners of the next follow which."""

    motions: tuple[Homography, Homography]
    corners: Float32Array
    """(N, 2) in the later frame."""
    owner: NDArray[np.int8]
    """(N,) 0, 1 or -1 for neither."""
    support: float
    """How many corners the motions explain; those that they miss by a fraction of a pixel count in part."""

    @property
    def smaller_support(self) -> int:
        """Corners that follow the motion with fewer of them."""
        return min(int((self.owner == layer).sum()) for layer in range(LAYERS))


def _misses(homography: Homography, tracks: Tracks) -> Float32Array:
    """(N,) distance of each corner from where ``homography`` sends it."""
    away = tracks.found - apply(homography, tracks.points)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]), np.float32)


def _fitted(tracks: Tracks, chosen: BoolArray, shape: tuple[int, ...]) -> Homography | None:
    """The robust homography of the ``chosen`` corners, or None when they are too few or not of one plane."""
    if int(chosen.sum()) < _FEWEST_TO_FIT:
        return None
    fitted = fit(tracks.points[chosen], tracks.found[chosen], shape)
    return None if fitted is None or fitted.inliers < _FEWEST_TO_FIT else fitted.homography


def _divided(motions: tuple[Homography, Homography], tracks: Tracks) -> NDArray[np.int8]:
    """(N,) the motion that each corner follows: 0, 1, or -1 for neither."""
    misses = np.stack([_misses(motion, tracks) for motion in motions])
    owner: NDArray[np.int8] = np.argmin(misses, axis=0).astype(np.int8)
    owner[misses.min(axis=0) > REPROJECTION_PX] = -1
    return owner


def _settled(owner: NDArray[np.int8], tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """The two motions that corners divided like ``owner`` lead to: fitted and divided again by turns."""
    for _ in range(_ROUNDS):
        fitted = [_fitted(tracks, owner == layer, shape) for layer in range(LAYERS)]
        if fitted[0] is None or fitted[1] is None:
            return None
        motions = (fitted[0], fitted[1])
        owner = _divided(motions, tracks)
    nearest = np.minimum(_misses(motions[0], tracks), _misses(motions[1], tracks))
    support = float((1.0 / (1.0 + np.square(nearest / _CLOSE_PX))).sum())
    return _Step(motions, tracks.found, owner, support)


def two_motions(first: Homography, tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """The two motions of a step, None when there is but one.

    A homography that fits many corners may be none of the two but a tilted plane between them, so a second
    start is made from the corners that share the commonest shift.

    Args:
        first: the motion found for the frame.
        tracks: all corners that could be tracked.
        shape: (rows, columns) of the analysis frame.
    """
    starts = (_misses(first, tracks) <= _APART_PX, _share_a_shift(tracks))
    found = [_settled(np.where(one, 0, 1).astype(np.int8), tracks, shape) for one in starts]
    return max((step for step in found if step is not None), key=lambda step: step.support, default=None)


def _share_a_shift(tracks: Tracks) -> BoolArray:
    """(N,) the corners that move by nearly the same vector as most others."""
    shifts = tracks.found - tracks.points
    apart = np.square(shifts[:, None] - shifts[None]).sum(axis=2)
    alike = apart < REPROJECTION_PX**2
    return np.asarray(alike[int(np.argmax(alike.sum(axis=1)))], np.bool_)


def _continuing(before: _Step, tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """The motions of the corners that followed the one and the other in the step ``before``."""
    step = _settled(_earlier_owner(before, tracks.points), tracks, shape)
    return None if step is None else _ordered(step, before, tracks, shape)


def _ordered(step: _Step, before: _Step, tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """``step`` with its motions in the order of the step ``before``: that of the corners both steps have, or
    else that in which the motions change less; None when neither tells."""
    earlier = _earlier_owner(before, tracks.points)
    told = (step.owner >= 0) & (earlier >= 0)
    same = float((step.owner == earlier)[told].mean()) if int(told.sum()) >= _FEWEST_TO_FIT else 0.5
    if max(same, 1.0 - same) < _LEAST_CONTINUED:
        kept, swapped = (_change(step.motions[::turn], before.motions, shape) for turn in (1, -1))
        if max(kept, swapped) < _CLEARLY * min(kept, swapped):
            return None
        same = float(kept < swapped)
    if same > 0.5:
        return step
    turned = np.where(step.owner >= 0, 1 - step.owner, step.owner).astype(np.int8)
    return _Step((step.motions[1], step.motions[0]), step.corners, turned, step.support)


def _change(motions: tuple[Homography, ...], before: tuple[Homography, ...], shape: tuple[int, ...]) -> float:
    """How far, in pixels, the motions are from those before, over the picture."""
    x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 3), np.linspace(0, shape[0] - 1, 3))
    points = np.stack([x.reshape(-1), y.reshape(-1)], axis=1).astype(np.float32)
    return sum(
        float(np.abs(apply(now, points) - apply(then, points)).mean())
        for now, then in zip(motions, before, strict=True)
    )


def _earlier_owner(before: _Step, points: Float32Array) -> NDArray[np.int8]:
    """(N,) whom the corner at each of ``points`` followed in the step ``before``; -1 if none was there."""
    if not len(points) or not len(before.corners):
        return np.full(len(points), -1, np.int8)
    apart = np.square(points[:, None] - before.corners[None]).sum(axis=2)
    nearest = np.argmin(apart, axis=1)
    close = apart[np.arange(len(points)), nearest] < _SAME_CORNER_PX**2
    return np.where(close, before.owner[nearest], -1).astype(np.int8)


class MotionLayers:
    """The motions of two layers from frame to frame, as far as a shot has two.

    Frames are counted from 0. Layer 0 is the one that explains more corners in its segment.
    """

    def __init__(self) -> None:
        self._links: list[tuple[Homography, Homography] | None] = []
        """For each frame, the motions from the frame before."""
        self._support: list[tuple[int, int]] = []
        self._latest: _Step | None = None

    def append(self, homography: Homography | None, tracks: Tracks | None, shape: tuple[int, ...]) -> None:
        """Add the next frame.

        Args:
            homography: the one motion found from the frame before; None at a cut.
            tracks: the corners it was found from; None where there was nothing to track.
            shape: (rows, columns) of the analysis frame.
        """
        step = None if homography is None or tracks is None else self._step(homography, tracks, shape)
        self._latest = step
        self._links.append(None if step is None else step.motions)
        counts = (0, 0) if step is None else (int((step.owner == 0).sum()), int((step.owner == 1).sum()))
        self._support.append(counts)

    def _step(self, homography: Homography, tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
        found = [two_motions(homography, tracks, shape)]
        if self._latest is not None:
            fresh = found[0]
            found[0] = None if fresh is None else _ordered(fresh, self._latest, tracks, shape)
            found.append(_continuing(self._latest, tracks, shape))
        fewest = max(_FEWEST_CORNERS, round(_LEAST_PART * len(tracks.points)))
        good = [step for step in found if step is not None and step.smaller_support >= fewest]
        return max(good, key=lambda step: step.support, default=None)

    def settle(self, segment: range) -> bool:
        """Decide whether the frames of ``segment`` (after its first) have two layers, and which is layer 0.

        To be called once for each segment, when all its frames are there.
        """
        steps = range(segment.start + 1, segment.stop)
        known = [index for index in steps if self._links[index] is not None]
        if len(known) < max(2.0, _LEAST_STEPS * len(steps)):
            for index in steps:
                self._links[index] = None
            return False
        for run in _runs(known):
            support = np.array([self._support[index] for index in run]).sum(axis=0)
            if support[1] > support[0]:
                for index in run:
                    link = self._links[index]
                    assert link is not None
                    self._links[index] = (link[1], link[0])
        return True

    def link(self, index: int) -> tuple[Homography, Homography] | None:
        """The motions from frame ``index - 1`` to ``index``, or None where there are not two."""
        return self._links[index]

    def chained(self, target: int, source: int, layer: int) -> Homography | None:
        """The homography of ``layer`` from ``target`` to ``source``; None where a link is missing."""
        low, high = sorted((target, source))
        through = identity()
        for index in range(low + 1, high + 1):
            link = self._links[index]
            if link is None:
                return None
            through = link[layer] @ through
        if source < target:
            through = np.asarray(np.linalg.inv(through), np.float64)
        return np.asarray(through / through[2, 2], np.float64)

    def links(self) -> Float64Array:
        """(frames, 2, 3, 3) what :meth:`from_links` needs, NaN where there are not two motions."""
        missing = np.full((LAYERS, 3, 3), np.nan)
        links = [missing if link is None else np.stack(link) for link in self._links]
        return np.array(links, np.float64).reshape(-1, LAYERS, 3, 3)

    @classmethod
    def from_links(cls, links: Float64Array) -> MotionLayers:
        """Settled layers, as :meth:`links` gave them."""
        layers = cls()
        layers._links = [None if np.isnan(link).any() else (link[0], link[1]) for link in links]
        layers._support = [(0, 0)] * len(layers._links)
        return layers


def _runs(indices: list[int]) -> list[list[int]]:
    """Consecutive numbers together."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs
