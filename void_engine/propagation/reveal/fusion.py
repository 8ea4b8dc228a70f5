"""Robust fusion of the values that several source frames have for a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine.arrays import Float32Array

_ROUNDS = 2
"""The number of rounds of reweighting."""
_OUTLIER = 8.0
"""Distance from the answer, in standard deviations, from which a source counts little. Sources are already
weighted by their errors, so a narrower tolerance would only discard noise that averages out."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The fused answer for each of N pixels."""

    values: Float32Array
    """(N, 3) encoded; 0 where no source has weight."""
    weight: Float32Array
    """(N,): total weight; 0 where nothing was seen."""
    kept_variance: Float32Array
    """(N,) in 0..1: the share of a single source's noise variance that averaging has left."""
    disagreement: Float32Array
    """(N,): weighted deviation of the sources from the answer, in encoded units."""


def weighted_median(values: Float32Array, weights: Float32Array) -> Float32Array:
    """The weighted median for each pixel and channel, (N, 3), of values (S, N, 3) with weights (S, N)."""
    order = np.argsort(values, axis=0)
    sorted_values = np.take_along_axis(values, order, axis=0)
    sorted_weights = np.take_along_axis(np.broadcast_to(weights[:, :, None], values.shape), order, axis=0)
    cumulative = np.cumsum(sorted_weights, axis=0)
    middle = np.argmax(cumulative >= 0.5 * cumulative[-1], axis=0)
    return np.asarray(np.take_along_axis(sorted_values, middle[None], axis=0)[0], np.float32)


def _squared(difference: Float32Array) -> Float32Array:
    """The sum of squares over the three channels, written out because numpy reduces a short axis slowly."""
    square = np.square(difference)
    return np.asarray(square[..., 0] + square[..., 1] + square[..., 2], np.float32)


def fuse(values: Float32Array, weights: Float32Array, noise: float) -> Fused:
    """Fuse S sources at N pixels by a robust weighted mean.

    It starts from the weighted median, followed by two rounds of reweighting by the distance from the answer.

    Args:
        values: (S, N, 3) encoded, anything finite where the weight is 0.
        weights: (S, N), 0 where a source does not show the pixel.
        noise: standard deviation, encoded, within which sources agree.
    """
    weights = weights.astype(np.float32)
    if values.shape[0] == 1:
        seen = weights[0] > 0
        answer = np.where(seen[:, None], values[0], np.float32(0.0))
        return Fused(answer, weights[0], np.ones_like(weights[0]), np.zeros_like(weights[0]))
    answer = weighted_median(values, weights)
    total = weights.sum(axis=0)
    current = weights
    tolerance = np.float32(1.0 / (_OUTLIER * noise) ** 2)
    for _ in range(_ROUNDS):
        distance = _squared(values - answer) * (tolerance / np.float32(3.0))
        current = weights / np.square(1.0 + distance)
        sums = np.maximum(current.sum(axis=0), np.float32(1e-9))
        answer = np.einsum("sn,snc->nc", current, values) / sums[:, None]
    sums = np.maximum(current.sum(axis=0), np.float32(1e-9))
    kept = np.square(current).sum(axis=0) / np.square(sums)
    spread = np.sqrt((weights * _squared(values - answer)).sum(axis=0) / np.maximum(total, 1e-9))
    answer = np.where(total[:, None] > 0, answer, np.float32(0.0))
    return Fused(answer.astype(np.float32), total, kept.astype(np.float32), spread.astype(np.float32))
