"""What a proposal is: a matte of what the object affected, how sure each pixel is, of what kind, and why not.

Proposals of several sources (evidence in the shot, a language model, an artist) have one form and are joined
by :func:`joined`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import Float32Array, Uint8Array

UNKNOWN_CONFIDENCE = 0.2
"""The confidence where nothing can be known."""


class Kind(enum.IntEnum):
    """What an affected pixel is, as numbers in :attr:`Proposal.kinds`."""

    NONE = 0
    SHADOW = 1
    """The object takes light: shadows and contact."""
    REFLECTION = 2
    """The object is mirrored, or throws light."""
    MOVED = 3
    """A thing was pushed, hit or taken away: where it stood, and where it is without the object's help."""
    CARRIED = 4
    """A thing moves along with the object since they met."""

    @property
    def word(self) -> str:
        """The kind's name in messages and files."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What is known about one frame."""

    frame: int
    """The frame's number in the shot; in arrays, frames are counted from 0."""
    share: float
    """The share of the picture that is proposed, 0..1."""
    confidence: float
    """The mean confidence of what is proposed, 0..1; 0 where nothing is."""
    known: float
    """The share of the object's surroundings about which anything can be known, 0..1."""
    kinds: dict[str, float]
    """The share of the picture for each kind that is there, by its word."""
    unknown: str
    """Why nothing could be known of most of the surroundings; empty where it could."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the object affected, frame by frame."""

    matte: Float32Array
    """(T, H, W) in 0..1, 0 where the object itself is."""
    confidence: Float32Array
    """(T, H, W) in 0..1: how probable it is that the matte is right there, be it that the pixel is affected
    or that it is not; low where nothing could be known."""
    kinds: Uint8Array
    """(T, H, W): the :class:`Kind` of each proposed pixel, else 0."""
    frames: tuple[FrameFacts, ...]
    sources: tuple[str, ...] = ("evidence",)
    """Who proposes: ``evidence``, ``reason``."""
    agreed: Uint8Array | None = None
    """(T, H, W): how many sources propose the pixel; None when there is but one source."""

    def only(self, *kinds: Kind) -> Float32Array:
        """The matte of some kinds, (T, H, W)."""
        return np.where(np.isin(self.kinds, kinds), self.matte, np.float32(0)).astype(np.float32)


def joined(first: Proposal, second: Proposal) -> Proposal:
    """Join the proposals of two sources: what both propose is sure, what one does is kept and shown as such.

    Where both propose a pixel its confidence is that at least one is right; the kind is that of the surer
    one. Facts about frames are of the first.

    Raises:
        ValueError: when the proposals have different sizes.
    """
    if first.matte.shape != second.matte.shape:
        raise ValueError(f"The proposals differ in size: {first.matte.shape} and {second.matte.shape}.")
    one, two = first.matte >= 0.5, second.matte >= 0.5
    either = one | two
    surer = np.where(one & two, second.confidence > first.confidence, two)
    alone = np.where(surer, second.confidence, first.confidence)
    together = 1 - (1 - first.confidence) * (1 - second.confidence)
    neither = np.maximum(first.confidence, second.confidence)
    confidence = np.where(one & two, together, np.where(either, alone, neither))
    return Proposal(
        np.maximum(first.matte, second.matte),
        confidence.astype(np.float32),
        np.where(surer, second.kinds, first.kinds).astype(np.uint8),
        first.frames,
        (*first.sources, *second.sources),
        (one.astype(np.uint8) + two.astype(np.uint8)),
    )
