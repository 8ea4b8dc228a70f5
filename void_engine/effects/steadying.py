"""Steadies the odds of single pixels over their surroundings and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array

_SMOOTH_PX = 1.0
_HIDDEN = -8.0
_HANDED = np.float32(0.33)
"""How much of its odds a frame hands on to the next."""


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
    """Average the odds (h, w) of each frame over its surroundings and the frames before and after.

    What is affected moves with the scene or with the object, so a neighbour is asked at both places and the
    one that speaks more for an effect counts. What a frame hands on holds what it was handed itself, so
    frames count less the farther they are in time.
    """
    soft, shown = [], []
    for value, mask in zip(odds, usable, strict=True):
        weight = mask.astype(np.float32)
        soft.append(opencv.gaussian_blur(np.clip(value, -8, 8).astype(np.float32) * weight, _SMOOTH_PX))
        shown.append(opencv.gaussian_blur(weight, _SMOOTH_PX))
    total = [-value for value in soft]
    weight_of = [-value for value in shown]
    for order in (range(len(soft)), range(len(soft) - 1, -1, -1)):
        last: tuple[int, Float32Array, Float32Array] | None = None
        for t in order:
            value, held = soft[t], shown[t]
            near = [each for each in neighbours[t] if last is not None and each.frame == last[0]]
            if last is not None and near:
                handed, seen = _handed_on(last[1], last[2], near[0])
                value, held = value + handed * seen, held + seen
            total[t] = total[t] + value
            weight_of[t] = weight_of[t] + held
            last = t, np.asarray(value / np.maximum(held, 0.05), np.float32), held
    return [
        np.where(mask, each / np.maximum(held, np.float32(0.05)), np.float32(_HIDDEN)).astype(np.float32)
        for mask, each, held in zip(usable, total, weight_of, strict=True)
    ]


def _handed_on(mean: Float32Array, held: Float32Array, near: Neighbour) -> tuple[Float32Array, Float32Array]:
    """What a frame is told by its neighbour, and how much that counts."""
    value, seen = _at(mean, held, near.scene)
    if near.thing is not None:
        along, seen_along = _at(mean, held, near.thing)
        better = (along > value) & (seen_along > 0.5)
        value, seen = np.where(better, along, value), np.where(better, seen_along, seen)
    return value, (_HANDED * seen).astype(np.float32)


def _at(
    value: Float32Array, shown: Float32Array, homography: Float64Array
) -> tuple[Float32Array, Float32Array]:
    shape = value.shape
    return (
        opencv.warp_perspective(value, homography, shape),
        opencv.warp_perspective(shown, homography, shape, 0.0),
    )
