"""Registration: the camera motion between two frames, by robust homographies.

Homographies map pixel centres of one analysis frame to those of another. One is accepted only when it
explains the pixels better than standing still does, because a static camera must never be made to drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.engines.interface import Monitor
from void_engine.propagation.memo import Memo
from void_engine.propagation.motion.homography import Homography, apply, fit, identity, warp
from void_engine.propagation.motion.motion_layers import Tracks
from void_engine.propagation.working_set import AnalysisFrame, WorkingSet

_FEATURES = 350
"""The most corners that are tracked."""
_FEATURES_HELD = 64
"""The most frames whose corners are held in memory."""
_FEWEST_INLIERS = 16
"""The least number of inliers of a homography that is trusted."""
_STILL_ADVANTAGE = 1.02
"""The factor by which motion must lower the residual before it is preferred to standing still."""
_RESIDUAL_SIDE = 120
"""Residuals are measured on every n-th pixel, so that about this many, up to twice, lie along the shorter
side."""
_LAYER_REACH_PX = 2.5
"""How far, in pixels, a layer's chained motion may be off; corners farther away belong to the other layer."""
_FROZEN_DIFFERENCE = 0.02
"""Mean difference, in 8-bit steps, below which the second of two frames is a held copy of the first."""


def features(frame: AnalysisFrame) -> Float32Array:
    """Corners worth tracking, (N, 2), spread over the picture and away from hidden pixels."""
    rows, columns = frame.gray.shape
    if min(rows, columns) < 16:
        return np.zeros((0, 2), np.float32)
    away = ~opencv.dilate(frame.hidden, opencv.square(9))
    corners = cv2.goodFeaturesToTrack(
        frame.gray,
        _FEATURES,
        0.004,
        max(4.0, columns / 70.0),
        mask=away.astype(np.uint8),
        blockSize=5,
    )
    # OpenCV returns None where it finds nothing, although its type stubs do not say so.
    return np.asarray([] if corners is None else corners, np.float32).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class _Fit:
    homography: Homography
    inliers: int
    tracked: int
    tracks: Tracks | None = None


@dataclass(frozen=True, slots=True)
class FrameStep:
    """The motion from a frame to the next."""

    homography: Homography
    correlation: float
    """Correlation of the two pictures under the homography."""
    frozen: bool
    """Whether the second frame repeats the first."""
    tracks: Tracks | None
    """The corners that were tracked from one to the other; None where there were none."""


def _fit(
    points: Float32Array,
    target: Uint8Array,
    source: Uint8Array,
    hidden: BoolArray,
    guess: Homography,
    levels: int,
    *,
    both_ways: bool = True,
    reach_px: float = np.inf,
) -> _Fit:
    """Track ``points`` of ``target`` into ``source`` (and back) and fit a homography to them.

    Corners that end farther than ``reach_px`` from the guess belong to something else and are left out.
    """
    nothing = _Fit(guess, 0, 0)
    if len(points) < 8:
        return nothing
    initial = apply(guess, points)
    found, status = _follow(target, source, points, initial, levels)
    rows, columns = target.shape
    inside = (found >= 0).all(axis=1) & (found[:, 0] <= columns - 1) & (found[:, 1] <= rows - 1)
    good = status & inside
    if both_ways:
        back, status_back = _follow(source, target, found, points, levels)
        good &= status_back & (np.abs(back - points).max(axis=1) < 0.7)
    good &= np.hypot(*(found - initial).T) <= reach_px
    cells = np.rint(np.where(good[:, None], found, 0.0)).astype(int)
    good &= ~hidden[cells[:, 1], cells[:, 0]]
    if int(good.sum()) < 8:
        return nothing
    fitted = fit(points[good], found[good], target.shape)
    if fitted is None:
        return nothing
    tracks = Tracks(points[good], found[good])
    return _Fit(fitted.homography, fitted.inliers, int(good.sum()), tracks)


def _follow(
    first: Uint8Array, second: Uint8Array, points: Float32Array, initial: Float32Array, levels: int
) -> tuple[Float32Array, BoolArray]:
    """Track points by pyramidal Lucas-Kanade: their positions in ``second``, and whether each was found."""
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points[:, None],
        initial[:, None].copy(),
        winSize=(15, 15),
        maxLevel=levels,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.02),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(found, np.float32).reshape(-1, 2), np.asarray(status).reshape(-1) == 1


