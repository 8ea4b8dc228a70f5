"""Runs the method on a small shot: evidence, attachment, odds, regions and kinds for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects import kinds, likelihood, regions
from void_engine.effects.evidence import PackedEvidence, weigh
from void_engine.effects.object_frame import ObjectFrames
from void_engine.effects.small_shot import SmallShot
from void_engine.effects.steadying import Neighbour, steadied
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
    restless: float
    """How many times more than usual the picture changes far from the object; at least 1."""


def find(shot: SmallShot, monitor: Monitor) -> list[Found]:
    """Find what the object affected in every frame."""
    evidence: list[PackedEvidence] = []
    frames = ObjectFrames(shot)
    for target in range(len(shot)):
        monitor.check_cancelled()
        seen = weigh(shot, target)
        frames.add(seen, target)
        evidence.append(seen.packed())
        monitor.progress("evidence", target + 1, len(shot), target)
    odds, usable = [], []
    for target, packed in enumerate(evidence):
        monitor.check_cancelled()
        seen = packed.unpacked()
        away, below = _place(shot, target)
        odds.append(likelihood.odds(seen, *frames.attached(target), away, below))
        usable.append(seen.usable & (seen.known > _LEAST_KNOWN))
    neighbours = [_neighbours(shot, target) for target in range(len(shot))]
    steady = steadied(odds, usable, neighbours)
    del odds
    levels: list[list[regions.Candidates]] = [[] for _ in regions.LEVELS]
    for target, packed in enumerate(evidence):
        seen, along = packed.unpacked(), regions.going_along(*frames.attached(target))
        away, _ = _place(shot, target)
        for level, found in zip(regions.LEVELS, levels, strict=True):
            found.append(regions.candidates(level, steady[target], seen, along, away))
    surety = regions.surest(levels, neighbours)
    kept = [each > regions.KEPT_FROM for each in surety]
    described = [
        kinds.described(kept[target], packed.unpacked(), *frames.attached(target), *_place(shot, target))
        for target, packed in enumerate(evidence)
    ]
    told = kinds.kinds(described, neighbours)
    return [
        Found(
            kept[target],
            likelihood.chance(steady[target], surety[target], kept[target]),
            told[target],
            usable[target],
            (shot.away[target] < 0.5 * shot.place.size) & ~shot.removed[target],
            packed.restless,
        )
        for target, packed in enumerate(evidence)
    ]


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
