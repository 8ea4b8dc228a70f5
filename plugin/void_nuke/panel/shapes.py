"""The shapes of a Roto node, with the roles that the artist gives them."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from void_nuke.host.host import RotoElement
from void_protocol.job import Role

ROLES: Mapping[Role | None, str] = {
    None: "—",
    "remove": "Remove",
    "affected": "Affected",
    "ignore": "Hold out",
}
"""The roles that a shape can have, with the words that the artist reads. None means that it is not part of
it."""


_GOLDEN = 0.618034
"""The golden ratio's fraction: hues that many turns apart stay apart, however many there are."""


@dataclass(frozen=True)
class ShapeRow:
    """One line of the list: an element and its role."""

    element: RotoElement
    role: Role | None = None

    @property
    def layer(self) -> str:
        """The names of the layers above the element, without the root."""
        return " / ".join(self.element.path.split("/")[1:-1])

    def swatch(self, number: int) -> tuple[float, float, float]:
        """Return the colour of the row's swatch, 0..1: the overlay's, or, where that was never set and so is
        black, one that tells the row apart. ``number`` is its place in the list."""
        if any(self.element.colour):
            return self.element.colour
        return colorsys.hsv_to_rgb((number * _GOLDEN) % 1.0, 0.45, 0.85)

    def loss(self) -> str:
        """Say what of the shape cannot travel, and what to do; empty when all can, or it has no role."""
        if self.role is None or not self.element.not_carried:
            return ""
        lost = ", ".join(self.element.not_carried)
        return f"{self.element.name}: {lost} cannot travel as a shape; switch 'shapes only' off."


class ShapeList:
    """The rows, their roles and the filter. Roles belong to paths, so that they outlast a refresh."""

    def __init__(self) -> None:
        self.rows: tuple[ShapeRow, ...] = ()
        self.filter = ""

    def set_elements(self, elements: Sequence[RotoElement], roles: Mapping[str, Role]) -> None:
        """Show these elements, with roles by path. A role whose shape is gone is dropped."""
        self.rows = tuple(ShapeRow(element, roles.get(element.path)) for element in elements)

    def set_role(self, paths: Iterable[str], role: Role | None) -> None:
        wanted = set(paths)
        self.rows = tuple(replace(row, role=role) if row.element.path in wanted else row for row in self.rows)

    def shown(self) -> tuple[ShapeRow, ...]:
        """Return the rows in which every word of the filter occurs, in layer, name or role."""
        words = self.filter.casefold().split()
        return tuple(
            row
            for row in self.rows
            if all(word in f"{row.element.path} {ROLES[row.role]}".casefold() for word in words)
        )

    def roles(self) -> dict[str, Role]:
        """Return the roles by path, of the shapes that have one."""
        return {row.element.path: row.role for row in self.rows if row.role is not None}

    def count(self, role: Role) -> int:
        return sum(row.role == role for row in self.rows)
