"""How much each source counts: measured beside the hole, where plate and sources can be compared.

A source that moved has been resampled and misses by its registration; a still one repeats the plate, even
its compression noise, in the nearest frame more than in a distant one. Neither needs to be guessed: the
errors of all sources around the hole have a covariance, and the combination of least expected squared error
(best linear unbiased estimation, as in kriging) follows from it. One good source among poor ones is copied;
eight alike are averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from void_engine.engines.interface import Float32Array
from void_engine.propagation.working_set import BoolArray

FEWEST_POINTS = 150
"""Fewer comparable points than this say nothing."""
_SHRINK = 0.03
_OUTLIER = 4.0
_TYPICAL, _TYPICAL_DEVIATIONS = 0.9, 1.645


def covariance(errors: Float32Array, valid: BoolArray) -> NDArray[np.float64] | None:
    """(S, S) second moments of the sources' errors, positive definite; None when too few points tell.

    Args:
        errors: (S, N, 3) encoded, source minus plate.
        valid: (S, N): where the source shows the point.
    """
    count = len(errors)
    if count == 0 or int(valid.sum(axis=1).min()) < FEWEST_POINTS:
        return None
    tame = np.empty(errors.shape, np.float64)
    for index in range(count):
        # Not the median: where compression repeats most pixels exactly, that would be 0.
        typical = float(np.quantile(np.abs(errors[index][valid[index]]), _TYPICAL)) / _TYPICAL_DEVIATIONS
        limit = _OUTLIER * max(typical, 1e-5)
        tame[index] = np.clip(errors[index], -limit, limit) * valid[index][:, None]
    pairs = valid.astype(np.float64) @ valid.T.astype(np.float64)
    flat = tame.reshape(count, -1)
    power = np.diag(flat @ flat.T) / (3.0 * np.diag(pairs))
    scale = np.sqrt(power[:, None] * power)
    # Pairs that hardly ever see the same point are taken to be as alike as pairs are on the whole.
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


def best_weights(covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) non-negative weights of sum 1 with the least expected squared error.

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


class Weigher:
    """Weights for every set of sources that sees a pixel together."""

    def __init__(self, covariances: NDArray[np.float64]) -> None:
        self._covariances = covariances
        self._known: dict[int, Float32Array] = {}

    def weights(self, visible: BoolArray) -> Float32Array:
        """(S, N) weights for (S, N) visibility; 0 where not visible, sum 1 where any is."""
        count = len(visible)
        bits = (1 << np.arange(count, dtype=np.int64)) @ visible.astype(np.int64)
        sets, inverse = np.unique(bits, return_inverse=True)
        table = np.stack([self._for_set(int(one), count) for one in sets], axis=1)
        return np.ascontiguousarray(table[:, inverse.reshape(-1)])

    def _for_set(self, one: int, count: int) -> Float32Array:
        if one not in self._known:
            weights = np.zeros(count, np.float32)
            members = [index for index in range(count) if one >> index & 1]
            if members:
                weights[members] = best_weights(self._covariances[np.ix_(members, members)])
            self._known[one] = weights
        return self._known[one]
