"""Whether a result has an edge where the matte has one: seams, and outlines that were left behind.

Along a contour the result is measured at every distance from it by operators that answer to an edge or to a
thin line parallel to it. The scene knows nothing of the matte, so what it answers at the contour is of the
size of what it answers a few pixels away; a seam or an outline answers at the contour only. Pieces of the
contour where the scene is smooth count for more than those where it is busy, by the variance of the answers
away from the contour.

In calibration, steps of 8 % in light (a third of an eight-bit level of a twelfth) in textured, grainy and
compressed footage were told from clean plates in nine frames of ten; docs/check.md has the table.
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


@dataclass(frozen=True)
class EdgeProfile:
    """What the operators answer along one contour in one frame."""

    means: Mapping[str, Float32Array]
    """By operator, width and channel, such as ``gap1:0``: the weighted mean answer over the contour, for each
    distance from it; NaN where too little of the contour has such a distance."""
    scores: Mapping[str, float]
    """By operator and width: ``gap1.run`` and ``gap1.rough``, how much more the contour answers than other
    distances do, in a run of pieces and regardless of sign."""


def edge_profile(band: Band, result: Float32Array, plate: Float32Array) -> EdgeProfile:
    """Measure one contour.

    Args:
        band: the pixels along it.
        result, plate: (h, w, 3), encoded.
    """
    own = [band.means(np.ascontiguousarray(result[..., channel])) for channel in range(3)]
    shown = [band.means(np.ascontiguousarray(plate[..., channel]))[0] for channel in range(3)]
    contrast = [
        _mean_of(shown[channel][:, REACH : REACH + 5]) - _mean_of(own[channel][0][:, REACH - 6 : REACH - 1])
        for channel in range(3)
    ]
    means: dict[str, Float32Array] = {}
    scores: dict[str, float] = {}
    for width in _WIDTHS:
        left: dict[str, tuple[Float64Array, Float64Array]] = {}
        for channel in range(3):
            answers = _operators(*own[channel], width)
            for name, answer in answers.items():
                away = _is_away(answer.shape[1], width)
                weights, scale = _weights(answer, away)
                known = np.isfinite(answer)
                weight = weights[:, None] * known
                clipped = np.clip(np.where(known, answer, 0.0), -_CLIP, _CLIP)
                total = weight.sum(axis=0)
                enough = total > 0.5 * weights.sum()
                held = np.where(enough, total, np.nan)
                means[f"{name}{width}:{channel}"] = ((weight * clipped).sum(axis=0) / held).astype(np.float32)
                _raise(
                    scores,
                    f"{name}{width}.rough",
                    _rough((weight * np.abs(clipped)).sum(axis=0) / held, away),
                )
                _raise(scores, f"{name}{width}.run", _run(clipped / scale[:, None], away & enough))
                if name != "step":
                    seen = np.nan_to_num(contrast[channel])[:, None]
                    before = left.get(name, (np.zeros(1), np.zeros(1)))
                    left[name] = (
                        before[0] + np.where(enough, (weight * clipped * seen).sum(axis=0), np.nan),
                        before[1] + (weight * seen**2).sum(axis=0),
                    )
        least = 1e-5 * band.count / _LEAST_STEP**2
        for name, (above, below) in left.items():
            means[f"left_{name}{width}"] = (above / (below + least)).astype(np.float32)
    return EdgeProfile(means, scores)


def strangeness(name: str, mean: Float32Array, *, pooled: bool = False) -> float:
    """How many times as large, with its sign, the answer at the contour is as it is elsewhere on average.

    Args:
        name: the key of :attr:`EdgeProfile.means`.
        mean: its value, or the mean of it over several frames.
        pooled: whether it is such a mean, whose noise is smaller.

    Returns:
        The ratio; 0 where too little is known.
    """
    width = int(name.split(":")[0][-1])
    floor = _LEAST_LEFT if name.startswith("left_") else _LEAST_MEAN
    elsewhere = mean[_is_away(len(mean), width) & np.isfinite(mean)].astype(np.float64)
    here = float(mean[REACH - 2 * width])
    if len(elsewhere) < 4 or not np.isfinite(here):
        return 0.0
    return here / float(np.hypot(np.sqrt((elsewhere**2).mean()), floor * (0.6 if pooled else 1.0)))


def _operators(mean: Float64Array, held: Float64Array, width: int) -> dict[str, Float64Array]:
    """The answers of each operator, (pieces, centres); centre ``i`` is at ``i + 2 * width - REACH``.

    ``gap`` is the step between the straight continuations of both sides, ``step`` the plain one, ``inner``
    and ``outer`` answer to a line just inside or outside.
    """
    total = np.cumsum(np.pad(np.where(held > 0, mean, 0.0) * held, ((0, 0), (1, 0))), axis=1)
    count = np.cumsum(np.pad(held, ((0, 0), (1, 0))), axis=1)
    centres = np.arange(2 * width, mean.shape[1] - 2 * width + 1)

    def over(first: int, end: int) -> Float64Array:
        pixels = count[:, centres + end] - count[:, centres + first]
        summed = total[:, centres + end] - total[:, centres + first]
        return np.where(pixels > 0, summed / np.maximum(pixels, 1e-9), np.nan)

    deeper, inside = over(width, 2 * width), over(0, width)
    outside, further = over(-width, 0), over(-2 * width, -width)
    return {
        "gap": 1.5 * inside - 0.5 * deeper - 1.5 * outside + 0.5 * further,
        "step": inside - outside,
        "inner": inside - 0.5 * (deeper + outside),
        "outer": outside - 0.5 * (inside + further),
    }


def _is_away(centres: int, width: int) -> BoolArray:
    """Which centres see nothing of the contour."""
    return np.abs(np.arange(centres) + 2 * width - REACH) >= 2 * width + 1


def _mean_of(values: Float64Array) -> Float64Array:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _weights(answer: Float64Array, away: BoolArray) -> tuple[Float64Array, Float64Array]:
    """The weight of each piece, and the size of the answers away from the contour."""
    squares = np.minimum(answer[:, away] ** 2, _CLIP)
    known = np.isfinite(squares)
    whole = float(squares[known].mean()) if known.any() else _CLIP
    of_piece = _mean_of(squares)
    variance = np.where(np.isfinite(of_piece), 0.7 * of_piece + 0.3 * whole, whole) + _LEAST_STEP**2
    return 1.0 / variance, np.sqrt(variance)


def _rough(sizes: Float64Array, away: BoolArray) -> float:
    elsewhere = sizes[away & np.isfinite(sizes)]
    here = sizes[np.flatnonzero(~away)[(~away).sum() // 2]]
    if not elsewhere.size or not np.isfinite(here):
        return 0.0
    return float(here / np.hypot(np.sqrt((elsewhere**2).mean()), _LEAST_STEP))


def _run(relative: Float64Array, away: BoolArray) -> float:
    pieces, centres = relative.shape
    here = _middle(centres)
    if pieces < _RUN or away.sum() < 3:
        return 0.0
    sums = np.cumsum(np.pad(np.clip(relative, -6.0, 6.0), ((1, 0), (0, 0))), axis=0)
    highest = np.abs(sums[_RUN:] - sums[:-_RUN]).max(axis=0) / _RUN
    return float(highest[here] / max(0.5, float(np.sqrt((highest[away] ** 2).mean()))))


def _middle(centres: int) -> int:
    """The index of the contour itself: there are as many centres on either side of it."""
    return centres // 2


def _raise(scores: dict[str, float], name: str, value: float) -> None:
    scores[name] = max(scores.get(name, 0.0), value)
