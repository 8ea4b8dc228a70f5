"""The grid over the picture in whose cells a language model says where things are."""

from __future__ import annotations

from dataclasses import dataclass

_SHORTER_SIDE = 8
"""Cells along the shorter side of the picture, as in the grid of VOID's training."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows and columns over a picture of a size in pixels; cell (0, 0) is at the top left."""

    rows: int
    columns: int
    height: int
    width: int

    @classmethod
    def over(cls, height: int, width: int) -> Grid:
        """The grid of a picture: 8 cells along its shorter side, as square as they get."""
        if width >= height:
            return cls(
                _SHORTER_SIDE, max(_SHORTER_SIDE, round(_SHORTER_SIDE * width / height)), height, width
            )
        return cls(max(_SHORTER_SIDE, round(_SHORTER_SIDE * height / width)), _SHORTER_SIDE, height, width)

    def row_edge(self, row: float) -> float:
        """The y at which a row begins; fractions lie in between."""
        return row * self.height / self.rows

    def column_edge(self, column: float) -> float:
        return column * self.width / self.columns

    def has(self, row: int, column: int) -> bool:
        """Whether there is such a cell."""
        return 0 <= row < self.rows and 0 <= column < self.columns
