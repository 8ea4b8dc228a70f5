"""Finds a place for a new node in the node graph: beside another, covering none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_GAP_PX = 30


@dataclass(frozen=True)
class NodeBox:
    """A node's rectangle in the graph, in the graph's units; x to the right, y down."""

    x: int
    y: int
    width: int
    height: int

    def covers(self, other: NodeBox, gap: int = 0) -> bool:
        return (
            self.x < other.x + other.width + gap
            and other.x < self.x + self.width + gap
            and self.y < other.y + other.height + gap
            and other.y < self.y + self.height + gap
        )


def free_place(beside: NodeBox, size: tuple[int, int], taken: Sequence[NodeBox]) -> tuple[int, int]:
    """Return the nearest free x, y to the right of ``beside`` for a node of ``size`` (width, height)."""
    place = NodeBox(beside.x + beside.width + _GAP_PX, beside.y, *size)
    while covered := [box for box in taken if place.covers(box, gap=_GAP_PX // 2)]:
        place = NodeBox(max(box.x + box.width for box in covered) + _GAP_PX, beside.y, *size)
    return place.x, place.y
