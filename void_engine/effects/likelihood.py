"""How probable it is that a pixel is affected, from the evidence of its frame and of the object's frame.

Two dozen quantities are weighed by a network of one small hidden layer, whose weights were fitted once to
shots of known truth (``tests/bench/affected.py`` draws them) and stand in ``weights.py``; there is nothing to
load. docs/affected.md has its figures.
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
    told = np.stack([found[name] - usual for name, usual in pixels.usual.items()], axis=-1)
    hidden = np.maximum(told.astype(np.float32) @ pixels.hidden + pixels.hidden_constant, 0)
    return np.asarray(hidden @ pixels.output + pixels.output_constant, np.float32)


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
