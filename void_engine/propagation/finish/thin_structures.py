"""Thin holes (wires, scratches), where the pixels on both sides are as good an estimate as other frames.

Both estimates are blended by their measured errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import inpainting, pyramid
from void_engine.propagation.finish.hole import Hole

_THICKEST_PX = 9
"""Thickness up to which a part of the hole counts as thin; wires, which are thin all over, may be thicker."""
_GAP_PX = 2
"""The distance between the hole and its copy on which the spatial estimate is tested."""
_AROUND_PX = 7.0
"""Blur radius over which the errors of both estimates are averaged."""
_PREDICTED_COST = 1.2
"""The factor by which the temporal error is larger inside a hole, where motion is predicted, than around it,
where it is measured."""


@dataclass(frozen=True, slots=True)
class ThinBlend:
    """The answer with the temporal and the spatial estimate of its thin parts blended."""

    values: Float32Array
    """(h, w, 3) encoded."""
    deviation: Float32Array
    """(h, w) encoded: expected error of the blended pixels; 0 where nothing was blended."""


def blend(answer: Float32Array, hole: Hole, expected: Float32Array) -> ThinBlend:
    """Blend the temporal and the spatial estimate of thin parts of the hole by their measured errors.

    The spatial estimate is tested on a copy of the hole shifted beside it, where the truth is known; the
    error of the temporal one was measured when it was made. Each is weighted by the inverse of its squared
    error around the pixel.

    Args:
        answer: (h, w, 3) encoded, the temporal estimate inside the hole.
        hole: the hole, with the plate and the revealed pixels around it.
        expected: (h, w) the expected squared error, encoded, of a channel of the temporal estimate.
    """
    square = opencv.square(_THICKEST_PX)
    thick = opencv.dilate(opencv.erode(hole.mask, square), square)
    thin = (hole.mask & ~opencv.dilate(thick, square)) | hole.wires
    alone = ThinBlend(answer, np.zeros(thin.shape, np.float32))
    if int(thin.sum()) < 16 or not hole.known.any():
        return alone
    beside = _beside(thin, hole.mask)
    if int(beside.sum()) < 32:
        return alone
    spatial = inpainting.inpaint(hole.plate, hole.mask)
    trial = inpainting.inpaint(spatial, beside)
    weight = beside.astype(np.float32)
    spatial_error, support = pyramid.weighted_blur(_power(trial - hole.plate), weight, _AROUND_PX)
    spatial_error = pyramid.push_pull(spatial_error, np.clip(support * 20.0, 0.0, 1.0).astype(np.float32))
    temporal_error = expected * np.float32(3.0 * _PREDICTED_COST) + np.float32(1e-7)
    # The weights are squared again, because a mean of both estimates blurs: the worse one gets little unless
    # they are nearly equal.
    against, favour = np.square(spatial_error), np.square(temporal_error)
    share = np.where(thin, favour / (favour + against + np.float32(1e-12)), np.float32(0.0))
    joined_error = np.square(share) * spatial_error + np.square(1.0 - share) * temporal_error
    deviation = np.where(thin, np.sqrt(joined_error / 3.0), np.float32(0.0)).astype(np.float32)
    return ThinBlend(np.asarray(answer + share[:, :, None] * (spatial - answer), np.float32), deviation)


def _power(difference: Float32Array) -> Float32Array:
    square = np.square(difference)
    return np.asarray(square[:, :, 0] + square[:, :, 1] + square[:, :, 2], np.float32)


def _beside(thin: BoolArray, hole: BoolArray) -> BoolArray:
    """The thin hole shifted by its thickness in the direction that takes it furthest off the hole."""
    best, least = np.zeros_like(thin), None
    away = int(np.ceil(2.0 * float(opencv.depth_inside(thin).max()))) + _GAP_PX
    for rows, columns in ((away, 0), (-away, 0), (0, away), (0, -away)):
        moved = np.roll(thin, (rows, columns), (0, 1))
        overlap = int((moved & hole).sum())
        if least is None or overlap < least:
            best, least = moved & ~hole, overlap
    return np.asarray(best, bool)
