"""What a language model tells of a shot, as things of a proposal, alone or joined with evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects.proposal import FrameFacts, Kind, Proposal, joined
from void_engine.effects.shot import ProposedFrame
from void_engine.effects.things import Thing
from void_protocol import proposal as told
from void_server.mattes.packed import pack, unpack

if TYPE_CHECKING:  # It loads PyTorch, which proposals by evidence do without.
    from void_engine.segmentation.reasoning.shot import ReasonedShot

_SHOWN = 0.5
_SEEN = 0.3
"""A thing is seen by evidence too where evidence proposes this share of its pixels."""


class ReasonedThings:
    """The things that a language model tells of; their mattes are kept packed, frame by frame."""

    def __init__(self, reasoned: ReasonedShot, first: int) -> None:
        self._reasoned = reasoned
        self._first = first
        """The number of the shot's first frame."""
        self._planes: list[list[bytes]] = []
        self._shape = (1, 1)
        self._small: list[list[BoolArray]] = []
        self._agreed = [0] * len(reasoned.things)
        self._covered = [0] * len(reasoned.things)

    @property
    def confidence(self) -> float:
        """How sure the model says that it is, 0..1."""
        return self._reasoned.answer.confidence

    def frame(
        self, number: int, removed: BoolArray, small: tuple[int, int], evidence: ProposedFrame | None
    ) -> ProposedFrame:
        """The proposal of the next frame of the shot, joined with that of evidence where there is one.

        Args:
            number: the frame's number.
            removed: (H, W): where the object is.
            small: rows and columns of the small copy of the shot.
            evidence: what evidence proposes.
        """
        self._shape = (removed.shape[0], removed.shape[1])
        mattes = [
            np.where(removed, np.float32(0), matte).astype(np.float32)
            for matte in self._reasoned.mattes(number - self._first)
        ]
        self._planes.append([pack(matte) for matte in mattes])
        self._small.append(
            [np.asarray(opencv.resize(matte, small, opencv.AREA) >= _SHOWN, bool) for matte in mattes]
        )
        own = self._proposed(number, mattes, removed)
        if evidence is None:
            return own
        for index, matte in enumerate(mattes):
            shown = matte >= _SHOWN
            self._covered[index] += int(shown.sum())
            self._agreed[index] += int((shown & (evidence.matte >= _SHOWN)).sum())
        both = joined(_as_proposal(evidence), _as_proposal(own))
        facts = _facts(number, both.matte[0], both.confidence[0], both.kinds[0], evidence.facts.known)
        return ProposedFrame(number, both.matte[0], both.confidence[0], both.kinds[0], facts)

    def _proposed(self, number: int, mattes: list[Float32Array], removed: BoolArray) -> ProposedFrame:
        """What the model alone proposes: all that is affected; belongings are no part of it."""
        matte = np.zeros(self._shape, np.float32)
        kinds = np.zeros(self._shape, np.uint8)
        for thing, own in zip(self._reasoned.things, mattes, strict=True):
            if thing.is_belonging:
                continue
            more = own > matte
            kinds[more] = thing.kind
            matte = np.maximum(matte, own)
        # Where a model proposes nothing, that says little.
        sure = np.where(matte >= _SHOWN, np.float32(self.confidence), np.float32(0.5))
        confidence = np.where(removed, np.float32(1), sure).astype(np.float32)
        return ProposedFrame(number, matte, confidence, kinds, _facts(number, matte, confidence, kinds, 1.0))

    def things(self, small: tuple[int, int]) -> list[Thing]:
        """The things on the small copy of the shot, numbered from 1."""
        return [
            Thing(
                index + 1,
                thing.kind,
                thing.words,
                self.confidence,
                np.stack([of_frame[index] for of_frame in self._small])
                if self._small
                else np.zeros((0, *small), bool),
            )
            for index, thing in enumerate(self._reasoned.things)
        ]

    def reported(self, typed_frames: Callable[[BoolArray], str]) -> list[told.Thing]:
        """The things, as the report tells of them."""
        found = []
        for index, thing in enumerate(self._reasoned.things):
            masks = np.stack([of_frame[index] for of_frame in self._small])
            seen_by = ["reason"]
            if self._covered[index] and self._agreed[index] >= _SEEN * self._covered[index]:
                seen_by.append("evidence")
            since = thing.since if thing.since is not None and thing.since > self._first else None
            found.append(
                told.Thing(
                    number=index + 1,
                    words=thing.words,
                    kind="belonging" if thing.is_belonging else thing.kind.word,
                    role="remove" if thing.is_belonging else "affected",
                    will_move=thing.will_move,
                    since=since,
                    frames=typed_frames(masks),
                    seen_by=seen_by,
                    confidence=round(self.confidence, 3),
                )
            )
        return found

    def planes(self, index: int) -> list[Float32Array]:
        """The mattes (H, W) of the things on a frame, counted from 0."""
        return [unpack(packed, self._shape) for packed in self._planes[index]]


def _as_proposal(frame: ProposedFrame) -> Proposal:
    return Proposal(frame.matte[None], frame.confidence[None], frame.kinds[None], (frame.facts,))


def _facts(
    number: int, matte: Float32Array, confidence: Float32Array, kinds: Uint8Array, known: float
) -> FrameFacts:
    shown = matte >= _SHOWN
    shares = {kind.word: float((shown & (kinds == kind)).mean()) for kind in Kind if kind}
    return FrameFacts(
        number,
        float(shown.mean()),
        float(confidence[shown].mean()) if shown.any() else 0.0,
        known,
        {word: share for word, share in shares.items() if share},
        "",
    )
