"""Smooth continuation of a picture into a hole, from the pixels around it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import pyramid


def _never() -> None:
    """Ask for no stop."""


def inpaint(encoded: Float32Array, hole: BoolArray, check: Callable[[], None] = _never) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by Navier-Stokes inpainting.

    The method is that of Bertalmio, Bertozzi and Sapiro (CVPR 2001), as OpenCV has it. ``check`` is called
    for each channel, since a large hole takes seconds, and may raise to stop the work.
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
        check()
        plane = np.ascontiguousarray(encoded[:, :, channel])
        least, most, _, _ = cv2.minMaxLoc(plane, shown)
        filled: Float32Array = np.clip(cv2.inpaint(plane, mask, 4.0, cv2.INPAINT_NS), least, most)
        planes.append(opencv.copy_where(plane, hole, np.nan_to_num(filled)))
    return opencv.merge(planes)


def smooth_fill(encoded: Float32Array, hole: BoolArray, check: Callable[[], None] = _never) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by the mean of Navier-Stokes and push-pull.

    One continues lines, the other slow colours. Their errors differ, so the mean has a smaller one than
    either.
    """
    pushed = pyramid.push_pull(encoded, (~hole).astype(np.float32))
    return np.asarray(np.float32(0.5) * (inpaint(encoded, hole, check) + pushed), np.float32)
