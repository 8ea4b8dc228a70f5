"""Layer masks: which of two motion layers each pixel belongs to, where neighbouring frames show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation.memo import Memo
from void_engine.propagation.motion.homography import Homography, apply, from_box, warp
from void_engine.propagation.motion.motion_layers import LAYERS
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.working_set import AnalysisFrame, WorkingSet

_STRIDES = (1, 2, 3, 4, 6, 8)
"""The distances in time at which neighbours are looked for."""
_NEIGHBOURS = 2
"""How many frames on each side are compared: what the object hides in one, another may show."""
_APART_PX = 4.0
"""How far the layers must have moved against each other for a comparison to tell them apart."""
_WINDOW_PX = 5
"""Side of the window over which differences are averaged."""
_NOISE_STEPS = 2.0
"""Misfit, in 8-bit steps, that is noise and gives no evidence."""
_FRAMES_HELD = 24
"""The most frames whose evidence is held in memory."""
_SURE = 0.4
"""Evidence from which a pixel surely belongs to a layer."""
_LEAST_AGREEMENT = 0.7
"""How often the claim must agree with the target's own evidence."""
_FEWEST_SURE = 100
"""The least number of sure pixels of each layer."""
_SHARPNESS = 6.0
"""The slope with which a claim becomes a share."""
_SMOOTH_PX = 0.8
"""Blur radius of the claim."""
_UNKNOWN = -0.2
"""Evidence assumed where no frame tells; the layer behind is the safer guess."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Which layer is in front, and where it is on a box of analysis pixels."""

    front: int
    """Index of the layer that hides the other, 0 or 1."""
    share: Float32Array
    """(h, w) in 0..1: how far the pixel belongs to the layer in front."""


class LayerEvidence:
    """Tells for each frame which layer's motion explains each pixel: -1 for layer 0, 1 for layer 1."""

    def __init__(self, working: WorkingSet, track: ShotTrack) -> None:
        self._working = working
        self._track = track
        self._held: Memo[Float32Array] = Memo(_FRAMES_HELD)

    def of(self, number: int) -> Float32Array:
        """The evidence on the analysis frame ``number``, (h, w) in -1..1; NaN where there is none."""
        return self._held.get(number, self._compare)

    def _compare(self, number: int) -> Float32Array:
        frame = self._working.analysis(number)
        misfits = np.full((LAYERS, *frame.gray.shape), np.inf, np.float32)
        for other in (*self._neighbours(number, -1), *self._neighbours(number, 1)):
            for layer in range(LAYERS):
                through = self._track.layer_chained(number, other, layer)
                assert through is not None
                # Another neighbour may show what this one hides.
                misfits[layer] = np.minimum(
                    misfits[layer], _misfit(frame, self._working.analysis(other), through)
                )
        known = np.isfinite(misfits).all(axis=0)
        first, second = (np.where(known, misfit, np.float32(0.0)) for misfit in misfits)
        evidence = (first - second) / (first + second + np.float32(_NOISE_STEPS))
        return np.where(known, evidence, np.float32(np.nan)).astype(np.float32)

    def _neighbours(self, number: int, direction: int) -> list[int]:
        """The nearest frames on one side in which the layers have moved apart from where they are here."""
        segment = self._track.segment(number)
        rows, columns = self._working.analysis_shape
        x, y = np.meshgrid(np.array([0.2, 0.5, 0.8]) * columns, np.array([0.2, 0.5, 0.8]) * rows)
        points = np.stack([x.reshape(-1), y.reshape(-1)], axis=1).astype(np.float32)
        found: list[int] = []
        for stride in _STRIDES:
            other = number + direction * stride
            if other not in segment or len(found) == _NEIGHBOURS:
                break
            motions = [self._track.layer_chained(number, other, layer) for layer in range(LAYERS)]
            if motions[0] is None or motions[1] is None:
                break
            away = apply(motions[0], points) - apply(motions[1], points)
            if float(np.median(np.hypot(away[:, 0], away[:, 1]))) >= _APART_PX:
                found.append(other)
        return found


