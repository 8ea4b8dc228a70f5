"""Integer boxes of pixels, and the coordinates in which the whole engine counts.

Everywhere in the engine a picture's coordinates are *display coordinates*: x to the right, y **down**, the
origin at the top-left corner of the plate's display window. Hosts that count y upwards are translated where
their data enters, never here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from void_engine.arrays import BoolArray


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open rectangle of pixels: columns ``x0 <= x < x1``, rows ``y0 <= y < y1``."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def from_size(cls, width: int, height: int) -> Box:
        """The box of a ``width`` x ``height`` picture whose top-left corner is the origin."""
        return cls(0, 0, width, height)

    @classmethod
    def from_shape(cls, shape: Sequence[int]) -> Box:
        """The box of an array of ``shape`` (rows, columns, ...) whose top-left corner is the origin."""
        return cls(0, 0, shape[1], shape[0])

    @classmethod
    def around(cls, mask: BoolArray) -> Box:
        """The smallest box, in the array's own pixels, around the True ones of (H, W) ``mask``; an empty box
        at the origin where none is."""
        import numpy as np  # Here, because the descriptions of engines need boxes without loading numpy.

        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return cls(0, 0, 0, 0)
        columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
        return cls(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)

    @property
    def width(self) -> int:
        return max(0, self.x1 - self.x0)

    @property
    def height(self) -> int:
        return max(0, self.y1 - self.y0)

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)``, as numpy orders them."""
        return self.height, self.width

    @property
    def is_empty(self) -> bool:
        return self.x1 <= self.x0 or self.y1 <= self.y0

    def contains(self, other: Box) -> bool:
        """Whether every pixel of ``other`` is a pixel of this box."""
        return other.is_empty or (
            self.x0 <= other.x0 and self.y0 <= other.y0 and other.x1 <= self.x1 and other.y1 <= self.y1
        )

    def intersection(self, other: Box) -> Box:
        """The pixels in both; an empty box where there are none."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        return Box(x0, y0, max(x0, min(self.x1, other.x1)), max(y0, min(self.y1, other.y1)))

    def union(self, other: Box) -> Box:
        """The smallest box around both; an empty one adds nothing."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        return Box(
            min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1)
        )

    def grown(self, pixels: int) -> Box:
        """The box with ``pixels`` more on each side (fewer when negative)."""
        return Box(self.x0 - pixels, self.y0 - pixels, self.x1 + pixels, self.y1 + pixels)

    def moved(self, dx: int, dy: int) -> Box:
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def scaled(self, factor: float) -> Box:
        """The smallest box that covers this one in a picture whose sides are ``factor`` times as long."""
        return Box(
            math.floor(self.x0 * factor),
            math.floor(self.y0 * factor),
            math.ceil(self.x1 * factor),
            math.ceil(self.y1 * factor),
        )

    def slices(self, within: Box) -> tuple[slice, slice]:
        """The rows and columns of this box in an array that covers the box ``within``.

        Raises:
            ValueError: when this box reaches beyond ``within``.
        """
        if not within.contains(self):
            raise ValueError(f"{self} is not inside {within}")
        return (
            slice(self.y0 - within.y0, self.y1 - within.y0),
            slice(self.x0 - within.x0, self.x1 - within.x0),
        )


def union_of(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of ``boxes``; an empty box for none."""
    total = Box(0, 0, 0, 0)
    for box in boxes:
        total = total.union(box)
    return total
