"""Camera motion: one robust homography for each step of the shot, and refined ones for pairs of frames.

All homographies map pixel centres of one analysis frame to those of another. A homography is only believed
when it explains the pixels better than standing still does: a static camera must never be made to drift.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from void_engine.engines.interface import Float32Array, Monitor, Uint8Array
from void_engine.propagation.working_set import AnalysisFrame, BoolArray, WorkingSet

Homography = NDArray[np.float64]

_FEATURES = 350
_FEWEST_INLIERS = 16
_REPROJECTION_PX = 1.5
_STILL_ADVANTAGE = 1.02
"""Standing still wins unless moving lowers the residual by more than this factor."""
_CUT_CORRELATION = 0.35
_FROZEN_DIFFERENCE = 0.02
"""Mean difference, in 8-bit steps, below which two frames are one frame held."""


def identity() -> Homography:
    return np.eye(3)


def apply(homography: Homography, points: Float32Array) -> Float32Array:
    """(N, 2) points x, y mapped; points that go through infinity land far outside any picture."""
    mapped = points.astype(np.float64) @ homography[:, :2].T + homography[:, 2]
    depth = mapped[:, 2:]
    safe = np.where(depth > 1e-6, depth, 1.0)
    return np.where(depth > 1e-6, mapped[:, :2] / safe, -1e6).astype(np.float32)


def warp(picture: Uint8Array, homography: Homography, *, outside: float = 0.0) -> Uint8Array:
    """``picture`` seen from the target, where pixel x shows its pixel ``homography`` x (bilinear)."""
    rows, columns = picture.shape[:2]
    if np.array_equal(homography, np.eye(3)):
        return picture
    return np.asarray(
        cv2.warpPerspective(
            picture,
            homography,
            (columns, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(outside, outside, outside, outside),
        ),
        np.uint8,
    )


def features(frame: AnalysisFrame) -> Float32Array:
    """(N, 2) corners worth tracking, away from what is hidden, spread over the picture."""
    rows, columns = frame.gray.shape
    if min(rows, columns) < 16:
        return np.zeros((0, 2), np.float32)
    around = np.asarray(cv2.dilate(frame.hidden.astype(np.uint8), np.ones((9, 9), np.uint8)))
    corners = cv2.goodFeaturesToTrack(
        frame.gray,
        _FEATURES,
        0.004,
        max(4.0, columns / 70.0),
        mask=(around == 0).astype(np.uint8),
        blockSize=5,
    )
    # OpenCV answers None where it finds nothing, whatever its type stubs say.
    return np.asarray([] if corners is None else corners, np.float32).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class _Fit:
    homography: Homography
    inliers: int
    tracked: int


def _fit(
    points: Float32Array,
    target: Uint8Array,
    source: Uint8Array,
    hidden: BoolArray,
    guess: Homography,
    levels: int,
    *,
    both_ways: bool = True,
) -> _Fit:
    """Track ``points`` of ``target`` into ``source`` (and back) and fit a homography to where they went."""
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
    cells = np.rint(np.where(good[:, None], found, 0.0)).astype(int)
    good &= ~hidden[cells[:, 1], cells[:, 0]]
    if int(good.sum()) < 8:
        return nothing
    cv2.setRNGSeed(1)
    homography, mask = cv2.findHomography(
        points[good], found[good], cv2.RANSAC, _REPROJECTION_PX, maxIters=1500, confidence=0.999
    )
    if homography is None or not _sane(homography, target.shape):
        return nothing
    return _Fit(np.asarray(homography, np.float64), int(mask.sum()), int(good.sum()))


def _follow(
    first: Uint8Array, second: Uint8Array, points: Float32Array, initial: Float32Array, levels: int
) -> tuple[Float32Array, BoolArray]:
    """Pyramidal Lucas-Kanade: where the points of ``first`` are in ``second``, and if found."""
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


def _sane(homography: Homography, shape: tuple[int, ...]) -> bool:
    """Whether the picture's corners stay a convex quad of believable size."""
    rows, columns = shape[:2]
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    mapped = apply(homography, corners)
    if not np.isfinite(mapped).all() or np.abs(mapped).max() > 1e5:
        return False
    area = cv2.contourArea(mapped, oriented=True)
    return bool(cv2.isContourConvex(mapped)) and 0.1 < area / (rows * columns) < 10.0


