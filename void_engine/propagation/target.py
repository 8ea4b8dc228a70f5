"""A frame that is being cleaned: what of it is replaced, and what of its affected pixels is the plate's own.

Affected pixels are visible. So they are no part of the hole where what the object did to them can be told and
taken away: the plate is mended there, and the rest of the hole is filled from beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.finish import affected
from void_engine.propagation.finish.hole import Hole
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import unaligned
from void_engine.propagation.reveal.reveal import Revealed
from void_engine.propagation.reveal.visible import near_zone, zone_of
from void_engine.propagation.working_set import FullFrame


@dataclass(frozen=True)
class Target:
    """A frame that is being cleaned, and the pixels of it that other frames revealed."""

    full: FullFrame
    revealed: Revealed
    hole: Hole
    """The hole within the revealed area; its plate has no more of what the object did to mended pixels."""
    cut: tuple[slice, slice]
    """The slices of the revealed area in arrays of the whole frame."""
    mended: affected.Mended | None
    """The affected pixels whose plate is used; None where there are none."""
    lit: BoolArray
    """(h, w): the affected pixels of the hole."""

    @classmethod
    def of(cls, motion: ShotMotion, full: FullFrame, revealed: Revealed) -> Target:
        """Find the hole of a frame: what is hidden, but for affected pixels whose plate is used."""
        cut = revealed.area.slices(full.box)
        plate, hidden = full.encoded(revealed.area), full.hidden[cut]
        zone = zone_of(hidden, full.affected[cut], full.removed[cut])
        if not zone.any():
            return cls(full, revealed, Hole(plate, revealed.values, hidden, revealed.seen), cut, None, zone)
        values, seen = revealed.values, revealed.seen
        near = near_zone(zone, hidden)
        there = unaligned.unaligned(motion, full.number, revealed.area, near)
        if there is not None:
            better = affected.nearer_unaligned(plate, values, near & seen, there[0], near & there[1])
            values, seen = np.where(better[:, :, None], there[0], values), seen | better
        known = near & seen & ~hidden
        change = affected.measure_change(plate, values, seen, zone, known, revealed.scatter)
        values = np.where(zone[:, :, None], values, revealed.values)
        seen = np.where(zone, seen, revealed.seen)
        if change is None:
            return cls(full, revealed, Hole(plate, values, hidden, seen), cut, None, zone)
        known &= ~change.own
        mended = affected.mend(plate, values, change, zone, known, hidden)
        # What moves by itself beside the hole says nothing about it.
        hole = Hole(mended.plate, values, hidden & ~mended.pixels, seen & ~(change.own & ~hidden))
        return cls(full, revealed, hole, cut, mended, zone & ~mended.pixels)

    @cached_property
    def replaced(self) -> BoolArray:
        """(h, w): all pixels that may differ from the plate: the hole and what was mended."""
        if self.mended is None:
            return self.hole.mask
        return self.hole.mask | (self.mended.pixels & ~self.mended.untouched)

    @cached_property
    def taken_over(self) -> BoolArray:
        """(h, w): the mended pixels whose finest detail comes from other frames."""
        if self.mended is None:
            return np.zeros(self.hole.mask.shape, bool)
        return self.mended.change.counts[0] > 0

    @property
    def confidence(self) -> Float32Array:
        """(h, w): 1 where nothing is replaced, at least 0.5 where sources show a pixel or its texture is the
        plate's, else 0."""
        hole = self.hole
        confidence = np.where(hole.seen, 0.5 + 0.5 * self.revealed.certainty, np.float32(0.0))
        if self.mended is not None:
            confidence = np.where(self.mended.pixels & ~hole.seen, np.float32(0.5), confidence)
        return np.where(self.replaced, confidence, np.float32(1.0)).astype(np.float32)

    def with_own_texture(self, answer: Float32Array) -> Float32Array:
        """The filled ``answer``, (h, w, 3), with the plate's texture where no frame shows affected pixels."""
        shadowed = self.hole.unseen & self.lit
        if self.mended is not None and self.mended.is_mirror_image:
            return answer
        return affected.keep_texture(self.hole.plate, answer, shadowed) if shadowed.any() else answer