def residual(target: AnalysisFrame, source: AnalysisFrame, homography: Homography) -> tuple[float, float]:
    """Measure how badly ``source``, warped by ``homography``, fits ``target`` where both are visible.

    Returns:
        The mean absolute difference in 8-bit steps after removing the mean difference, and the correlation;
        ``(inf, 1.0)`` when too little is visible in both to tell.
    """
    step = max(1, min(target.gray.shape) // _RESIDUAL_SIDE)
    seen = warp(source.gray, homography, step=step)
    blocked = warp(source.hidden.astype(np.uint8) * 255, homography, outside=255.0, step=step)
    both = ~target.hidden[::step, ::step] & (blocked == 0)
    if int(both.sum()) < max(64, both.size // 200):
        return float("inf"), 1.0
    first = target.gray[::step, ::step][both].astype(np.float32)
    second = seen[both].astype(np.float32)
    first -= first.mean()
    second -= second.mean()
    power = float(np.sqrt((first * first).mean() * (second * second).mean()))
    correlation = float((first * second).mean()) / power if power > 1.0 else 1.0
    return float(np.abs(first - second).mean()), correlation


def _shift_guess(target: AnalysisFrame, source: AnalysisFrame) -> Homography:
    """Estimate a translation by phase correlation, for motion that is too fast to be tracked without it."""
    window = cv2.createHanningWindow(target.gray.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(target.gray.astype(np.float32), source.gray.astype(np.float32), window)
    guess = identity()
    guess[0, 2], guess[1, 2] = dx, dy
    return guess


class PairRegistration:
    """Finds homographies between any two frames by refining a first guess on their pixels."""

    def __init__(self, working: WorkingSet, monitor: Monitor) -> None:
        self._working = working
        self._monitor = monitor
        self._features: Memo[Float32Array] = Memo(_FEATURES_HELD)

    def features(self, number: int) -> Float32Array:
        return self._features.get(number, lambda n: features(self._working.analysis(n)))

    def step(self, target: int, source: int) -> FrameStep:
        """The motion between two neighbouring frames."""
        first, second = self._working.analysis(target), self._working.analysis(source)
        self._monitor.check_cancelled()
        still_residual, still_correlation = residual(first, second, identity())
        if still_residual < _FROZEN_DIFFERENCE:
            # A still picture under a moving matte is no held frame, because each one shows other pixels.
            return FrameStep(identity(), 1.0, bool(np.array_equal(first.hidden, second.hidden)), None)
        points = self.features(target)
        self._monitor.check_cancelled()
        tracked = _fit(points, first.gray, second.gray, second.hidden, identity(), 4)
        if tracked.inliers < max(_FEWEST_INLIERS, 0.4 * tracked.tracked) and min(first.gray.shape) >= 32:
            shifted = _fit(points, first.gray, second.gray, second.hidden, _shift_guess(first, second), 4)
            if shifted.inliers > tracked.inliers:
                tracked = shifted
        if tracked.inliers >= _FEWEST_INLIERS:
            moving_residual, moving_correlation = residual(first, second, tracked.homography)
            if moving_residual * _STILL_ADVANTAGE < still_residual or still_residual == float("inf"):
                return FrameStep(tracked.homography, moving_correlation, False, tracked.tracks)
        return FrameStep(identity(), still_correlation, False, tracked.tracks)

    def tracked(self, target: int, source: int) -> Tracks | None:
        """The corners of ``target`` that are found again in ``source``, not far from where they were."""
        first, second = self._working.analysis(target), self._working.analysis(source)
        self._monitor.check_cancelled()
        return _fit(self.features(target), first.gray, second.gray, second.hidden, identity(), 2).tracks

    def refine(self, target: int, second: AnalysisFrame, guess: Homography) -> Homography:
        """Refine ``guess``, the homography from ``target`` to ``second``; without a better one it stays."""
        first = self._working.analysis(target)
        tracked = self._tracked_near(target, second, guess, 2)
        candidates = [guess]
        if tracked.inliers >= _FEWEST_INLIERS:
            candidates.append(guess @ tracked.homography)
        rows, columns = first.gray.shape
        corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
        still = all(np.abs(apply(h, corners) - corners).max() < 4.0 for h in candidates)
        measured = [residual(first, second, h)[0] for h in candidates]
        best = int(np.argmin(measured))
        if still:
            standing = residual(first, second, identity())[0]
            if standing <= measured[best] * _STILL_ADVANTAGE:
                return identity()
        return candidates[best]

    def refine_layer(self, target: int, second: AnalysisFrame, guess: Homography) -> Homography:
        """Refine the homography of one of two motion layers by the corners that stay near ``guess``."""
        tracked = self._tracked_near(target, second, guess, 1, _LAYER_REACH_PX)
        return guess @ tracked.homography if tracked.inliers >= _FEWEST_INLIERS else guess

    def _tracked_near(
        self, target: int, second: AnalysisFrame, guess: Homography, levels: int, reach_px: float = np.inf
    ) -> _Fit:
        """Fit the motion that is left from ``target`` to ``second`` after ``guess``."""
        gray = self._working.analysis(target).gray
        seen = warp(second.gray, guess)
        blocked = warp(second.hidden.astype(np.uint8) * 255, guess, outside=255.0) > 0
        return _fit(
            self.features(target), gray, seen, blocked, identity(), levels, both_ways=False, reach_px=reach_px
        )