def residual(target: AnalysisFrame, source: AnalysisFrame, homography: Homography) -> tuple[float, float]:
    """How badly ``source`` seen through ``homography`` fits ``target`` where both are visible.

    Returns:
        Mean absolute difference in 8-bit steps after removing the mean difference, and the correlation;
        ``(inf, 1.0)`` when too little is visible in both to tell.
    """
    step = max(1, min(target.gray.shape) // 180)
    seen = warp(source.gray, homography)
    blocked = warp(source.hidden.astype(np.uint8) * 255, homography, outside=255.0)
    both = ~target.hidden[::step, ::step] & (blocked[::step, ::step] == 0)
    if int(both.sum()) < max(64, both.size // 200):
        return float("inf"), 1.0
    first = target.gray[::step, ::step][both].astype(np.float32)
    second = seen[::step, ::step][both].astype(np.float32)
    first -= first.mean()
    second -= second.mean()
    power = float(np.sqrt((first * first).mean() * (second * second).mean()))
    correlation = float((first * second).mean()) / power if power > 1.0 else 1.0
    return float(np.abs(first - second).mean()), correlation


def _shift_guess(target: AnalysisFrame, source: AnalysisFrame) -> Homography:
    """A translation by phase correlation, for motion too fast to be tracked from where it was."""
    window = cv2.createHanningWindow(target.gray.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(target.gray.astype(np.float32), source.gray.astype(np.float32), window)
    guess = identity()
    guess[0, 2], guess[1, 2] = dx, dy
    return guess


class PairRegistration:
    """Homographies between any two frames, refined from a first guess by the pixels themselves."""

    def __init__(self, working: WorkingSet, monitor: Monitor) -> None:
        self._working = working
        self._monitor = monitor
        self._features: OrderedDict[int, Float32Array] = OrderedDict()

    def features(self, number: int) -> Float32Array:
        if number not in self._features:
            self._features[number] = features(self._working.analysis(number))
            if len(self._features) > 32:
                self._features.popitem(last=False)
        return self._features[number]

    def step(self, target: int, source: int) -> tuple[Homography, float, bool]:
        """Neighbouring frames: homography, correlation under it, and whether the second repeats the first."""
        first, second = self._working.analysis(target), self._working.analysis(source)
        self._monitor.check_cancelled()
        still_residual, still_correlation = residual(first, second, identity())
        if still_residual < _FROZEN_DIFFERENCE:
            # A still picture under a moving matte is no held frame: each one shows something else.
            return identity(), 1.0, bool(np.array_equal(first.hidden, second.hidden))
        points = self.features(target)
        self._monitor.check_cancelled()
        fit = _fit(points, first.gray, second.gray, second.hidden, identity(), 4)
        if fit.inliers < max(_FEWEST_INLIERS, 0.4 * fit.tracked) and min(first.gray.shape) >= 32:
            shifted = _fit(points, first.gray, second.gray, second.hidden, _shift_guess(first, second), 4)
            if shifted.inliers > fit.inliers:
                fit = shifted
        if fit.inliers >= _FEWEST_INLIERS:
            moving_residual, moving_correlation = residual(first, second, fit.homography)
            if moving_residual * _STILL_ADVANTAGE < still_residual or still_residual == float("inf"):
                return fit.homography, moving_correlation, False
        return identity(), still_correlation, False

    def refine(self, target: int, second: AnalysisFrame, guess: Homography) -> Homography:
        """The homography from ``target`` to ``second`` near ``guess``; the guess if it cannot be bettered."""
        first = self._working.analysis(target)
        seen = warp(second.gray, guess)
        blocked = warp(second.hidden.astype(np.uint8) * 255, guess, outside=255.0) > 0
        fit = _fit(self.features(target), first.gray, seen, blocked, identity(), 2, both_ways=False)
        candidates = [guess]
        if fit.inliers >= _FEWEST_INLIERS:
            candidates.append(guess @ fit.homography)
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


class ShotTrack:
    """What is known of a whole shot after one look at every frame: a few hundred bytes for each."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._to_start: list[Homography] = []
        self._segment: list[int] = []
        self._frozen: list[bool] = []
        self._hidden: list[bytes] = []
        self._any_hidden: list[bool] = []
        self._shape = (0, 0)
        self._unpacked: OrderedDict[int, BoolArray] = OrderedDict()

    def append(self, frame: AnalysisFrame, homography: Homography, *, cut: bool, frozen: bool) -> None:
        """Add the next frame; ``homography`` maps the frame before to it (unused at a cut)."""
        self._shape = (frame.hidden.shape[0], frame.hidden.shape[1])
        self._hidden.append(zlib.compress(np.packbits(frame.hidden).tobytes(), 1))
        self._any_hidden.append(bool(frame.hidden.any()))
        if cut or not self._to_start:
            self._segment.append(self._segment[-1] + 1 if self._segment else 0)
            self._to_start.append(identity())
            self._frozen.append(False)
            return
        chained = self._to_start[-1] @ np.linalg.inv(homography)
        self._segment.append(self._segment[-1])
        self._to_start.append(chained / chained[2, 2])
        self._frozen.append(frozen)

    def segment(self, number: int) -> range:
        """The frames between the same two cuts as ``number``, itself included."""
        index = number - self._first
        low = high = index
        while low > 0 and self._segment[low - 1] == self._segment[index]:
            low -= 1
        while high + 1 < len(self._segment) and self._segment[high + 1] == self._segment[index]:
            high += 1
        return range(self._first + low, self._first + high + 1)

    def any_hidden(self, number: int) -> bool:
        return self._any_hidden[number - self._first]

    def repeats_previous(self, number: int) -> bool:
        """Whether this frame is the one before it, held."""
        return self._frozen[number - self._first]

    def hidden(self, number: int) -> BoolArray:
        """(h, w) what is hidden in the analysis frame ``number``."""
        if number not in self._unpacked:
            packed = np.frombuffer(zlib.decompress(self._hidden[number - self._first]), np.uint8)
            count = self._shape[0] * self._shape[1]
            self._unpacked[number] = np.unpackbits(packed, count=count).reshape(self._shape).astype(bool)
            if len(self._unpacked) > 128:
                self._unpacked.popitem(last=False)
        return self._unpacked[number]

    def save(self, path: Path) -> None:
        """Keep the track as a NumPy archive; it appears only when whole."""
        sizes = np.array([len(packed) for packed in self._hidden], np.int64)
        temporary = path.with_name(f".{path.name}.part")
        with temporary.open("wb") as file:
            np.savez(
                file,
                first=np.int64(self._first),
                shape=np.array(self._shape, np.int64),
                to_start=np.array(self._to_start, np.float64).reshape(-1, 3, 3),
                segment=np.array(self._segment, np.int64),
                frozen=np.array(self._frozen, np.bool_),
                any_hidden=np.array(self._any_hidden, np.bool_),
                sizes=sizes,
                hidden=np.frombuffer(b"".join(self._hidden), np.uint8),
            )
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> ShotTrack:
        """A track that :meth:`save` kept, to the bit.

        Raises:
            OSError, ValueError, KeyError: when the file is not there or not such an archive.
        """
        with np.load(path, allow_pickle=False) as kept:
            track = cls(int(kept["first"]))
            track._shape = (int(kept["shape"][0]), int(kept["shape"][1]))
            track._to_start = list(kept["to_start"])
            track._segment = [int(number) for number in kept["segment"]]
            track._frozen = [bool(flag) for flag in kept["frozen"]]
            track._any_hidden = [bool(flag) for flag in kept["any_hidden"]]
            ends = np.cumsum(kept["sizes"])
            hidden = kept["hidden"].tobytes()
            track._hidden = [hidden[end - size : end] for end, size in zip(ends, kept["sizes"], strict=True)]
        return track

    def chained(self, target: int, source: int) -> Homography:
        """The homography from ``target`` to ``source`` along the chain; both must be in one segment."""
        through = np.linalg.inv(self._to_start[source - self._first]) @ self._to_start[target - self._first]
        return np.asarray(through / through[2, 2], np.float64)


def track_shot(
    working: WorkingSet, registration: PairRegistration, numbers: range, monitor: Monitor
) -> ShotTrack:
    """Look once at every frame, in order: camera motion, cuts, held frames and what is hidden where."""
    track = ShotTrack(numbers.start)
    for index, number in enumerate(numbers):
        monitor.check_cancelled()
        if index == 0:
            track.append(working.analysis(number), identity(), cut=True, frozen=False)
        else:
            homography, correlation, frozen = registration.step(number - 1, number)
            track.append(
                working.analysis(number), homography, cut=correlation < _CUT_CORRELATION, frozen=frozen
            )
        monitor.progress("register", index + 1, len(numbers), number)
    return track
