"""Whether a result has an edge where the matte has one: seams, and outlines that were left behind.

Along a contour the result is measured at every distance from it by operators that answer to an edge or to a
thin line parallel to it. The scene knows nothing of the matte, so what it answers at the contour is of the
size of what it answers a few pixels away; a seam or an outline answers at the contour only. Pieces of the
contour where the scene is smooth count for more than those where it is busy, by the variance of the answers
away from the contour.

In calibration, steps of 8 % in light were told in nine frames of ten of textured, grainy and compressed
footage, outlines of 2 to 4 pixels likewise; docs/check.md has the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.quality.contour import REACH, Band

_WIDTHS = (1, 2, 4)
_LEAST_STEP = 0.004
"""Answers below this, in encoded light, are of no size: they are half of what an eye sees in a smooth sky."""
_LEAST_MEAN = 0.003
_LEAST_LEFT = 0.05
"""Shares of the object that are left, 0..1, are of no size below this."""
_RUN = 10
"""How many neighbouring pieces make a run: a fault on a part of the contour only."""
_CLIP = 1.0


OPERATORS = ("gap", "step", "inner", "outer")
"""What answers at a distance: ``gap`` is the step between the straight continuations of both sides, ``step``
the plain one, ``inner`` and ``outer`` answer to a line just inside or outside."""
_LEFT = ("gap", "inner", "outer")
NAMES = (
    *(name for name in OPERATORS for _ in range(3)),
    *(f"left_{name}" for name in _LEFT),
)
"""What the rows of :attr:`EdgeProfile.means` are of: each operator in red, green and blue, and the shares of
the object that are left, by some of them."""
_FLOORS = np.array([_LEAST_LEFT if name.startswith("left_") else _LEAST_MEAN for name in NAMES])


@dataclass(frozen=True)
class EdgeProfile:
    """What the operators answer along one contour in one frame."""

    means: Mapping[int, Float64Array]
    """By width: the weighted mean answer over the contour, (:data:`NAMES`, distances); NaN where too little
    of the contour has such a distance."""
    scores: Mapping[str, float]
    """By operator and width: ``gap1.run`` and ``gap1.rough``, how much more the contour answers than other
    distances do, in a run of pieces and regardless of sign."""


def edge_profile(band: Band, result: Float32Array, plate: Float32Array) -> EdgeProfile:
    """Measure one contour.

    Args:
        band: the pixels along it.
        result, plate: (h, w, 3), encoded.
    """
    found = [band.means(np.ascontiguousarray(result[..., channel])) for channel in range(3)]
    own, held = np.stack([mean for mean, _ in found]), found[0][1]
    shown = np.stack([band.means(np.ascontiguousarray(plate[..., channel]))[0] for channel in range(3)])
    contrast = _mean_of(shown[..., REACH : REACH + 5]) - _mean_of(own[..., REACH - 6 : REACH - 1])
    seen = np.nan_to_num(contrast)[..., None]
    means: dict[int, Float64Array] = {}
    scores: dict[str, float] = {}
    for width in _WIDTHS:
        rows, left = [], []
        for name, answer in zip(OPERATORS, _operators(own, held, width), strict=True):
            away = _is_away(answer.shape[-1], width)
            weights, scale = _weights(answer, away)
            known = np.isfinite(answer)
            weight = weights[..., None] * known
            clipped = np.clip(np.where(known, answer, 0.0), -_CLIP, _CLIP)
            total = weight.sum(axis=1)
            enough = total > 0.5 * weights.sum(axis=1, keepdims=True)
            total = np.where(enough, total, np.nan)
            weighted = weight * clipped
            rows.append(weighted.sum(axis=1) / total)
            scores[f"{name}{width}.rough"] = _rough(np.abs(weighted).sum(axis=1) / total, away)
            scores[f"{name}{width}.run"] = _run(clipped / scale[..., None], away & enough)
            if name in _LEFT:
                above = np.where(enough, (weighted * seen).sum(axis=1), np.nan).sum(axis=0)
                below = (weight * seen**2).sum(axis=(0, 1))
                left.append(above / (below + 1e-5 * band.count / _LEAST_STEP**2))
        means[width] = np.concatenate([*rows, np.stack(left)])
    return EdgeProfile(means, scores)


def strangeness(width: int, means: Float64Array, *, pooled: bool = False) -> Float64Array:
    """How many times as large, with its sign, each answer at the contour is as it is elsewhere on average.

    Args:
        width: the key of :attr:`EdgeProfile.means`.
        means: its value, or the mean of it over several frames.
        pooled: whether it is such a mean, whose noise is smaller.

    Returns:
        The ratios, one for each of :data:`NAMES`; 0 where too little is known.
    """
    here = means[:, _middle(means.shape[1])]
    elsewhere = means[:, _is_away(means.shape[1], width)]
    known = np.isfinite(elsewhere)
    count = known.sum(axis=1)
    squares = np.where(known, elsewhere, 0.0) ** 2
    usual = np.sqrt(squares.sum(axis=1) / np.maximum(count, 1))
    ratio = here / np.hypot(usual, _FLOORS * (0.6 if pooled else 1.0))
    return np.asarray(np.where((count >= 4) & np.isfinite(ratio), ratio, 0.0), np.float64)


def _operators(mean: Float64Array, held: Float64Array, width: int) -> tuple[Float64Array, ...]:
    """The answers of each of :data:`OPERATORS`, (3, pieces, centres); centre ``i`` is at the distance
    ``i + 2 * width - REACH``."""
    total = np.cumsum(np.pad(np.where(held > 0, mean, 0.0) * held, ((0, 0), (0, 0), (1, 0))), axis=2)
    count = np.cumsum(np.pad(held, ((0, 0), (1, 0))), axis=1)
    centres = np.arange(2 * width, held.shape[1] - 2 * width + 1)

    def over(first: int, end: int) -> Float64Array:
        pixels = count[:, centres + end] - count[:, centres + first]
        summed = total[..., centres + end] - total[..., centres + first]
        return np.where(pixels > 0, summed / np.maximum(pixels, 1e-9), np.nan)

    deeper, inside = over(width, 2 * width), over(0, width)
    outside, further = over(-width, 0), over(-2 * width, -width)
    return (
        1.5 * inside - 0.5 * deeper - 1.5 * outside + 0.5 * further,
        inside - outside,
        inside - 0.5 * (deeper + outside),
        outside - 0.5 * (inside + further),
    )


def _is_away(centres: int, width: int) -> BoolArray:
    """Which centres see nothing of the contour."""
    return np.abs(np.arange(centres) + 2 * width - REACH) >= 2 * width + 1


def _mean_of(values: Float64Array) -> Float64Array:
    """The means along the last axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _weights(answer: Float64Array, away: BoolArray) -> tuple[Float64Array, Float64Array]:
    """The weight of each piece, and the size of its answers away from the contour, both (3, pieces)."""
    squares = np.minimum(answer[..., away] ** 2, _CLIP)
    whole = _mean_of(squares.reshape(3, -1))[:, None]
    whole = np.where(np.isfinite(whole), whole, _CLIP)
    of_piece = _mean_of(squares)
    variance = np.where(np.isfinite(of_piece), 0.7 * of_piece + 0.3 * whole, whole) + _LEAST_STEP**2
    return 1.0 / variance, np.sqrt(variance)


