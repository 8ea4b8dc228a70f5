"""Motion layers: the motions of a foreground, such as a fence or a window frame, and of what is behind it.

One homography for each step of the shot follows either layer, whichever has more corners just then. So a
second homography is fitted to the corners that the first leaves over, and corners seen in two steps tell
which motion continues which. Each layer thus gets a chain of homographies of its own.
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
"""Distance at which a corner counts half for a motion."""
_SAME_CORNER_PX = 2.0
"""Distance up to which corners of two steps are the same one."""
_FEWEST_CORNERS = 16
"""The least number of corners that each motion must explain."""
_FEWEST_TO_FIT = 8
"""The least number of corners to which a homography is fitted."""
_ROUNDS = 3
"""The number of rounds of fitting and dividing."""
_LEAST_PART = 0.08
"""The fraction of the tracked corners that each of two motions must explain."""
_LEAST_CONTINUED = 0.75
"""The fraction of the corners seen in two steps that must stay with their motion."""
_CLEARLY = 2.0
"""The factor by which the motions must change less in one order than in the other to decide the order."""
_LEAST_STEPS = 0.5
"""The fraction of a segment's steps that must show two motions; otherwise the segment has one."""
LAYERS = 2
"""The number of motion layers that are told apart."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """Tracked corners: their positions in one frame and in the next, each (N, 2) x, y in analysis pixels."""

    points: Float32Array
    found: Float32Array


@dataclass(frozen=True, slots=True)
class _Step:
    """The two motions from a frame to the next, and the corners of the next frame that follow each."""

    motions: tuple[Homography, Homography]
    corners: Float32Array
    """(N, 2): positions in the later frame."""
    owner: NDArray[np.int8]
    """(N,): the motion that each corner follows, 0, 1, or -1 for neither."""
    support: float
    """How many corners the motions explain; a corner that they miss by a fraction of a pixel counts less."""

    @property
    def smaller_support(self) -> int:
        """The number of corners of the motion that has fewer."""
        return min(int((self.owner == layer).sum()) for layer in range(LAYERS))


def _misses(homography: Homography, tracks: Tracks) -> Float32Array:
    """The distance of each corner from where ``homography`` sends it, (N,) pixels."""
    away = tracks.found - apply(homography, tracks.points)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]), np.float32)


def _fitted(tracks: Tracks, chosen: BoolArray, shape: tuple[int, ...]) -> Homography | None:
    """The robust homography of the ``chosen`` corners; None when they are too few or not of one plane."""
    if int(chosen.sum()) < _FEWEST_TO_FIT:
        return None
    fitted = fit(tracks.points[chosen], tracks.found[chosen], shape)
    return None if fitted is None or fitted.inliers < _FEWEST_TO_FIT else fitted.homography


def _divided(motions: tuple[Homography, Homography], tracks: Tracks) -> NDArray[np.int8]:
    """The motion that each corner follows, (N,): 0, 1, or -1 for neither."""
    misses = np.stack([_misses(motion, tracks) for motion in motions])
    owner: NDArray[np.int8] = np.argmin(misses, axis=0).astype(np.int8)
    owner[misses.min(axis=0) > REPROJECTION_PX] = -1
    return owner


def _settled(owner: NDArray[np.int8], tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """Fit the two motions and divide the corners between them by turns, beginning with ``owner``."""
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
    """Find the two motions of a step; None when there is only one.

    A homography that fits many corners may be neither of the two but a tilted plane between them, so a second
    attempt starts from the corners that share the commonest shift.

    Args:
        first: the one homography found for the step.
        tracks: all corners that could be tracked.
        shape: (rows, columns) of the analysis frame.
    """
    starts = (_misses(first, tracks) <= _APART_PX, _share_a_shift(tracks))
    found = [_settled(np.where(one, 0, 1).astype(np.int8), tracks, shape) for one in starts]
    return max((step for step in found if step is not None), key=lambda step: step.support, default=None)


def _share_a_shift(tracks: Tracks) -> BoolArray:
    """A mask (N,) of the corners that move by nearly the same vector as most others."""
    shifts = tracks.found - tracks.points
    apart = np.square(shifts[:, None] - shifts[None]).sum(axis=2)
    alike = apart < REPROJECTION_PX**2
    return np.asarray(alike[int(np.argmax(alike.sum(axis=1)))], np.bool_)


def _continuing(before: _Step, tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """Find the two motions from the corners that followed each of them in the step ``before``."""
    step = _settled(_earlier_owner(before, tracks.points), tracks, shape)
    return None if step is None else _ordered(step, before, tracks, shape)


def _ordered(step: _Step, before: _Step, tracks: Tracks, shape: tuple[int, ...]) -> _Step | None:
    """Put the motions of ``step`` in the order of the step ``before``; None when the order is not clear.

    The corners that both steps have decide the order, or else the order in which the motions change less.
    """
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
    """The distance in pixels between the motions and those before, over the picture."""
    x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 3), np.linspace(0, shape[0] - 1, 3))
    points = np.stack([x.reshape(-1), y.reshape(-1)], axis=1).astype(np.float32)
    return sum(
        float(np.abs(apply(now, points) - apply(then, points)).mean())
        for now, then in zip(motions, before, strict=True)
    )


def _earlier_owner(before: _Step, points: Float32Array) -> NDArray[np.int8]:
    """The motion that the corner at each of ``points`` followed in the step ``before``, (N,); -1 for none."""
    if not len(points) or not len(before.corners):
        return np.full(len(points), -1, np.int8)
    apart = np.square(points[:, None] - before.corners[None]).sum(axis=2)
    nearest = np.argmin(apart, axis=1)
    close = apart[np.arange(len(points)), nearest] < _SAME_CORNER_PX**2
    return np.where(close, before.owner[nearest], -1).astype(np.int8)


class MotionLayers:
    """The motions of two layers from frame to frame, in those segments of a shot that have two.

    Frames are counted from 0. Layer 0 is the one that explains more corners in its segment.
    """

    def __init__(self) -> None:
        self._links: list[tuple[Homography, Homography] | None] = []
        """The motions from the frame before, for each frame."""
        self._support: list[tuple[int, int]] = []
        self._latest: _Step | None = None

    def append(self, homography: Homography | None, tracks: Tracks | None, shape: tuple[int, ...]) -> None:
        """Add the next frame.

        Args:
            homography: the one motion found from the frame before; None at a cut.
            tracks: the corners that it was found from; None where there was nothing to track.
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

        This must be called once for each segment, when all its frames were added.
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
        """The motions as one array (frames, 2, 3, 3) for :meth:`from_links`; NaN where there are not two."""
        missing = np.full((LAYERS, 3, 3), np.nan)
        links = [missing if link is None else np.stack(link) for link in self._links]
        return np.array(links, np.float64).reshape(-1, LAYERS, 3, 3)

    @classmethod
    def from_links(cls, links: Float64Array) -> MotionLayers:
        """Restore settled layers from the array that :meth:`links` gave."""
        layers = cls()
        layers._links = [None if np.isnan(link).any() else (link[0], link[1]) for link in links]
        layers._support = [(0, 0)] * len(layers._links)
        return layers


def _runs(indices: list[int]) -> list[list[int]]:
    """Group ascending numbers into runs of consecutive ones."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs
