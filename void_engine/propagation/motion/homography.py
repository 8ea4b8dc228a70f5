"""Homographies: the motion of a plane seen by a moving camera, between pixel centres of two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Float64Array, Uint8Array
from void_engine.geometry import Box

Homography = Float64Array
"""A matrix (3, 3) whose lower right element is 1."""

REPROJECTION_PX = 1.5
"""A point that a homography misses by more than this is an outlier."""
_FEWEST_TO_POLISH = 8
"""The least number of inliers to which a homography is fitted again."""


def identity() -> Homography:
    """Return the homography that moves nothing."""
    return np.eye(3)


def apply(homography: Homography, points: Float32Array) -> Float32Array:
    """Map points (N, 2) of x, y; points that pass through infinity land far outside any picture."""
    mapped = points.astype(np.float64) @ homography[:, :2].T + homography[:, 2]
    depth = mapped[:, 2:]
    safe = np.where(depth > 1e-6, depth, 1.0)
    return np.where(depth > 1e-6, mapped[:, :2] / safe, -1e6).astype(np.float32)


def warp(picture: Uint8Array, homography: Homography, *, outside: float = 0.0, step: int = 1) -> Uint8Array:
    """Warp ``picture`` to the target, whose pixel x shows the picture's pixel ``homography`` x (bilinear).

    Args:
        picture: (h, w).
        homography: target to picture.
        outside: the value beyond the picture.
        step: only every ``step``-th pixel of every ``step``-th row is made.
    """
    rows, columns = picture.shape[:2]
    if np.array_equal(homography, np.eye(3)):
        return picture[::step, ::step]
    shape = (-(-rows // step), -(-columns // step))
    return opencv.warp_perspective(picture, homography @ np.diag([step, step, 1.0]), shape, outside)


def from_box(homography: Homography, box: Box) -> Homography:
    """Return the homography for target pixels that are counted from the upper left corner of ``box``."""
    shift = np.array([[1.0, 0.0, box.x0], [0.0, 1.0, box.y0], [0.0, 0.0, 1.0]])
    return np.asarray(homography @ shift, np.float64)


def is_sane(homography: Homography, shape: tuple[int, ...]) -> bool:
    """Whether the corners of a picture of ``shape`` stay a convex quadrilateral of plausible size."""
    rows, columns = shape[:2]
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    mapped = apply(homography, corners)
    if not np.isfinite(mapped).all() or np.abs(mapped).max() > 1e5:
        return False
    area = cv2.contourArea(mapped, oriented=True)
    return bool(cv2.isContourConvex(mapped)) and 0.1 < area / (rows * columns) < 10.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted homography and the number of points that agree with it."""

    homography: Homography
    inliers: int


def fit(points: Float32Array, found: Float32Array, shape: tuple[int, ...]) -> Fitted | None:
    """Fit a robust homography from ``points`` to ``found``; None where there is no plausible one.

    Args:
        points: (N, 2) x and y in one picture.
        found: (N, 2) x and y of the same points in the other picture.
        shape: (rows, columns) of the picture that the points are in.
    """
    # OpenCV seeds its random numbers anew with each call, so the same points give the same answer.
    homography, mask = cv2.findHomography(
        points, found, cv2.USAC_FAST, REPROJECTION_PX, maxIters=1500, confidence=0.999
    )
    # OpenCV returns None where it finds nothing, although its type stubs do not say so.
    if not np.any(homography):
        return None
    inlying = mask.reshape(-1) > 0
    if int(inlying.sum()) >= _FEWEST_TO_POLISH:
        # The search stops at a nearly best model to be fast, so the model is fitted again to its inliers.
        homography, _ = cv2.findHomography(points[inlying], found[inlying], 0)
    fitted = np.asarray(homography, np.float64)
    return Fitted(fitted, int(inlying.sum())) if fitted.shape == (3, 3) and is_sane(fitted, shape) else None