def _rough(sizes: Float64Array, away: BoolArray) -> float:
    """The largest ratio of any channel."""
    known = np.isfinite(sizes) & away
    count = known.sum(axis=1)
    usual = np.sqrt((np.where(known, sizes, 0.0) ** 2).sum(axis=1) / np.maximum(count, 1))
    ratio = sizes[:, _middle(sizes.shape[1])] / np.hypot(usual, _LEAST_STEP)
    return float(np.where((count > 0) & np.isfinite(ratio), ratio, 0.0).max())


def _run(relative: Float64Array, away: BoolArray) -> float:
    """The largest ratio of any channel; 0 where the contour is short."""
    pieces, centres = relative.shape[1:]
    count = away.sum(axis=1)
    if pieces < _RUN or count.max() < 3:
        return 0.0
    sums = np.cumsum(np.pad(np.clip(relative, -6.0, 6.0), ((0, 0), (1, 0), (0, 0))), axis=1)
    highest = np.abs(sums[:, _RUN:] - sums[:, :-_RUN]).max(axis=1) / _RUN
    usual = np.sqrt((np.where(away, highest, 0.0) ** 2).sum(axis=1) / np.maximum(count, 1))
    ratio = highest[:, _middle(centres)] / np.maximum(usual, 0.5)
    return float(np.where(count >= 3, ratio, 0.0).max())


def _middle(centres: int) -> int:
    """The index of the contour itself: there are as many centres on either side of it."""
    return centres // 2