def _misfit(frame: AnalysisFrame, other: AnalysisFrame, through: Homography) -> Float32Array:
    """The mean absolute difference around each pixel, (h, w), in 8-bit steps; inf where either is hidden."""
    seen = warp(other.gray, through)
    blocked = warp(other.hidden.astype(np.uint8) * 255, through, outside=255.0)
    both = ~frame.hidden & (blocked == 0)
    difference = np.abs(frame.gray.astype(np.float32) - seen) * both
    weight = opencv.box_blur(both.astype(np.float32), _WINDOW_PX)
    mean = opencv.box_blur(difference, _WINDOW_PX) / np.maximum(weight, np.float32(1e-3))
    return np.where(both, mean, np.float32(np.inf)).astype(np.float32)


def seen_evidence(evidence: Float32Array, through: Homography, box: Box) -> Float32Array:
    """Warp a source's evidence by ``through`` (target to source) onto the target's ``box``; NaN for none."""
    known = np.isfinite(evidence)
    moved = from_box(through, box)
    values = opencv.warp_perspective(np.where(known, evidence, np.float32(0.0)), moved, box.shape, 0.0)
    whole = opencv.warp_perspective(known.astype(np.float32), moved, box.shape, 0.0)
    return np.where(whole > 0.99, values, np.float32(np.nan)).astype(np.float32)


def ownership(
    own: Float32Array, seen: list[list[Float32Array]], weights: list[list[float]]
) -> Ownership | None:
    """Find which layer is in front, and where it is; None when the frames do not agree.

    The layer in front keeps its shape along its own motion, so its sources all claim the same pixels for it.
    The target's own evidence outside its hole decides for which layer that is true.

    Args:
        own: (h, w) the target's own evidence, NaN where it is hidden or cannot tell.
        seen: for each layer, its sources' evidence as :func:`seen_evidence` gives it.
        weights: for each layer, the weight of each source.
    """
    best: tuple[float, int, Float32Array] | None = None
    for layer in range(LAYERS):
        sign = np.float32(1.0 if layer else -1.0)
        claim = _mean(seen[layer], weights[layer]) * sign
        agreement = _agreement(own * sign, claim)
        if best is None or agreement > best[0]:
            best = (agreement, layer, claim)
    if best is None or best[0] < _LEAST_AGREEMENT:
        return None
    claim = np.where(np.isfinite(best[2]), best[2], np.float32(_UNKNOWN))
    soft = opencv.gaussian_blur(claim, _SMOOTH_PX)
    share = np.clip(soft * _SHARPNESS + 0.5, 0.0, 1.0)
    return Ownership(best[1], share.astype(np.float32))


def _mean(pictures: list[Float32Array], weights: list[float]) -> Float32Array:
    """The weighted mean, (h, w), of the values that are not NaN; NaN where all are."""
    total = np.zeros(pictures[0].shape, np.float32)
    count = np.zeros(pictures[0].shape, np.float32)
    for picture, weight in zip(pictures, weights, strict=True):
        known = np.isfinite(picture)
        total += np.where(known, picture, np.float32(0.0)) * np.float32(weight)
        count += known * np.float32(weight)
    return np.where(count > 0, total / np.maximum(count, np.float32(1e-6)), np.float32(np.nan)).astype(
        np.float32
    )


def _agreement(own: Float32Array, claim: Float32Array) -> float:
    """How often the claim is right, averaged over the layer in front (positive) and the one behind."""
    told: BoolArray = np.isfinite(own) & np.isfinite(claim)
    right = []
    for mine in ((own > _SURE) & told, (own < -_SURE) & told):
        if int(mine.sum()) < _FEWEST_SURE:
            return 0.0
        right.append(float(((claim > 0) == (own > 0))[mine].mean()))
    return sum(right) / len(right)
