"""Proposals for shots in memory."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.effects.proposal import Proposal
from void_engine.effects.shot import proposed_frames
from void_engine.engines.interface import Monitor
from void_engine.propagation.in_memory import SilentMonitor, checked_shot


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
    shot = checked_shot(plate, remove)
    matte, confidence = np.zeros(remove.shape, np.float32), np.zeros(remove.shape, np.float32)
    kinds, facts = np.zeros(remove.shape, np.uint8), []
    if remove.size:
        for frame in proposed_frames(shot, monitor or SilentMonitor()):
            matte[frame.number] = frame.matte
            confidence[frame.number] = frame.confidence
            kinds[frame.number] = frame.kinds
            facts.append(frame.facts)
    return Proposal(matte, confidence, kinds, tuple(facts))
