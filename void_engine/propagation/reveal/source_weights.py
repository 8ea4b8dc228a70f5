"""Source weights, measured beside the hole where the plate and the sources can be compared.

A source that moved is softened by resampling and off by its registration error; a still one repeats the plate
and even its compression noise, the more so the nearer it is. None of this has to be modelled: the errors of
all sources around the hole have a covariance, and the combination of least expected squared error (best
linear unbiased estimation, as in kriging) follows from it. One good source among poor ones is copied; eight
equal ones are averaged.
"""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Float64Array

FEWEST_POINTS = 150
"""The least number of comparable points from which a covariance is estimated."""
_SHRINK = 0.03
"""The least eigenvalue of a correlation matrix, which keeps it positive definite."""
_OUTLIER = 4.0
"""Errors beyond this many typical deviations are clipped."""
_TYPICAL, _TYPICAL_DEVIATIONS = 0.9, 1.645
_BLOCK_ROUNDS = 12
"""The most rounds of block pivoting."""


def covariance(errors: Float32Array, valid: BoolArray) -> Float64Array | None:
    """Estimate the second moments (S, S) of the sources' errors, positive definite; None for too few points.

    Args:
        errors: (S, N, 3) encoded, source minus plate.
        valid: (S, N), whether the source shows the point.
    """
    count = len(errors)
    if count == 0 or int(valid.sum(axis=1).min()) < FEWEST_POINTS:
        return None
    tame = np.empty(errors.shape, np.float64)
    for index in range(count):
        # A high quantile is used, because the median is 0 where compression repeats most pixels exactly.
        typical = float(np.quantile(np.abs(errors[index][valid[index]]), _TYPICAL)) / _TYPICAL_DEVIATIONS
        limit = _OUTLIER * max(typical, 1e-5)
        tame[index] = np.clip(errors[index], -limit, limit) * valid[index][:, None]
    pairs = valid.astype(np.float64) @ valid.T.astype(np.float64)
    flat = tame.reshape(count, -1)
    power = np.diag(flat @ flat.T) / (3.0 * np.diag(pairs))
    scale = np.sqrt(power[:, None] * power)
    # Pairs that hardly ever show the same point are given the mean correlation of all other pairs.
    seen_together = pairs >= FEWEST_POINTS
    alike = np.where(
        seen_together, flat @ flat.T / (3.0 * np.maximum(pairs, 1.0)) / np.maximum(scale, 1e-12), 0.0
    )
    off = seen_together & ~np.eye(count, dtype=bool)
    typical_alike = float(alike[off].mean()) if off.any() else 0.5
    alike = np.where(seen_together, alike, typical_alike)
    np.fill_diagonal(alike, 1.0)
    alike = np.clip(alike, -1.0, 1.0)
    values, vectors = np.linalg.eigh(0.5 * (alike + alike.T))
    positive = (vectors * np.maximum(values, _SHRINK)) @ vectors.T
    return np.asarray(positive * scale + np.eye(count) * 1e-10, np.float64)


def best_weights(covariances: Float64Array) -> Float64Array:
    """The non-negative weights (S,) of sum 1 with the least expected squared error.

    The optimum is proportional to the x >= 0 that solves ``C x = 1`` up to complementary slackness: found by
    the active-set method of Lawson and Hanson, "Solving Least Squares Problems" (1974), chapter 23.
    """
    count = len(covariances)
    answer, active = np.zeros(count), np.zeros(count, bool)
    for _ in range(3 * count):
        slack = np.where(active, -np.inf, 1.0 - covariances @ answer)
        entering = int(np.argmax(slack))
        if slack[entering] <= 1e-9:
            break
        active[entering] = True
        while True:
            solved = np.zeros(count)
            solved[active] = np.linalg.solve(covariances[np.ix_(active, active)], np.ones(int(active.sum())))
            blocking = active & (solved <= 0)
            if not blocking.any():
                break
            step = float((answer[blocking] / (answer[blocking] - solved[blocking])).min())
            answer += step * (solved - answer)
            active &= answer > 1e-12
        answer = solved
    return np.asarray(answer / answer.sum(), np.float64)


def best_weights_of_sets(covariances: Float64Array, members: BoolArray) -> Float64Array:
    """The :func:`best_weights` of many sets of sources at once, (M, S).

    All sets are solved together by exchanging whole blocks of sources between those with and those without
    weight (block principal pivoting: Portugal, Judice and Vicente, Mathematics of Computation 63, 1994). The
    few sets for which that does not converge are solved one by one.

    Args:
        covariances: (S, S) as :func:`covariance` gives it.
        members: (M, S), the sources of each set; others get the weight 0.
    """
    count = len(covariances)
    active = members.copy()
    answer: Float64Array = np.zeros(members.shape)
    for _ in range(_BLOCK_ROUNDS):
        both = active[:, :, None] & active[:, None, :]
        system = np.where(both, covariances, np.eye(count))
        answer = np.asarray(
            np.linalg.solve(system, active.astype(np.float64)[:, :, None])[:, :, 0], np.float64
        )
        slack = np.where(members & ~active, 1.0 - answer @ covariances, -np.inf)
        wrong = (active & (answer <= 0)) | (slack > 1e-9)
        if not wrong.any():
            break
        active ^= wrong
    for index in np.flatnonzero(wrong.any(axis=1)):
        chosen = np.flatnonzero(members[index])
        answer[index] = 0.0
        answer[index, chosen] = best_weights(covariances[np.ix_(chosen, chosen)])
    return np.asarray(answer / np.maximum(answer.sum(axis=1, keepdims=True), 1e-300), np.float64)


class SourceWeights:
    """The best weights of every set of sources that may show a pixel together."""

    def __init__(self, covariances: Float64Array) -> None:
        self._covariances = covariances

    def where(self, visible: BoolArray) -> Float32Array:
        """The weights (S, N) for a visibility (S, N): 0 where not visible, with sum 1 where any source is."""
        count = len(visible)
        bits = np.zeros(visible.shape[1], np.int64)
        for index in range(count):
            bits |= visible[index].astype(np.int64) << index
        sets = np.flatnonzero(np.bincount(bits, minlength=1 << count))
        members = (sets[:, None] >> np.arange(count) & 1) > 0
        table = np.zeros((count, 1 << count), np.float32)
        table[:, sets] = best_weights_of_sets(self._covariances, members).T
        return np.ascontiguousarray(table[:, bits])
