"""Motion between two frames of a result, and one frame seen as the other sees it."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.quality.channels import mean_of

_LONGEST_SIDE = 320
"""The motion is measured at a size that this bounds: faults of a few pixels do not need it finer."""
_SHORTEST_SIDE = 64
"""OpenCV's search reads beyond pictures that are smaller than its patches at the coarsest size."""
_LEAST_RANGE = 0.05
"""Pictures of less contrast, in encoded light, are not stretched further."""


def motion(picture: Float32Array, other: Float32Array) -> Float32Array:
    """Where each pixel of ``picture`` (h, w, 3) lies in ``other``: an offset in pixels, (h, w, 2)."""
    height, width = picture.shape[:2]
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    small = (max(_SHORTEST_SIDE, round(height * scale)), max(_SHORTEST_SIDE, round(width * scale)))
    grey = [opencv.resize(mean_of(one), small, opencv.AREA) for one in (picture, other)]
    low, high = np.percentile(grey[0][::2, ::2], (1.0, 99.0))
    bytes_ = [_stretched(one, float(low), float(high)) for one in grey]
    found = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(bytes_[0], bytes_[1], None)  # type: ignore[call-overload]
    offset = opencv.resize(np.asarray(found, np.float32), (height, width))
    offset *= np.array([width / small[1], height / small[0]], np.float32)
    return offset


def _stretched(grey: Float32Array, low: float, high: float) -> Uint8Array:
    scaled = (grey - np.float32(low)) * np.float32(255.0 / max(high - low, _LEAST_RANGE))
    return np.asarray(np.clip(scaled, 0.0, 255.0), np.uint8)


def warped(picture: Float32Array, offset: Float32Array) -> tuple[Float32Array, BoolArray]:
    """The picture at the places that the offsets say, and where these lie inside it."""
    height, width = offset.shape[:2]
    x = np.arange(width, dtype=np.float32)[None] + offset[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + offset[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return opencv.remap(picture, x, y), inside
