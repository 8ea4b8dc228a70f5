"""Regions of likely effects, judged whole and followed over the frames.

A pixel's odds know nothing of its surroundings. A region does: whether it touches the object, how large and
how sure it is all over, and how much else in the frame looks like an effect though it is far from the object.
Each region of each frame is scored by that, and the scores are then averaged along the regions that overlap
it in neighbouring frames, so that an effect is there or is not instead of coming and going.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array, Int32Array
from void_engine.effects import weights
from void_engine.effects.evidence import Evidence
from void_engine.effects.object_frame import Attached
from void_engine.effects.steadying import Neighbour

NOTHING = -9.0
"""The score where there is no region."""
KEPT_FROM = 0.0
"""A region with a score above this is proposed."""
LEVELS = (0.0, 1.5, 3.0)
"""Pixels with steadied odds (natural logarithm) above these are candidates: a region that runs into its
surroundings at the first is told from them at another."""
_CORE = 1.8
_LEAST_SHARE = 0.0004
"""A region smaller than this share of the picture is a spot."""
_FAR_SIZES = 1.5
"""Candidates farther from the object than this, in its sizes, count as the frame's restlessness."""
_KEPT = 0.85
"""How much of a score is handed on from frame to frame."""
_ALONE = np.float32(1.1)
"""What speaks for the only candidate of a frame: nothing else there looks like an effect by chance."""
_SUREST = 5.0
"""Scores are cut at this before they are averaged."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidate regions of one frame."""

    labels: Int32Array
    """(h, w): the number of each pixel's region from 1, or 0."""
    facts: Float64Array
    """(n, f): what is known of each region; see :func:`describe`."""

    def __len__(self) -> int:
        return len(self.facts)


def candidates(
    level: float, odds: Float32Array, evidence: Evidence, attached: Float32Array, away: Float32Array
) -> Candidates:
    """Find the candidate regions of a frame and describe them.

    Args:
        odds: (h, w), steadied.
        evidence: of the frame.
        attached: (h, w) in 0..1: how much goes along with the object there.
        away: (h, w), the distance from the object in its sizes.
    """
    rim = odds > level
    labels, boxes = opencv.connected_components(rim)
    count = np.bincount(labels.reshape(-1), minlength=len(boxes) + 1)
    keep = count > _LEAST_SHARE * odds.size
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    labels = number[labels]
    return Candidates(labels, describe(labels, int(keep.sum()), odds, evidence, attached, away))


def surest(
    found: Sequence[Sequence[Candidates]], neighbours: Sequence[Sequence[Neighbour]]
) -> list[Float32Array]:
    """The score, a natural logarithm, of the surest region that each pixel lies in, (h, w) for each frame.

    Args:
        found: the candidates of each frame, for each of :data:`LEVELS`.
        neighbours: of each frame.
    """
    best: list[Float32Array] = []
    for regions, factors in zip(found, weights.REGIONS, strict=True):
        scores = steadied_scores([each.facts @ factors for each in regions], regions, neighbours)
        planes = [
            np.concatenate([[NOTHING], score]).astype(np.float32)[each.labels]
            for each, score in zip(regions, scores, strict=True)
        ]
        best = [np.maximum(*each) for each in zip(best, planes, strict=True)] if best else planes
    return [
        np.where(score > NOTHING, score + _ALONE, score) if len(each) == 1 else score
        for score, each in zip(best, found[0], strict=True)
    ]


NAMES = (
    "constant", "mean odds", "core", "best", "large", "touches", "nearest", "attached", "step", "seen",
    "unrest", "texture", "alone", "restless",
)  # fmt: skip


