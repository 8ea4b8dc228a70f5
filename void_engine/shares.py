"""How much of what was replaced is real, guessed or invented, frame by frame, by the engine's confidence.

Of what an engine with a model guesses, it is also told how much is of objects that have moved, and how much
is the model's own.

The numbers go into each frame's metadata and the sum into the job's log, where an artist sees whether the
method was the right one for the shot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from void_engine.engines.interface import CleanFrame, ShotFrame

REAL_KEY, GUESSED_KEY, INVENTED_KEY = "void/real", "void/guessed", "void/invented"
"""Metadata entries with the shares of a frame, 0..1, which add up to 1."""
MOVED_KEY, MODEL_KEY = "void/moved", "void/model"
"""Metadata entries with the two parts of the guessed share, where a model has answered."""
REAL_FROM = 0.75
"""The confidence from which a pixel counts as real: other frames show it, and they agree."""
INVENTED_BELOW = 0.25
"""The confidence below which a pixel counts as invented: no frame shows it."""
MOVED_FROM = 0.5
"""The confidence from which a guessed pixel of an engine with a model is of an object that has moved; below,
it is the model's own."""
MUCH_INVENTED = 0.3
"""The share of invented pixels from which the log advises another engine."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the pixels that were replaced, weighted by how far they were; they add up to 1."""

    real: float
    guessed: float
    invented: float
    moved: float | None = None
    """The part of :attr:`guessed` that shows objects that have moved; None where no model has answered."""
    model: float | None = None
    """The part of :attr:`guessed` that is a model's own."""

    @classmethod
    def of(cls, metadata: Mapping[str, object]) -> Shares | None:
        """The shares that a frame's metadata tells; None where it tells none."""
        keys = (REAL_KEY, GUESSED_KEY, INVENTED_KEY, MOVED_KEY, MODEL_KEY)
        found = [metadata.get(key) for key in keys]
        real, guessed, invented, moved, model = (
            float(one) if isinstance(one, (int, float)) else None for one in found
        )
        if real is None or guessed is None or invented is None:
            return None
        return cls(real, guessed, invented, moved, model)

    @property
    def metadata(self) -> Mapping[str, float]:
        """The shares as a frame's metadata."""
        told = {REAL_KEY: self.real, GUESSED_KEY: self.guessed, INVENTED_KEY: self.invented}
        if self.moved is not None and self.model is not None:
            told |= {MOVED_KEY: self.moved, MODEL_KEY: self.model}
        return told

    @property
    def words(self) -> str:
        """The shares in percent, for people."""
        parts = [(self.real, "is real")]
        if self.moved is None or self.model is None:
            parts.append((self.guessed, "guessed"))
        else:
            parts += [(self.moved, "of objects that have moved"), (self.model, "the model's own")]
        text = ", ".join(f"{round(100 * share)} % {what}" for share, what in parts)
        return f"{text} and {round(100 * self.invented)} % invented"


def shares_of(at: ShotFrame, clean: CleanFrame) -> Shares | None:
    """The shares of one frame; None where nothing was replaced, or the engine gives no confidence.

    Pixels that the engine left as the plate has them were not replaced, unless a model has answered: then
    the plate itself may be what agrees with it.
    """
    if clean.confidence is None:
        return None
    changed = at.replaced > 0
    if clean.model is None:
        changed &= (clean.picture != at.plate).any(axis=2)
    weight = np.minimum(at.replaced[changed], np.float32(1.0)).astype(np.float64)
    total = float(weight.sum())
    if total <= 0:
        return None
    confidence = clean.confidence[changed]
    real = float(weight[confidence >= REAL_FROM].sum()) / total
    invented = float(weight[confidence < INVENTED_BELOW].sum()) / total
    guessed = max(0.0, 1.0 - real - invented)
    if clean.model is None:
        return Shares(real, guessed, invented)
    moved = float(weight[(confidence >= MOVED_FROM) & (confidence < REAL_FROM)].sum()) / total
    return Shares(real, guessed, invented, moved, max(0.0, guessed - moved))


@dataclass
class ShareTally:
    """The shares of the frames made so far."""

    by_frame: dict[int, Shares] = field(default_factory=dict)

    def add(self, number: int, shares: Shares | None) -> None:
        """Count a frame; None is left out."""
        if shares is not None:
            self.by_frame[number] = shares

    @property
    def mean(self) -> Shares | None:
        """The mean over the frames; None when none was counted."""
        found = list(self.by_frame.values())
        if not found:
            return None
        real, guessed, invented = (
            sum(getattr(one, name) for one in found) / len(found) for name in ("real", "guessed", "invented")
        )
        if all(one.model is None for one in found):
            return Shares(real, guessed, invented)
        # An anchor among a model's frames has no such parts.
        moved, model = (
            sum(getattr(one, name) or 0.0 for one in found) / len(found) for name in ("moved", "model")
        )
        return Shares(real, guessed, invented, moved, model)

    @property
    def most_invented(self) -> int | None:
        """The frame with the most that is invented; None when no frame was counted."""
        return max(self.by_frame, key=lambda number: self.by_frame[number].invented, default=None)

    def summary(self, engine: str) -> str:
        """One sentence for the log; empty when no frame was counted."""
        mean = self.mean
        worst = self.most_invented
        if mean is None or worst is None:
            return ""
        most = self.by_frame[worst].invented
        text = f"of what is replaced, {mean.words}"
        if most > 0:
            text += f", the most, {round(100.0 * most)} %, in frame {worst}"
        if round(100.0 * mean.invented) >= 100.0 * MUCH_INVENTED and mean.model is None:
            text += f"; {engine} invents much of this: reach for VOID"
        return text
