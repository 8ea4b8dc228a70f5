"""From the odds of single pixels to regions: steadied in time, joined in space, without stray spots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array

_SMOOTH_PX = 1.0
_CORE, _RIM = 1.8, 0.0
"""A region needs odds (natural logarithms) of the first somewhere in it; it reaches to odds of the second."""
_LEAST_SHARE = 0.0004
"""A region smaller than this share of the picture is a spot."""
_HIDDEN = -8.0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """How a neighbouring frame's pixels are found."""

    frame: int
    scene: Float64Array
    """(3, 3): from this frame's pixels to the neighbour's, by the camera."""
    thing: Float64Array | None
    """(3, 3): the same, by the object's motion; None where it is absent."""


def steadied(
    odds: Sequence[Float32Array], usable: Sequence[BoolArray], neighbours: Sequence[Sequence[Neighbour]]
) -> list[Float32Array]:
    """Average the odds (h, w) of each frame over its surroundings and its neighbours in time.

    What is affected moves with the scene or with the object, so the neighbour is asked at both places and the
    one that speaks more for an effect counts.
    """
    soft, shown = [], []
    for value, mask in zip(odds, usable, strict=True):
        weight = mask.astype(np.float32)
        soft.append(opencv.gaussian_blur(np.clip(value, -8, 8).astype(np.float32) * weight, _SMOOTH_PX))
        shown.append(opencv.gaussian_blur(weight, _SMOOTH_PX))
    mean = [np.asarray(s / np.maximum(w, 0.05), np.float32) for s, w in zip(soft, shown, strict=True)]
    found = []
    for t, near in enumerate(neighbours):
        total, weight = 2 * soft[t], 2 * shown[t]
        for other in near:
            value, seen = _at(mean[other.frame], shown[other.frame], other.scene)
            if other.thing is not None:
                along, seen_along = _at(mean[other.frame], shown[other.frame], other.thing)
                better = (along > value) & (seen_along > 0.5)
                value, seen = np.where(better, along, value), np.where(better, seen_along, seen)
            total = total + value * seen
            weight = weight + seen
        steady = total / np.maximum(weight, np.float32(0.05))
        found.append(np.where(usable[t], steady, np.float32(_HIDDEN)).astype(np.float32))
    return found


def _at(
    value: Float32Array, shown: Float32Array, homography: Float64Array
) -> tuple[Float32Array, Float32Array]:
    shape = value.shape
    return (
        opencv.warp_perspective(value, homography, shape),
        opencv.warp_perspective(shown, homography, shape, 0.0),
    )


def regions(odds: Float32Array) -> BoolArray:
    """The regions (h, w) of one frame's steadied odds."""
    rim = odds > _RIM
    labels, boxes = opencv.connected_components(rim)
    if not boxes:
        return rim
    count = np.bincount(labels.reshape(-1), minlength=len(boxes) + 1)
    core = np.bincount(labels.reshape(-1), (odds > _CORE).reshape(-1), minlength=len(boxes) + 1)
    keep = (core > 0) & (count > _LEAST_SHARE * odds.size)
    keep[0] = False
    return np.asarray(keep[labels], bool)
