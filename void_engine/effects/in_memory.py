"""Proposals for shots in memory."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects.gathering import Found, find
from void_engine.effects.proposal import UNKNOWN_CONFIDENCE, FrameFacts, Kind, Proposal
from void_engine.effects.small_shot import look, reduced, small_size
from void_engine.engines.interface import Monitor
from void_engine.errors import MatteError, PlateError
from void_engine.propagation.in_memory import SilentMonitor

_FEWEST_FRAMES = 4
"""Fewer frames cannot tell what belongs to the object."""
_MOSTLY = 0.5


def propose_affected(
    plate: Float32Array, remove: Float32Array, *, monitor: Monitor | None = None
) -> tuple[Float32Array, Float32Array]:
    """Propose what an object affected: its shadow and reflection, and what it pushes, carries and hits.

    Args:
        plate: (T, H, W, 3) scene-linear RGB.
        remove: (T, H, W) in 0..1: how far the object covers each pixel.
        monitor: receives progress and may cancel; None for neither.

    Returns:
        The matte (T, H, W) float32, 0 or 1 with soft edges, 0 wherever ``remove`` is above 0; and the
        confidence (T, H, W) in 0..1: how probable it is that the matte is right about the pixel. Where
        nothing can be known, as the object never leaves, the matte is 0 and the confidence low.

    Raises:
        PlateError: when the plate has another shape.
        MatteError: when the matte has another shape or is not within 0..1.
    """
    proposal = propose(plate, remove, monitor=monitor)
    return proposal.matte, proposal.confidence


def propose(plate: Float32Array, remove: Float32Array, *, monitor: Monitor | None = None) -> Proposal:
    """Propose what an object affected, with kinds and reasons; arguments as of :func:`propose_affected`."""
    if plate.ndim != 4 or plate.shape[3] != 3:
        raise PlateError(f"The plate must be (frames, rows, columns, 3), not {plate.shape}.")
    if remove.shape != plate.shape[:3]:
        raise MatteError(f"The matte must be {plate.shape[:3]} like the plate, not {remove.shape}.")
    if remove.size and not (
        np.isfinite(remove).all() and float(remove.min()) >= 0 and float(remove.max()) <= 1
    ):
        raise MatteError("The matte must be finite and within 0..1.")
    count, height, width = remove.shape
    reason = ""
    if count < _FEWEST_FRAMES:
        reason = f"The shot has {count} frames; evidence needs at least {_FEWEST_FRAMES}."
    elif not (remove > 0).any():
        reason = "No frame has a matte of the object."
    if reason or min(height, width) < 8:
        return _unknown(remove, reason or "The picture is too small.")
    shape = small_size(height, width)
    small = [reduced(plate[t], remove[t], shape) for t in range(count)]
    shot = look(
        np.stack([each[0] for each in small]),
        np.stack([each[1] for each in small]),
        monitor or SilentMonitor(),
    )
    found = find(shot, monitor or SilentMonitor())
    mattes, confidences, kinds, facts = [], [], [], []
    for t, each in enumerate(found):
        matte, confidence, kind = _enlarged(each, remove[t] > 0)
        mattes.append(matte)
        confidences.append(confidence)
        kinds.append(kind)
        facts.append(_facts(t, each, matte, confidence, kind))
    return Proposal(np.stack(mattes), np.stack(confidences), np.stack(kinds), tuple(facts))


def _enlarged(found: Found, removed: BoolArray) -> tuple[Float32Array, Float32Array, Uint8Array]:
    shape = removed.shape
    matte = np.clip(opencv.resize(found.region.astype(np.float32), shape) * 3 - 1, 0, 1)
    matte = np.where(removed, np.float32(0), matte).astype(np.float32)
    chance = np.reciprocal(1 + np.exp(-np.clip(found.odds, -8, 8))).astype(np.float32)
    chance = opencv.resize(chance, shape)
    known = opencv.resize(found.known.astype(np.float32), shape) > _MOSTLY
    proposed = matte >= _MOSTLY
    confidence = np.where(proposed, chance, np.where(known, 1 - chance, np.float32(UNKNOWN_CONFIDENCE)))
    confidence = np.where(removed, np.float32(1), confidence).astype(np.float32)
    nearest = np.minimum((np.arange(shape[0]) * found.region.shape[0]) // shape[0], found.region.shape[0] - 1)
    across = np.minimum((np.arange(shape[1]) * found.region.shape[1]) // shape[1], found.region.shape[1] - 1)
    kind = opencv.dilate_values(found.kinds.astype(np.float32), opencv.square(3)).astype(np.uint8)[
        nearest[:, None], across[None]
    ]
    return matte, confidence, np.where(matte > 0, kind, 0).astype(np.uint8)


def _facts(
    frame: int, found: Found, matte: Float32Array, confidence: Float32Array, kinds: Uint8Array
) -> FrameFacts:
    proposed = matte >= _MOSTLY
    near = int(found.near.sum())
    known = float((found.known & found.near).sum() / near) if near else 1.0
    unknown = ""
    if known < _MOSTLY:
        unknown = "The object never leaves its surroundings, so the shot does not show them without it."
    shares = {kind.word: float((proposed & (kinds == kind)).mean()) for kind in Kind if kind}
    return FrameFacts(
        frame,
        float(proposed.mean()),
        float(confidence[proposed].mean()) if proposed.any() else 0.0,
        known,
        {word: share for word, share in shares.items() if share},
        unknown,
    )


def _unknown(remove: Float32Array, reason: str) -> Proposal:
    """A proposal of nothing, because nothing can be known."""
    confidence = np.where(remove > 0, np.float32(1), np.float32(UNKNOWN_CONFIDENCE)).astype(np.float32)
    facts = tuple(FrameFacts(t, 0.0, 0.0, 0.0, {}, reason) for t in range(len(remove)))
    zeros = np.zeros(remove.shape, np.float32)
    return Proposal(zeros, confidence, np.zeros(remove.shape, np.uint8), facts)
