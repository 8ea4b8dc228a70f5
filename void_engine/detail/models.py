"""Models of how something in the answer lies elsewhere in a frame of the plate: an object that has moved.

Features of the answer (SIFT) are matched with those of plate frames, inside the mattes too, since what falls
in the answer is held there in the plate. RANSAC finds similarities; each is made affine and exact by
Gauss-Newton with gain and offset on the canvas, over a support that grows while the misfit stays small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.detail.calibration import Calibration
from void_engine.detail.source import KEPT, DetailSource
from void_engine.detail.steady import SteadyAnswer
from void_engine.geometry import Box
from void_engine.propagation import encoding
from void_engine.propagation.memo import Memo

_FINER = 2
"""How much larger than the canvas the pictures are in which features are found."""
_MOST_FEATURES = 800
_RATIO = 0.82
"""Lowe's ratio of the nearest to the second-nearest descriptor."""
_RANSAC_PX = 1.5
_FEWEST_INLIERS = 6
_MOST_MODELS = 3
"""The most similarities between the answer and one frame."""
_SUPPORT_PX = 7
"""Radius around an inlier, in canvas pixels, that is its first support."""
_FITS_BELOW = 4.0
"""Misfit, in units of the answer's variance, up to which support grows."""
_ROUNDS, _STEPS = 3, 4
_FEWEST_SUPPORT = 30


@dataclass(frozen=True, slots=True)
class Features:
    """Features of a picture: where they lie, in canvas pixels, and their descriptors."""

    points: Float64Array
    descriptors: Float32Array


@dataclass(frozen=True, slots=True)
class Model:
    """An affine map from the canvas at the target frame to the canvas at a source frame."""

    frame: int
    """The source's frame number."""
    matrix: Float64Array
    """(2, 3): takes (x, y, 1) of pixel centres, counted from 0, on the whole canvas."""
    gain: float
    offset: float


