"""Flow completion: the motion inside the hole, predicted from the motion around it.

Smooth interpolation alone smears motion across depth edges that the hole hides. But two *other* frames may
both see what is hidden, and the motion between them shows its depth structure (parallax). So the flow of the
ring around the hole is robustly regressed on an affine motion plus that structure. The fit predicts the
inside, and only the residual of the ring is interpolated smoothly.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array, Uint8Array
from void_engine.propagation import cross_validation, pyramid
from void_engine.propagation.motion.flow import grid

_FEWEST_SAMPLES = 60
"""The least number of samples from which a motion is fitted."""
_MOST_SAMPLES = 1000
"""The number of samples to which a ring is thinned."""
LARGE_BOX_PIXELS = 2**15
"""Size of a box, in pixels, from which on slowly varying quantities are computed from every other pixel."""
_ROUNDS = 5
"""The number of rounds of reweighting."""
_STRUCTURE_ADVANTAGE = 0.93
"""The structure term is used only when it lowers the ring's residual to this fraction of the affine fit's."""
_REACH_PX = 40.0
"""The least distance from the hole up to which the ring counts."""
_SMALLEST_BLOCK_PX = 8
"""The least side of a block that votes."""
_COMPARE_BLUR_PX = 1.0
"""Blur radius of the compared pictures."""
_SIGNIFICANT = 2.0
"""How many standard deviations an improvement must exceed."""
_LEAST_GAIN = 0.01
"""The fraction of the misfit that an improvement must exceed."""


@dataclass(frozen=True, slots=True)
class CompletedFlow:
    """The flow on the whole box, hidden pixels included."""

    flow: Float32Array
    """(h, w, 2): measured where visible, predicted where hidden."""
    spread_px: float
    """The robust standard deviation, in pixels, of the ring's flow from the fit that predicts the hole."""


def texture_weight(gray: Uint8Array) -> Float32Array:
    """The weight in 0.05..1, (h, w), with which the local texture pins down the flow at each pixel."""
    gradient_x = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    gradient_y = cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    energy = opencv.gaussian_blur(gradient_x * gradient_x + gradient_y * gradient_y, 2.5)
    return np.asarray(0.05 + 0.95 * energy / (energy + 9.0), np.float32)


def ring_weight(hole: BoolArray) -> Float32Array:
    """The nearness to the hole, (h, w) in 0..1; it falls with the distance and is 0 inside the hole."""
    away, inside = opencv.depth_inside(~hole), opencv.depth_inside(hole)
    # If there is no rim at all, OpenCV answers with the largest float.
    reach = max(_REACH_PX, 1.5 * min(float(inside.max()), float(max(hole.shape))))
    return np.where(hole, 0.0, np.exp(-np.minimum(away, 1e4) / reach)).astype(np.float32)


def complete_flow(
    flow: Float32Array,
    weight: Float32Array,
    ring: Float32Array,
    hole: BoolArray,
    structure: Float32Array | None,
) -> CompletedFlow:
    """Continue ``flow`` into ``hole``.

    Args:
        flow: (h, w, 2) measured motion.
        weight: (h, w) in 0..1, the weight of each measurement (confidence times texture).
        ring: (h, w) in 0..1, nearness to the hole (:func:`ring_weight`).
        hole: (h, w) the pixels whose motion must be predicted.
        structure: (h, w, 2) motion between two other frames that both see the hole, or None.
    """
    if not hole.any():
        return CompletedFlow(flow, 0.0)
    predicted = _predict(flow, weight, ring, hole, structure)
    # The prediction also replaces poor measurements of visible pixels.
    share = np.clip(weight * 4.0, 0.0, 1.0)
    share = np.where(hole, np.float32(0.0), share)[:, :, None]
    return CompletedFlow(
        (share * flow + (1.0 - share) * predicted.flow).astype(np.float32), predicted.spread_px
    )


def _predict(
    flow: Float32Array,
    weight: Float32Array,
    ring: Float32Array,
    hole: BoolArray,
    structure: Float32Array | None,
) -> CompletedFlow:
    """Predict the motion in ``hole`` (and everywhere else) from what was measured outside it.

    It is smooth, so on a large box every other pixel of every other row suffices.
    """
    if hole.size < LARGE_BOX_PIXELS:
        return _predict_here(flow, weight, ring, hole, structure)
    coarse = _predict_here(
        np.ascontiguousarray(flow[::2, ::2]),
        weight[::2, ::2],
        ring[::2, ::2],
        hole[::2, ::2],
        None if structure is None else np.ascontiguousarray(structure[::2, ::2]),
    )
    return CompletedFlow(opencv.pyramid_up(coarse.flow, hole.shape), coarse.spread_px)


