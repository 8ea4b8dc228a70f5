"""Dense optical flow between two small pictures in bytes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array, Uint8Array
from void_engine.propagation import encoding

_FINER = 2


def as_bytes(picture: Float32Array) -> Uint8Array:
    """The luma of an encoded picture (h, w, 3), stretched to the byte range."""
    grey = encoding.luma(picture)
    return encoding.eight_bit(grey, np.ones(grey.shape, np.bool_))


def quick_flow(first: Uint8Array, second: Uint8Array) -> Float32Array:
    """The flow, (h, w, 2) in pixels, from the first picture to the second."""
    return _flow(cv2.DISOPTICAL_FLOW_PRESET_FAST, first, second)


def fine_flow(first: Uint8Array, second: Uint8Array, smooth_px: float) -> Float32Array:
    """The same, measured on enlarged pictures and smoothed by a Gaussian of ``smooth_px`` pixels."""
    shape = (first.shape[0] * _FINER, first.shape[1] * _FINER)
    larger = []
    for picture in (first, second):
        large = opencv.resize(picture.astype(np.float32), shape, opencv.CUBIC)
        larger.append(np.asarray(np.clip(np.rint(large), 0, 255), np.uint8))
    flow = _flow(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, *larger) * np.float32(1 / _FINER)
    return opencv.gaussian_blur(opencv.resize(flow, first.shape, opencv.AREA), smooth_px)


def _flow(preset: int, first: Uint8Array, second: Uint8Array) -> Float32Array:
    # The stubs of OpenCV do not know that the third argument may be None.
    dis: Any = cv2.DISOpticalFlow.create(preset)
    return np.asarray(dis.calc(np.ascontiguousarray(first), np.ascontiguousarray(second), None), np.float32)