class ModelFinder:
    """Finds models; features of plate frames are kept for the frames around."""

    def __init__(self, source: DetailSource, calibration: Calibration, check: Callable[[], None]) -> None:
        """Prepare to look; ``check`` is called every fraction of a second, and may raise to stop the work."""
        self._source, self._calibration, self._check = source, calibration, check
        self._features: Memo[Features] = Memo(48)
        self._degraded: Memo[Float32Array] = Memo(KEPT)

    def degraded(self, number: int) -> Float32Array:
        """The plate of a frame as an answer would show it, (h, w, 3) encoded."""
        return self._degraded.get(number, lambda _: self._calibration.degrade(self._source.reduced(number)))

    def find(
        self,
        number: int,
        frames: list[int],
        steady: SteadyAnswer,
        box: Box,
        inside: BoolArray,
    ) -> list[Model]:
        """Find models of what the window shows inside ``inside`` in the plate's ``frames``."""
        near = opencv.dilate_by_disc(inside, 4)
        found: list[Model] = []
        for frame in frames:
            self._check()
            matrix = self._camera(number, frame)
            if matrix is not None:
                model = self._refined(frame, matrix, None, steady, box, near)
                if model is not None:
                    found.append(model)
        self._check()
        target = self._described(self._calibration.sharpened(steady.picture), near)
        target = Features(target.points + np.array([box.x0, box.y0]), target.descriptors)
        if len(target.points) < _FEWEST_INLIERS:
            return found
        for frame in frames:
            features = self._features.get(frame, self._of_plate)
            for matrix, points in _similarities(target, features, _MOST_MODELS):
                self._check()
                model = self._refined(frame, matrix, points, steady, box, near)
                if model is not None:
                    found.append(model)
        return found

    def _camera(self, number: int, frame: int) -> Float64Array | None:
        """How the plate itself moved between two frames; None where nothing tells."""
        if frame == number:
            return None
        pair = [self._features.get(at, self._of_plate) for at in (number, frame)]
        if len(pair[0].points) >= _FEWEST_INLIERS:
            for matrix, _ in _similarities(pair[0], pair[1], 1):
                return matrix
        return None

    def _of_plate(self, number: int) -> Features:
        self._check()
        picture = self._source.reduced(number)
        return self._described(picture, np.ones(picture.shape[:2], np.bool_))

    def _described(self, picture: Float32Array, where: BoolArray) -> Features:
        grey = encoding.luma(picture)
        shape = (grey.shape[0] * _FINER, grey.shape[1] * _FINER)
        large = opencv.resize(encoding.eight_bit(grey, where).astype(np.float32), shape, opencv.CUBIC)
        mask = opencv.resize(where.astype(np.float32), shape) > 0.5
        # One for each call: it is not said that several threads may share one.
        sift = cv2.SIFT.create(nfeatures=_MOST_FEATURES, contrastThreshold=0.015)
        keys, descriptors = sift.detectAndCompute(
            np.clip(large, 0, 255).astype(np.uint8), mask.astype(np.uint8)
        )
        if descriptors is None or len(keys) < 2:
            return Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
        points = (np.array([key.pt for key in keys], np.float64) + 0.5) / _FINER - 0.5
        return Features(points, np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-6)))

    def _refined(
        self,
        frame: int,
        matrix: Float64Array,
        points: Float64Array | None,
        steady: SteadyAnswer,
        box: Box,
        near: BoolArray,
    ) -> Model | None:
        """Make a similarity exact on the support around ``points``, grown while the misfit is small.

        Without points, the support begins where the similarity nearly fits.
        """
        if points is None:
            support = (self._misfit(frame, matrix, 1.0, 0.0, steady, box) < 3 * _FITS_BELOW) & near
        else:
            seeds = np.zeros(near.shape, np.uint8)
            for x, y in points - (box.x0, box.y0):
                cv2.circle(seeds, (round(x), round(y)), _SUPPORT_PX, 1, -1)
            support = (seeds > 0) & near
        target = encoding.luma(steady.picture)
        variance = steady.variance
        source = encoding.luma(self.degraded(frame))
        gain, offset = 1.0, 0.0
        for _ in range(_ROUNDS):
            if int(support.sum()) < _FEWEST_SUPPORT:
                return None
            fitted = _gauss_newton(matrix, gain, offset, source, target, variance, support, box)
            if fitted is None:
                return None
            matrix, gain, offset = fitted
            fits = self._misfit(frame, matrix, gain, offset, steady, box) < _FITS_BELOW
            support = _connected(fits & near, support)
        return Model(frame, matrix, gain, offset)

    def _misfit(
        self,
        frame: int,
        matrix: Float64Array,
        gain: float,
        offset: float,
        steady: SteadyAnswer,
        box: Box,
    ) -> Float32Array:
        x, y = mapped(matrix, box)
        there = opencv.remap(self.degraded(frame), x, y, opencv.CUBIC, outside=-9.0)
        return steady.misfit(there * np.float32(gain) + np.float32(offset))

    def misfit(self, model: Model, steady: SteadyAnswer, box: Box) -> Float32Array:
        """The squared misfit of a model in the window, (h, w), in units of the answer's variance."""
        return self._misfit(model.frame, model.matrix, model.gain, model.offset, steady, box)


def mapped(matrix: Float64Array, box: Box) -> tuple[Float32Array, Float32Array]:
    """Where the pixels of a window of the canvas lie in the source."""
    x, y = np.meshgrid(np.arange(box.x0, box.x1, dtype=np.float64), np.arange(box.y0, box.y1))
    return (
        (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]).astype(np.float32),
        (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]).astype(np.float32),
    )


def _similarities(target: Features, source: Features, most: int) -> list[tuple[Float64Array, Float64Array]]:
    """Similarities by RANSAC, the one with the most inliers first, each with its target points."""
    if len(source.points) < _FEWEST_INLIERS:
        return []
    # Descriptors have unit length, so the largest product is the smallest distance.
    likeness = target.descriptors @ source.descriptors.T
    best = likeness.argmax(axis=1)
    rows = np.arange(len(best))
    first = likeness[rows, best].copy()
    # Another feature at the same place (another orientation) is no rival.
    squares = np.square(source.points).sum(axis=1)
    same = squares[best][:, None] + squares - 2 * source.points[best] @ source.points.T < 4.0
    likeness[same] = -1
    second = likeness.max(axis=1)
    good = np.sqrt(np.maximum(2 - 2 * first, 0)) < _RATIO * np.sqrt(np.maximum(2 - 2 * second, 1e-9))
    before, after = target.points[good], source.points[best[good]]
    found = []
    for _ in range(most):
        if len(before) < _FEWEST_INLIERS:
            break
        matrix, inliers = cv2.estimateAffinePartial2D(
            before, after, method=cv2.RANSAC, ransacReprojThreshold=_RANSAC_PX, maxIters=800
        )
        if matrix is None or int(inliers.sum()) < _FEWEST_INLIERS:
            break
        inside = inliers.ravel() > 0
        size = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if 0.5 < size < 2.0:
            found.append((np.asarray(matrix, np.float64), before[inside]))
        before, after = before[~inside], after[~inside]
    return found