def describe(
    labels: Int32Array,
    count: int,
    odds: Float32Array,
    evidence: Evidence,
    attached: Float32Array,
    away: Float32Array,
) -> Float64Array:
    """What is known of each of the regions of a frame, (regions, facts), in the order of :data:`NAMES`."""
    flat = labels.reshape(-1)
    area = np.maximum(np.bincount(flat, minlength=count + 1)[1:], 1).astype(np.float64)

    def mean(values: Float32Array | BoolArray) -> Float64Array:
        return averages(labels, count, values)

    def extreme(values: Float32Array, *, most: bool) -> Float64Array:
        found = np.full(count + 1, -np.inf if most else np.inf)
        (np.maximum if most else np.minimum).at(found, flat, values.reshape(-1))
        return found[1:]

    rim = labels > 0
    far = away > _FAR_SIZES
    elsewhere = (rim & far).sum() / max(1, int(far.sum()))
    nearest = extreme(away, most=False)
    one = np.ones(count)
    # A region that lies far from the object does not speak against itself.
    own_far = mean(far) * area / max(1, int(far.sum()))
    others = np.maximum(elsewhere - own_far, 0)
    return np.stack([
        one, np.minimum(mean(odds), 6), mean(odds > _CORE), np.minimum(extreme(odds, most=True), 8) / 4,
        np.log(area / odds.size / 0.003), np.exp(-nearest / 0.08), np.log(np.minimum(nearest, 5) + 0.05),
        mean(attached), mean(evidence.step), mean(evidence.seen_away), mean(evidence.unrest),
        mean(evidence.texture), np.log(others + 0.001), np.log(evidence.restless) * one,
    ], axis=1)  # fmt: skip


def averages(labels: Int32Array, count: int, values: Float32Array | BoolArray) -> Float64Array:
    """The mean of ``values`` (h, w) over each of ``count`` labels, (count,)."""
    flat = labels.reshape(-1)
    area = np.maximum(np.bincount(flat, minlength=count + 1)[1:], 1)
    return np.asarray(np.bincount(flat, values.reshape(-1), count + 1)[1:] / area, np.float64)


def going_along(before: Attached, after: Attached) -> Float32Array:
    """How much goes along with the object at each pixel, (h, w) in 0..1, beyond what chance shows there."""
    shares = [
        np.clip(each.strength - each.chance, 0, 1) * np.minimum(each.support / 2, 1)
        for each in (before, after)
    ]
    return np.asarray(np.maximum(*shares), np.float32)


def steadied_scores(
    scores: Sequence[Float64Array], found: Sequence[Candidates], neighbours: Sequence[Sequence[Neighbour]]
) -> list[Float64Array]:
    """Average the scores of regions along the regions they overlap in the frames before and after.

    Args:
        scores: of the regions of each frame, (regions,) or (regions, scores).
        found: the regions of each frame.
        neighbours: of each frame.
    """
    own = [np.clip(each, -_SUREST, _SUREST) for each in scores]
    passes = []
    for order in (range(len(found)), range(len(found) - 1, -1, -1)):
        total = [each.copy() for each in own]
        weight = [np.ones_like(each) for each in own]
        done: set[int] = set()
        for t in order:
            for near in neighbours[t]:
                if near.frame in done and len(found[t]) and len(found[near.frame]):
                    share = _KEPT * _overlaps(found[t], found[near.frame], near)
                    total[t] += share @ total[near.frame]
                    weight[t] += share @ weight[near.frame]
            done.add(t)
        passes.append((total, weight))
    (before, seen_before), (after, seen_after) = passes
    return [
        (b + a - o) / (wb + wa - 1)
        for b, a, o, wb, wa in zip(before, after, own, seen_before, seen_after, strict=True)
    ]


def _overlaps(first: Candidates, second: Candidates, near: Neighbour) -> Float64Array:
    """The share of each region of ``first`` that each of ``second`` covers, (n, m)."""
    best = _overlap(first, second, near.scene)
    if near.thing is not None:
        best = np.maximum(best, _overlap(first, second, near.thing))
    return best


def _overlap(first: Candidates, second: Candidates, to_second: Float64Array) -> Float64Array:
    rows, columns = np.nonzero(first.labels)
    there = to_second @ np.stack([columns, rows, np.ones(len(rows))])
    x = np.rint(there[0] / there[2])
    y = np.rint(there[1] / there[2])
    height, width = second.labels.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    one = first.labels[rows, columns][inside] - 1
    two = second.labels[y[inside].astype(np.int64), x[inside].astype(np.int64)]
    shared = np.bincount(one * (len(second) + 1) + two, minlength=len(first) * (len(second) + 1))
    area = np.bincount(first.labels.reshape(-1), minlength=len(first) + 1)[1:]
    return np.asarray(shared.reshape(len(first), -1)[:, 1:] / area[:, None], np.float64)
