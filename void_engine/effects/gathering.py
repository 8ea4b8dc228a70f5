"""Runs the method on a small shot: evidence, attachment, odds, regions and kinds for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects import kinds, likelihood
from void_engine.effects.decide import Neighbour, regions, steadied
from void_engine.effects.evidence import Evidence, weigh
from void_engine.effects.object_frame import ObjectFrames
from void_engine.effects.small_shot import SmallShot
from void_engine.engines.interface import Monitor

_LEAST_KNOWN = 0.25
"""Where votes weigh less than this, nothing is known."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one frame, at the small size."""

    region: BoolArray
    chance: Float32Array
    """(h, w) in 0..1: how probable it is that a pixel is affected."""
    kinds: Uint8Array
    known: BoolArray
    """(h, w): where anything can be known."""
    near: BoolArray
    """(h, w): the object's surroundings, where effects are to be expected."""


def find(shot: SmallShot, monitor: Monitor) -> list[Found]:
    """Find what the object affected in every frame."""
    evidence: list[Evidence] = []
    for target in range(len(shot)):
        monitor.check_cancelled()
        evidence.append(weigh(shot, target))
        monitor.progress("evidence", target + 1, len(shot), target)
    frames = ObjectFrames(shot, evidence)
    odds, told = [], []
    for target in range(len(shot)):
        monitor.check_cancelled()
        before, after = frames.attached(target)
        told.append((before, after))
        away, below = _place(shot, target)
        odds.append(likelihood.odds(evidence[target], before, after, away, below))
    usable = [each.usable & (each.known > _LEAST_KNOWN) for each in evidence]
    steady = steadied(odds, usable, [_neighbours(shot, target) for target in range(len(shot))])
    found = []
    for target, value in enumerate(steady):
        region = regions(value)
        found.append(
            Found(
                region,
                likelihood.chance(value, region),
                kinds.kinds(region, evidence[target], *told[target]),
                usable[target],
                (shot.away[target] < 0.5 * shot.place.size) & ~shot.removed[target],
            )
        )
    return found


def _place(shot: SmallShot, target: int) -> tuple[Float32Array, Float32Array]:
    """How far from the object, and how far below its feet, each pixel is, in the object's sizes."""
    size = np.float32(shot.place.size)
    rows, _ = shot.shape
    below = np.zeros(shot.shape, np.float32)
    if shot.place.present(target):
        below = below + ((np.arange(rows)[:, None] - shot.place.anchor[target, 1]) / size).astype(np.float32)
    return shot.away[target] / size, below


def _neighbours(shot: SmallShot, target: int) -> list[Neighbour]:
    found, segment = [], shot.track.segment(target)
    for other in (target - 1, target + 1):
        if other not in segment:
            continue
        thing = None
        if shot.place.present(target) and shot.place.present(other):
            thing = np.eye(3)
            thing[:2, 2] = shot.place.anchor[other] - shot.place.anchor[target]
        found.append(Neighbour(other, shot.track.chained(target, other), thing))
    return found
