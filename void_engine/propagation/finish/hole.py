"""A hole beside what surrounds it: the plate and the fused sources, and where both can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from void_engine.arrays import BoolArray, Float32Array


@dataclass(frozen=True)
class Hole:
    """What is replaced in a frame, on the area of it that was revealed. All arrays cover that area."""

    plate: Float32Array
    """(h, w, 3) encoded."""
    revealed: Float32Array
    """(h, w, 3) encoded: the fused sources, valid where :attr:`seen`."""
    mask: BoolArray
    """(h, w): what is replaced."""
    seen: BoolArray
    """(h, w): what at least one source shows, in the hole and in a band around it."""

    @cached_property
    def known(self) -> BoolArray:
        """(h, w): outside the hole, where the fused sources can be compared with the plate."""
        return self.seen & ~self.mask

    @cached_property
    def unseen(self) -> BoolArray:
        """(h, w): the part of the hole that no source shows."""
        return self.mask & ~self.seen

    def with_revealed(self) -> Float32Array:
        """(h, w, 3) the plate with what was revealed in its hole; what no source shows is the plate's."""
        shown = (self.mask & self.seen)[:, :, None]
        return np.where(shown, self.revealed, self.plate).astype(np.float32)