def _predict_here(
    flow: Float32Array,
    weight: Float32Array,
    ring: Float32Array,
    hole: BoolArray,
    structure: Float32Array | None,
) -> CompletedFlow:
    strength = np.where(hole, np.float32(0.0), weight * ring)
    sample = np.flatnonzero((strength > 0.02).reshape(-1))
    if sample.size < _FEWEST_SAMPLES:
        filled = pyramid.push_pull(flow, np.where(hole, np.float32(0.0), weight))
        return CompletedFlow(filled, 1.0)
    if sample.size > _MOST_SAMPLES:
        sample = sample[:: sample.size // _MOST_SAMPLES + 1]
    place = _place(hole.shape)
    values = flow.reshape(-1, 2)[sample].astype(np.float64)
    weights = strength.reshape(-1)[sample].astype(np.float64)
    design = np.hstack([np.ones((len(sample), 1), np.float32), place.reshape(-1, 2)[sample]])
    coefficients, spread = _robust_fit(design, values, weights)
    fit = None
    if structure is not None:
        rich = np.hstack([design, structure.reshape(-1, 2)[sample]])
        rich_coefficients, rich_spread = _robust_fit(rich, values, weights)
        if rich_spread < _STRUCTURE_ADVANTAGE * spread:
            coefficients, spread = rich_coefficients, rich_spread
            fit = opencv.transform(structure, coefficients[3:].T)
    affine = np.column_stack([coefficients[1:3].T, coefficients[0]])
    plane = opencv.transform(place, affine)
    fit = plane if fit is None else fit + plane
    left = flow - fit
    scatter = (np.square(left[:, :, 0]) + np.square(left[:, :, 1])) / np.float32(max(2.0 * spread, 0.1) ** 2)
    trusted = np.where(hole, np.float32(0.0), weight / (1.0 + scatter))
    continued = pyramid.push_pull(left, np.minimum(trusted, np.float32(1.0)))
    return CompletedFlow(fit + continued, spread)


@functools.lru_cache(maxsize=4)
def _place(shape: tuple[int, ...]) -> Float32Array:
    """The x and y of each pixel from the middle, (h, w, 2), in units of the longer side; read-only."""
    x, y = grid(shape)
    scale = np.float32(1.0 / max(shape))
    place = np.stack([(x - x.mean()) * scale, (y - y.mean()) * scale], axis=2)
    place.setflags(write=False)
    return place


class FlowTest:
    """Tests whether a flow explains a source better than no flow does.

    The test compares blurred pictures around the hole; without the blur, a flow that samples between pixels
    would seem to lower the noise. Blocks as large as the hole is deep vote as one, because the errors of
    neighbouring pixels are not independent.
    """

    def __init__(
        self, gray: Uint8Array, seen: Uint8Array, both: BoolArray, ring: Float32Array, hole: BoolArray
    ) -> None:
        """Prepare the comparison. All arrays are (h, w).

        Args:
            gray: the target.
            seen: the source warped by its homography.
            both: where both show background.
            ring: nearness to the hole.
            hole: the hole.
        """
        depth = float(opencv.depth_inside(hole).max())
        most = max(_SMALLEST_BLOCK_PX, min(hole.shape) // 5)
        self._side = int(np.clip(depth, _SMALLEST_BLOCK_PX, most))
        self._first = opencv.gaussian_blur(gray, _COMPARE_BLUR_PX).astype(np.float32)
        self._second = opencv.gaussian_blur(seen, _COMPARE_BLUR_PX).astype(np.float32)
        self._counts = ring * both
        self._weight, self._hole = both.astype(np.float32), hole
        self._share = 1.0 / np.maximum(opencv.box_blur(self._weight, 31), np.float32(1e-3))
        self._standing = self._misfit(self._second)
        self._odd = cross_validation.chequerboard(hole.shape, self._side)

    def improves(self, flow: Float32Array) -> bool:
        """Whether ``flow`` (h, w, 2) lowers the misfit beyond chance."""
        x, y = grid(self._hole.shape)
        moved = opencv.remap(self._second, x + flow[:, :, 0], y + flow[:, :, 1])
        gain = (self._standing - self._misfit(moved)) * self._counts
        down, across = (np.arange(0, count, self._side) for count in gain.shape)
        votes = np.add.reduceat(np.add.reduceat(gain, down, axis=0, dtype=np.float64), across, axis=1)
        total, scatter = float(votes.sum()), float(np.sqrt(np.square(votes).sum()))
        least = _LEAST_GAIN * float((self._standing * self._counts).sum())
        return total > max(_SIGNIFICANT * scatter, least)

    def predicts(
        self, flow: Float32Array, weight: Float32Array, ring: Float32Array, structure: Float32Array | None
    ) -> bool:
        """Whether ``flow`` still lowers the misfit where it is predicted, as it will be inside the hole.

        Half of the blocks are predicted from the other half, and the other way round.
        """
        predicted = np.zeros_like(flow)
        for half in (self._odd, ~self._odd):
            known = np.where(half, np.float32(0.0), weight)
            part = _predict(flow, known, ring, self._hole | half, structure)
            opencv.copy_where(predicted, half, part.flow)
        return self.improves(predicted)

    def _misfit(self, second: Float32Array) -> Float32Array:
        """The absolute difference, (h, w), without its low frequencies (light changes)."""
        difference = (self._first - second) * self._weight
        slow = opencv.box_blur(difference, 31) * self._share
        return np.asarray(np.abs(difference - slow) * self._weight, np.float32)


def _robust_fit(
    design: Float32Array, values: Float64Array, weights: Float64Array
) -> tuple[Float64Array, float]:
    """Fit by iteratively reweighted least squares with Cauchy weights.

    Returns:
        The coefficients, (columns, 2), and the weighted median distance from the fit, scaled to a standard
        deviation.
    """
    columns = design.astype(np.float64)
    robust = np.ones(len(values))
    coefficients = np.zeros((columns.shape[1], 2))
    spread = 1.0
    ridge = np.eye(columns.shape[1]) * 1e-4 * weights.sum()
    ridge[0, 0] = 1e-9
    for _ in range(_ROUNDS):
        scaled = columns * (weights * robust)[:, None]
        coefficients = np.linalg.solve(scaled.T @ columns + ridge, scaled.T @ values)
        miss = values - columns @ coefficients
        squared = np.square(miss[:, 0]) + np.square(miss[:, 1])
        order = np.argsort(squared)
        cumulative = np.cumsum(weights[order])
        spread = 1.2 * float(np.sqrt(squared[order[np.searchsorted(cumulative, 0.5 * cumulative[-1])]]))
        robust = 1.0 / (1.0 + squared / max(1.5 * spread, 0.05) ** 2)
    return coefficients, spread
