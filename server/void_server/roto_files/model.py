"""What every reader of roto files gives: nodes with curves, each of which says whether it can travel as a
shape.

A reader is a function from a file's bytes to :class:`RotoFile`; :mod:`void_server.roto_files.readers` knows
them all. Coordinates are those of a job: pixels of the format, y up from its bottom-left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from void_protocol.job import ShapeFrame
from void_server.roto_files.animation import Floats
from void_server.roto_files.script import Script, ScriptNode

CurveKind = Literal["bezier", "bspline", "open", "stroke", "warp"]


class Geometry(Protocol):
    """Something that can be baked."""

    def bake(self, frames: Sequence[int], placed: Floats) -> list[ShapeFrame]:
        """Return the shape at each frame.

        Args:
            frames: the frames in the time of the file.
            placed: float64 of shape (3, 3): what brings the file's picture onto the plate.

        Raises:
            RotoFileError: when a perspective puts a point at infinity.
        """
        ...


@dataclass(frozen=True)
class RotoCurve:
    """A shape, open spline or stroke of a file."""

    name: str
    path: str
    """The names of the layers and the curve, with slashes."""
    kind: CurveKind
    points: int
    """Control points."""
    keys: int
    """Times at which its points have keys; 0 where they stand still."""
    refusals: tuple[str, ...] = ()
    """Why it cannot travel as a shape; empty where it can."""
    remarks: tuple[str, ...] = ()
    """What does not travel with it, or could not be verified."""
    geometry: Geometry | None = field(default=None, compare=False)

    @property
    def carried(self) -> bool:
        """Whether it can travel as a shape."""
        return not self.refusals and self.geometry is not None

    @property
    def why(self) -> str:
        """The refusals, or for a curve that travels the remarks, in one line."""
        return "; ".join(self.refusals or self.remarks)


@dataclass(frozen=True)
class RotoNode:
    """A node, or whatever in a file holds curves."""

    name: str
    class_name: str
    curves: tuple[RotoCurve, ...]
    node: ScriptNode | None = field(default=None, compare=False)
    """The node in the script, for those formats that have a tree of nodes."""


@dataclass(frozen=True)
class RotoFile:
    """What a file holds."""

    path: str
    format_name: str
    nodes: tuple[RotoNode, ...]
    script: Script | None = field(default=None, compare=False)
    width: int = 0
    """The format's width as the file says it, in pixels; 0 where it does not."""
    height: int = 0