def _connected(fits: BoolArray, seeds: BoolArray) -> BoolArray:
    """The parts of ``fits`` that touch ``seeds``, without their thinnest bridges."""
    closed = opencv.erode(opencv.dilate(fits, opencv.square(3)), opencv.square(3))
    labels, boxes = opencv.connected_components(closed)
    touched = np.zeros(len(boxes) + 1, np.bool_)
    touched[np.unique(labels[seeds & closed])] = True
    touched[0] = False
    return np.asarray(touched[labels] & fits, np.bool_)


def _gauss_newton(
    matrix: Float64Array,
    gain: float,
    offset: float,
    source: Float32Array,
    target: Float32Array,
    variance: Float32Array,
    support: BoolArray,
    box: Box,
) -> tuple[Float64Array, float, float] | None:
    """Improve an affine map, gain and offset on the support; None when it runs away."""
    rows, columns = np.nonzero(support)
    x, y = (columns + box.x0).astype(np.float64), (rows + box.y0).astype(np.float64)
    middle = np.array([x.mean(), y.mean()])
    scale = max(4.0, float(np.sqrt(x.var() + y.var())))
    u, v = (x - middle[0]) / scale, (y - middle[1]) / scale
    wanted, allowed = target[support].astype(np.float64), variance[support].astype(np.float64)
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    slope_x = _correlated(source, kernel)
    slope_y = _correlated(source, kernel.T)
    start = matrix @ np.array([*middle, 1.0])
    matrix = matrix.copy()
    few = len(x) < 120
    for _ in range(_STEPS):
        px = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]).astype(np.float32)[None]
        py = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]).astype(np.float32)[None]
        seen = opencv.remap(source, px, py, opencv.CUBIC)[0].astype(np.float64)
        sx = gain * opencv.remap(slope_x, px, py)[0].astype(np.float64)
        sy = gain * opencv.remap(slope_y, px, py)[0].astype(np.float64)
        error = wanted - gain * seen - offset
        weight = 1.0 / (1.0 + np.square(error) / (6.0 * allowed))
        if few:
            # Too little support for a shear: only the place, size and turn are free.
            jacobian = np.stack([sx * u + sy * v, sy * u - sx * v, sx, sy, seen, np.ones_like(seen)])
        else:
            jacobian = np.stack([sx * u, sx * v, sx, sy * u, sy * v, sy, seen, np.ones_like(seen)])
        weighted = jacobian * weight
        normal = weighted @ jacobian.T
        normal[np.diag_indices_from(normal)] *= 1.001
        normal[np.diag_indices_from(normal)] += 1e-9
        step = np.linalg.solve(normal, weighted @ error)
        if few:
            a, b, tx, ty = step[:4]
            change = np.array([[a, -b, tx], [b, a, ty]])
        else:
            change = np.array([step[0:3], step[3:6]])
        linear = change[:, :2] / scale
        matrix[:, :2] += linear
        matrix[:, 2] += change[:, 2] - linear @ middle
        gain, offset = float(np.clip(gain + step[-2], 0.5, 2.0)), offset + float(step[-1])
    moved = matrix @ np.array([*middle, 1.0]) - start
    area = float(np.linalg.det(matrix[:, :2]))
    if not (np.isfinite(matrix).all() and np.abs(moved).max() < 4.0 and 0.25 < area < 4.0):
        return None
    return matrix, gain, offset


def _correlated(picture: Float32Array, kernel: Float32Array) -> Float32Array:
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
