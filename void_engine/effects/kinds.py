"""Tells the kinds of effects apart: shadow, reflection, a thing that was moved, a thing that is carried.

Each region is described as a whole, weighed for each kind, and called what it is called along the frames, as
:mod:`void_engine.effects.regions` follows regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects import weights
from void_engine.effects.evidence import Evidence
from void_engine.effects.object_frame import Attached
from void_engine.effects.proposal import Kind
from void_engine.effects.regions import Candidates, averages, steadied_scores
from void_engine.effects.steadying import Neighbour

_DARKER, _OWN_TEXTURE = 0.7, 0.35
_PLAINLY = 9.0
"""What a region gains as a shadow that darkens for more than the first share of its change while its texture
changes by less than the second: light was taken there, wherever it lies."""


def described(
    region: BoolArray,
    evidence: Evidence,
    before: Attached,
    after: Attached,
    away: Float32Array,
    below: Float32Array,
) -> Candidates:
    """Describe each connected part of the region (h, w) of a frame by :data:`weights.KIND_FACTS`.

    The arguments are as of :func:`void_engine.effects.likelihood.quantities`; the last fact is how much more
    surely the place changed for good than it goes along with the object.
    """
    labels, boxes = opencv.connected_components(region)
    count = len(boxes)
    sides = [averages(labels, count, each.strength * np.minimum(each.support, 1)) for each in (before, after)]
    amount = averages(labels, count, evidence.amount) + 1e-3
    change = np.stack([averages(labels, count, evidence.change[..., c]) for c in range(3)])
    step = averages(labels, count, evidence.step)
    along = np.maximum(*sides)
    facts = np.stack([
        np.ones(count), -change.mean(axis=0) / amount, np.log(amount / 0.06),
        averages(labels, count, evidence.texture), step, np.abs(sides[0] - sides[1]), along,
        averages(labels, count, below), np.minimum(averages(labels, count, away), 1.5),
        np.ptp(change, axis=0) / amount, step - along,
    ], axis=1)  # fmt: skip
    return Candidates(labels, facts)


def kinds(found: Sequence[Candidates], neighbours: Sequence[Sequence[Neighbour]]) -> list[Uint8Array]:
    """The kind of each pixel, (h, w), of the regions of each frame."""
    scores = [np.column_stack([each.facts[:, :-1] @ weights.KINDS.T, each.facts[:, -1]]) for each in found]
    darker, texture = (weights.KIND_FACTS.index(name) for name in ("darker", "texture"))
    for each, score in zip(found, scores, strict=True):
        plain = (each.facts[:, darker] > _DARKER) & (each.facts[:, texture] < _OWN_TEXTURE)
        score[plain, 0] += _PLAINLY
    told = []
    for each, score in zip(found, steadied_scores(scores, found, neighbours), strict=True):
        kind = np.array([Kind.SHADOW, Kind.REFLECTION, Kind.CARRIED])[score[:, :-1].argmax(axis=1)]
        # What goes along with the object from some time on is carried; the rest was moved.
        kind[(kind == Kind.CARRIED) & (score[:, -1] > 0)] = Kind.MOVED
        told.append(np.concatenate([[Kind.NONE], kind]).astype(np.uint8)[each.labels])
    return told
