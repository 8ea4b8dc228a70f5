"""The hole of a frame with the plate and the fused sources around it, as all finishing steps take it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array

_WIRE_PX = 17
"""Long holes thinner than this many pixels are filled from both sides, frame by frame: what lies behind a
wire is nearly always what lies beside it."""
_WIRE_LENGTH = 6
"""The length, in such thicknesses, from which a hole counts as long."""


@dataclass(frozen=True)
class Hole:
    """The replaced pixels of a frame and what surrounds them. All arrays cover the revealed area."""

    plate: Float32Array
    """(h, w, 3) encoded."""
    revealed: Float32Array
    """(h, w, 3) encoded: the fused sources, valid where :attr:`seen`."""
    mask: BoolArray
    """(h, w): the pixels that are replaced."""
    seen: BoolArray
    """(h, w): the pixels that at least one source shows, in the hole and in a band around it."""

    @cached_property
    def known(self) -> BoolArray:
        """(h, w): pixels outside the hole where the fused sources can be compared with the plate."""
        return self.seen & ~self.mask

    @cached_property
    def unseen(self) -> BoolArray:
        """(h, w): the part of the hole that no source shows."""
        return self.mask & ~self.seen

    @cached_property
    def wires(self) -> BoolArray:
        """(h, w): the parts of the hole that are long and thin all over."""
        return wires_of(self.mask)

    def with_revealed(self) -> Float32Array:
        """The plate with the revealed pixels in its hole, (h, w, 3); unseen pixels stay the plate's."""
        shown = (self.mask & self.seen)[:, :, None]
        return np.where(shown, self.revealed, self.plate).astype(np.float32)


def wires_of(hole: BoolArray) -> BoolArray:
    """The parts of the hole, (h, w), that are long and thin all over; a wire that holds something is not."""
    core = opencv.erode(hole, opencv.square(_WIRE_PX))
    labels, boxes = opencv.connected_components(hole)
    sizes = np.bincount(labels.reshape(-1), minlength=len(boxes) + 1)[1:]
    reach = np.array([box.width + box.height for box in boxes], np.int64)
    long = (reach >= _WIRE_LENGTH * _WIRE_PX) & (sizes < reach * _WIRE_PX)
    long[labels[core] - 1] = False
    return np.asarray(np.concatenate([[False], long])[labels], bool)
