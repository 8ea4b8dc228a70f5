"""Smooth continuation of a picture into a hole, from the pixels around it."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import pyramid

_TELEA_STEPS = 4080.0
"""The number of steps between the darkest and the brightest pixel in which Telea's method is computed."""


def inpaint(encoded: Float32Array, hole: BoolArray) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by Navier-Stokes inpainting.

    The method is that of Bertalmio, Bertozzi and Sapiro (CVPR 2001), as OpenCV has it.
    """
    if not hole.any():
        return encoded
    if hole.all():
        return np.zeros_like(encoded)
    if min(hole.shape) < 8:
        return pyramid.push_pull(encoded, (~hole).astype(np.float32))
    mask = hole.astype(np.uint8)
    shown = (~hole).astype(np.uint8)
    planes = []
    for channel in range(3):
        plane = np.ascontiguousarray(encoded[:, :, channel])
        least, most, _, _ = cv2.minMaxLoc(plane, shown)
        filled: Float32Array = np.clip(cv2.inpaint(plane, mask, 4.0, cv2.INPAINT_NS), least, most)
        planes.append(opencv.copy_where(plane, hole, np.nan_to_num(filled)))
    return opencv.merge(planes)


def telea(encoded: Float32Array, hole: BoolArray) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by Telea's inpainting.

    The method is that of Telea, "An image inpainting technique based on the fast marching method" (Journal of
    Graphics Tools, 2004), as OpenCV has it.
    """
    if not hole.any():
        return encoded
    if hole.all():
        return np.zeros_like(encoded)
    if min(hole.shape) < 8:
        return pyramid.push_pull(encoded, (~hole).astype(np.float32))
    mask, shown = hole.astype(np.uint8), (~hole).astype(np.uint8)
    planes = []
    for channel in range(3):
        plane = np.ascontiguousarray(encoded[:, :, channel])
        least, most, _, _ = cv2.minMaxLoc(plane, shown)
        # OpenCV rounds the result to whole numbers, also that of floats.
        scale = np.float32(_TELEA_STEPS / max(most - least, 1e-6))
        levels = np.clip((plane - np.float32(least)) * scale, 0.0, _TELEA_STEPS).astype(np.float32)
        filled: Float32Array = cv2.inpaint(levels, mask, 4.0, cv2.INPAINT_TELEA)
        filled = np.clip(np.nan_to_num(filled) / scale + np.float32(least), least, most)
        planes.append(opencv.copy_where(plane, hole, filled.astype(np.float32)))
    return opencv.merge(planes)


def pushed(encoded: Float32Array, hole: BoolArray) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by push-pull, which continues slow colours."""
    return pyramid.push_pull(encoded, (~hole).astype(np.float32))


CONTINUATIONS = (inpaint, pushed, telea)
"""The ways to continue a picture into a hole. Their errors differ."""


def smooth_fill(encoded: Float32Array, hole: BoolArray) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by the mean of all :data:`CONTINUATIONS`.

    Their errors differ, so the mean has a smaller one than any of them mostly has.
    """
    total = np.zeros_like(encoded)
    for continuation in CONTINUATIONS:
        total += continuation(encoded, hole)
    return np.asarray(total / np.float32(len(CONTINUATIONS)), np.float32)
