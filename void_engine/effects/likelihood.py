"""How probable it is that a pixel is affected, from the evidence of its frame and of the object's frame.

Two dozen quantities are weighed twice, by a network of one small hidden layer and by a logistic model of
their products with the evidence; the odds are the mean of both, as each is surest where the other errs. The
weights were fitted once to shots of known truth (``tests/bench/affected.py`` draws them) and stand in
``weights.py``; there is nothing to load. docs/affected.md has its figures.
"""

from __future__ import annotations

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.effects import weights
from void_engine.effects.evidence import Evidence
from void_engine.effects.object_frame import Attached


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
    power = np.square(evidence.change).sum(axis=-1) + np.float32(2e-4)
    shares, plain, alike = [], [], []
    total = before.support + after.support
    for told in (before, after):
        firm = np.minimum(told.support / 2, 1)
        shares.append(np.clip(told.strength - told.chance, 0, 1) * firm)
        plain.append(told.strength * firm)
        along = np.clip((evidence.change * told.change).sum(axis=-1) / power, 0, 1)
        alike.append(along * told.coherence * firm)
    held = np.maximum(total, 0.2)

    def both(first: Float32Array, second: Float32Array) -> Float32Array:
        return np.asarray((first * before.support + second * after.support) / held, np.float32)

    amount = evidence.amount + np.float32(0.01)
    constant = np.ones_like(soft)
    return {
        "evident": np.maximum(soft, wide),
        "soft": soft,
        "wide": wide,
        "amount": np.log(np.clip(evidence.amount, 0.003, 0.5) / 0.03),
        "share": both(*shares),
        "share max": np.maximum(*shares),
        "share min": np.minimum(*shares),
        "plain max": np.maximum(*plain),
        "plain min": np.minimum(*plain),
        "alike": both(*alike),
        "alike max": np.maximum(*alike),
        "alike min": np.minimum(*alike),
        "chance": both(before.chance, after.chance),
        "step": evidence.step,
        "seen": evidence.seen_away,
        "texture": evidence.texture,
        "darker": -evidence.change.mean(axis=-1) / amount,
        "colour": np.ptp(evidence.change, axis=-1) / amount,
        "near": np.exp(-away / 0.4),
        "far": np.log(np.minimum(away, 6) + 0.1),
        "below": np.clip(below, -1.5, 1.5),
        "unrest": evidence.unrest,
        "known": evidence.known,
        "told": np.minimum(total / 4, 1),
        "edge": np.log(np.clip(evidence.edge, 0.002, 0.3) / 0.02),
        "restless": np.float32(np.log(evidence.restless)) * constant,
    }


def products(found: dict[str, Float32Array], evidence: Evidence) -> dict[str, Float32Array]:
    """What the logistic model weighs, each (h, w), from the :func:`quantities` of a frame."""
    evident, shares, alike = found["evident"], found["share max"], found["alike max"]
    return {
        "constant": np.ones_like(evident),
        "evident": evident,
        "fine": np.log1p(np.minimum(evidence.strength, 200) / 3),
        "broad": np.log1p(np.minimum(evidence.broad, 200) / 3),
        "amount": found["amount"],
        "attached": evident * found["share"],
        "attached on one side": evident * shares,
        "alike": evident * found["alike"],
        "alike on one side": evident * alike,
        "attached and alike": evident * np.sqrt(shares * alike),
        "step": evident * found["step"],
        "step near": evident * found["step"] * found["near"],
        "seen": evident * found["seen"],
        "texture": evident * found["texture"],
        "shading": evident * (1 - found["texture"]) * np.maximum(found["darker"], 0),
        "evident near": evident * found["near"],
        "below": evident * np.clip(found["below"], -1, 1),
        "unrest": found["unrest"],
        "evident unrest": found["unrest"] * evident,
        "known": found["known"],
        "told": found["told"],
    }


def odds(
    evidence: Evidence,
    before: Attached,
    after: Attached,
    away: Float32Array,
    below: Float32Array,
    pixels: weights.PixelWeights = weights.PIXELS,
) -> Float32Array:
    """The odds, (h, w), that a pixel is affected, as a natural logarithm; see :func:`quantities`."""
    found = quantities(evidence, before, after, away, below)
    for name in pixels.left_out:
        found[name] = np.full_like(found[name], pixels.usual[name])
    told = np.stack([found[name] - usual for name, usual in pixels.usual.items()], axis=-1)
    hidden = np.maximum(told.astype(np.float32) @ pixels.hidden + pixels.hidden_constant, 0)
    by_network = hidden @ pixels.output + pixels.output_constant
    terms = products(found, evidence)
    by_products = sum(
        (terms[name] * np.float32(weight) for name, weight in weights.PRODUCTS.items()), np.float32(0)
    )
    return np.asarray((by_network + by_products) / 2, np.float32)


def chance(steady: Float32Array, surety: Float32Array, region: BoolArray) -> Float32Array:
    """The probability, (h, w), that a pixel is affected.

    Args:
        steady: (h, w), its steadied odds.
        surety: (h, w), the score of the surest region it lies in.
        region: (h, w), what is proposed. Regions are chosen, so that a pixel in one is right more often than
            its own odds say, and one outside less often.
    """
    inside, outside = (
        of[0] + of[1] * np.clip(steady, -6, 6) + of[2] * np.clip(surety, -4, 4)
        for of in (weights.CHANCE_INSIDE, weights.CHANCE_OUTSIDE)
    )
    return (1 / (1 + np.exp(-np.where(region, inside, outside)))).astype(np.float32)
