"""Smooth continuation of a picture into a hole, from the pixels around it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import encoding, pyramid

Continuation = Callable[[Float32Array, BoolArray], Float32Array]
"""Continues a picture, (h, w, 3), into a hole, (h, w)."""
_REACH_PX = 4.0
"""How far from a pixel that is filled others are looked at."""
_STEPS = 4080.0
"""The number of steps between the darkest and the brightest pixel in which Telea's method is computed."""


def _never() -> None:
    """Ask for no stop."""


def inpaint(encoded: Float32Array, hole: BoolArray, check: Callable[[], None] = _never) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by Navier-Stokes inpainting.

    The method is that of Bertalmio, Bertozzi and Sapiro (CVPR 2001), as OpenCV has it. ``check`` is called
    for each channel, since a large hole takes seconds, and may raise to stop the work.
    """
    return _by_opencv(encoded, hole, cv2.INPAINT_NS, check)


def telea(encoded: Float32Array, hole: BoolArray, check: Callable[[], None] = _never) -> Float32Array:
    """Fill ``hole`` as :func:`inpaint` does, by Telea's inpainting.

    The method is that of Telea, "An image inpainting technique based on the fast marching method" (Journal of
    Graphics Tools 9, 2004), as OpenCV has it.
    """
    return _by_opencv(encoded, hole, cv2.INPAINT_TELEA, check)


def _by_opencv(
    encoded: Float32Array, hole: BoolArray, method: int, check: Callable[[], None]
) -> Float32Array:
    if not hole.any():
        return encoded
    if hole.all():
        return np.zeros_like(encoded)
    if min(hole.shape) < 8:
        return pyramid.push_pull(encoded, (~hole).astype(np.float32))
    mask, shown = hole.astype(np.uint8), (~hole).astype(np.uint8)
    planes = []
    for channel in range(3):
        check()
        plane = np.ascontiguousarray(encoded[:, :, channel])
        least, most, _, _ = cv2.minMaxLoc(plane, shown)
        levels, scale, first = plane, np.float32(1.0), np.float32(0.0)
        if method == cv2.INPAINT_TELEA:
            # OpenCV rounds what this method makes to whole numbers, even of floats.
            scale, first = np.float32(_STEPS / max(most - least, 1e-6)), np.float32(least)
            levels = np.clip((plane - first) * scale, 0.0, _STEPS).astype(np.float32)
        made = np.nan_to_num(cv2.inpaint(levels, mask, _REACH_PX, method)) / scale + first
        filled: Float32Array = np.clip(made, least, most).astype(np.float32)
        planes.append(opencv.copy_where(plane, hole, filled))
    return opencv.merge(planes)


def pushed(encoded: Float32Array, hole: BoolArray) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by push-pull, which continues slow colours."""
    return pyramid.push_pull(encoded, (~hole).astype(np.float32))


def smooth_fill(encoded: Float32Array, hole: BoolArray, check: Callable[[], None] = _never) -> Float32Array:
    """Fill ``hole`` (h, w) of an encoded picture (h, w, 3) by the mean of three ways to continue it.

    Navier-Stokes continues lines, push-pull slow colours, and Telea's method colours near the rim. Their
    errors differ, so the mean mostly has a smaller one than any of them. Colours are taken as a display shows
    them, because that is where errors are seen.
    """
    if not hole.any():
        return encoded
    shown = encoding.to_display(encoded)
    total = inpaint(shown, hole, check) + telea(shown, hole, check)
    total += pushed(shown, hole)
    filled = encoded.copy()
    filled[hole] = encoding.from_display(total[hole] / np.float32(3.0))
    return filled
