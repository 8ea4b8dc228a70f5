"""Two things that move differently: what is in front, a fence or a frame, and what is behind it.

One homography for each step of the shot follows the one or the other, whichever has more corners just then.
So the corners that the first motion leaves over are asked for a second one, and corners seen in two steps
tell which motion continues which: each layer gets a chain of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from void_engine.engines.interface import Float32Array
from void_engine.propagation.homography import Homography, apply, identity, is_sane

_REPROJECTION_PX = 1.5
_APART_PX = 2.0
"""A corner that misses a motion by more than this does not belong to it."""
_SAME_CORNER_PX = 2.0
_FEWEST_CORNERS = 16
_LEAST_PART = 0.15
"""Part of the tracked corners that each of two motions must explain."""
_LEAST_CONTINUED = 0.75
"""Part of the corners seen in two steps that must stay with their motion."""
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


def _misses(homography: Homography, tracks: Tracks) -> Float32Array:
    """(N,) distance of each corner from where ``homography`` sends it."""
    away = tracks.found - apply(homography, tracks.points)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]), np.float32)


def second_motion(first: Homography, tracks: Tracks, shape: tuple[int, ...]) -> Homography | None:
    """The homography of the corners that ``first`` leaves over, or None when they have none in common.

    Args:
        first: the motion found for the frame.
        tracks: all corners that could be tracked.
        shape: (rows, columns) of the analysis frame.
    """
    fewest = max(_FEWEST_CORNERS, round(_LEAST_PART * len(tracks.points)))
    left = _misses(first, tracks) > _APART_PX
    if int(left.sum()) < fewest or int((~left).sum()) < fewest:
        return None
    cv2.setRNGSeed(1)
    homography, mask = cv2.findHomography(
        tracks.points[left],
        tracks.found[left],
        cv2.RANSAC,
        _REPROJECTION_PX,
        maxIters=1500,
        confidence=0.999,
    )
    if homography is None or int(mask.sum()) < fewest:
        return None
    second = np.asarray(homography, np.float64)
    return second if is_sane(second, shape) else None


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
        second = second_motion(homography, tracks, shape)
        if second is None:
            return None
        owner = np.full(len(tracks.points), -1, np.int8)
        owner[_misses(second, tracks) <= _REPROJECTION_PX] = 1
        owner[_misses(homography, tracks) <= _APART_PX] = 0
        motions = (homography, second)
        if self._latest is not None:
            same = _continued(self._latest, tracks.points, owner)
            if same is None:
                return None
            if not same:
                motions = (second, homography)
                owner = np.where(owner >= 0, 1 - owner, owner).astype(np.int8)
        return _Step(motions, tracks.found, owner)

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

    def links(self) -> NDArray[np.float64]:
        """(frames, 2, 3, 3) what :meth:`from_links` needs, NaN where there are not two motions."""
        missing = np.full((LAYERS, 3, 3), np.nan)
        links = [missing if link is None else np.stack(link) for link in self._links]
        return np.array(links, np.float64).reshape(-1, LAYERS, 3, 3)

    @classmethod
    def from_links(cls, links: NDArray[np.float64]) -> MotionLayers:
        """Settled layers, as :meth:`links` gave them."""
        layers = cls()
        layers._links = [None if np.isnan(link).any() else (link[0], link[1]) for link in links]
        layers._support = [(0, 0)] * len(layers._links)
        return layers


def _continued(before: _Step, points: Float32Array, owner: NDArray[np.int8]) -> bool | None:
    """Whether the motions are in the same order as in the step ``before``; None when it cannot be told."""
    if not len(points) or not len(before.corners):
        return None
    apart = np.square(points[:, None] - before.corners[None]).sum(axis=2)
    nearest = np.argmin(apart, axis=1)
    close = apart[np.arange(len(points)), nearest] < _SAME_CORNER_PX**2
    earlier = before.owner[nearest]
    told = close & (owner >= 0) & (earlier >= 0)
    if int(told.sum()) < _FEWEST_CORNERS // 2:
        return None
    same = float((owner[told] == earlier[told]).mean())
    if max(same, 1.0 - same) < _LEAST_CONTINUED:
        return None
    return same > 0.5


def _runs(indices: list[int]) -> list[list[int]]:
    """Consecutive numbers together."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs
