"""How probable it is that a pixel is affected, from the evidence of its frame and of the object's frame.

A logistic model of two dozen quantities whose weights were fitted once to shots of known truth
(``tests/bench/affected.py`` draws them); there is nothing to load. docs/affected.md has its figures.
"""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.effects.evidence import Evidence
from void_engine.effects.object_frame import Attached

WEIGHTS: dict[str, float] = {
    "constant": -0.161,
    "evident": 1.403,
    "fine": -2.370,
    "broad": -0.059,
    "amount": 1.146,
    "attached": -0.538,
    "attached on one side": 4.453,
    "alike": 5.015,
    "alike on one side": 4.908,
    "attached and alike": -5.516,
    "step": 6.623,
    "step near": -8.261,
    "seen": -2.989,
    "texture": -1.643,
    "shading": 1.548,
    "evident near": 6.559,
    "below": 5.315,
    "unrest": -0.100,
    "evident unrest": -3.452,
    "known": -1.424,
    "told": -0.114,
}
"""The quantities and their weights."""

_ODDS = (-6.0, -3.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
_CHANCE_INSIDE = (0.3, 0.35, 0.42, 0.5, 0.57, 0.63, 0.67, 0.74, 0.9)
_CHANCE_OUTSIDE = (0.001, 0.005, 0.05, 0.2, 0.35, 0.4, 0.45, 0.5, 0.5)
"""At these odds a pixel was affected so often, in a proposed region and outside."""


def quantities(
    evidence: Evidence, before: Attached, after: Attached, away: Float32Array, below: Float32Array
) -> dict[str, Float32Array]:
    """The quantities of a frame, each (h, w).

    Args:
        evidence: of the frame.
        before, after: what the frames before and after show beside the object.
        away: the distance from the object in its sizes.
        below: how far the pixel lies below the object's feet, in its sizes.
    """
    soft = evidence.strength / (evidence.strength + 4)
    wide = evidence.broad / (evidence.broad + 4)
    evident = np.maximum(soft, wide)
    power = np.square(evidence.change).sum(axis=-1) + np.float32(2e-4)
    shares, alike = [], []
    total = before.support + after.support
    for told in (before, after):
        firm = np.minimum(told.support / 2, 1)
        shares.append(np.clip(told.strength - told.chance, 0, 1) * firm)
        along = np.clip((evidence.change * told.change).sum(axis=-1) / power, 0, 1)
        alike.append(along * told.coherence * firm)
    held = np.maximum(total, 0.2)
    share = (shares[0] * before.support + shares[1] * after.support) / held
    same = (alike[0] * before.support + alike[1] * after.support) / held
    darker = -evidence.change.mean(axis=-1) / (evidence.amount + np.float32(0.01))
    near = np.exp(-away / 0.4)
    return {
        "constant": np.ones_like(soft),
        "evident": evident,
        "fine": np.log1p(np.minimum(evidence.strength, 200) / 3),
        "broad": np.log1p(np.minimum(evidence.broad, 200) / 3),
        "amount": np.log(np.clip(evidence.amount, 0.003, 0.5) / 0.03),
        "attached": evident * share,
        "attached on one side": evident * np.maximum(*shares),
        "alike": evident * same,
        "alike on one side": evident * np.maximum(*alike),
        "attached and alike": evident * np.sqrt(np.maximum(*shares) * np.maximum(*alike)),
        "step": evident * evidence.step,
        "step near": evident * evidence.step * near,
        "seen": evident * evidence.seen_away,
        "texture": evident * evidence.texture,
        "shading": evident * (1 - evidence.texture) * np.maximum(darker, 0),
        "evident near": evident * near,
        "below": evident * np.clip(below, -1, 1),
        "unrest": evidence.unrest,
        "evident unrest": evidence.unrest * evident,
        "known": evidence.known,
        "told": np.minimum(total / 4, 1),
    }


def odds(
    evidence: Evidence, before: Attached, after: Attached, away: Float32Array, below: Float32Array
) -> Float32Array:
    """The odds, (h, w), that a pixel is affected, as a natural logarithm; see :func:`quantities`."""
    found = quantities(evidence, before, after, away, below)
    total = sum((found[name] * np.float32(weight) for name, weight in WEIGHTS.items()), np.float32(0))
    return np.asarray(total, np.float32)


def chance(steady: Float32Array, region: BoolArray) -> Float32Array:
    """The probability, (h, w), that a pixel is affected, given its steadied odds and the proposed regions.

    Regions are chosen for their best pixels, so a pixel in one is right more often than its own odds say and
    a pixel outside less often. The curves were fitted to shots of known truth.
    """
    inside = np.interp(steady, _ODDS, _CHANCE_INSIDE)
    outside = np.interp(steady, _ODDS, _CHANCE_OUTSIDE)
    return np.where(region, inside, outside).astype(np.float32)
