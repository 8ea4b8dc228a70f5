"""What mattes are made of: objects that are pointed at, boxed, named, or known on a frame.

Frames are counted from 0. Positions are pixels of the picture with y **down** from its top-left corner;
the pixel (0, 0) covers the square from (0, 0) to (1, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from void_engine.arrays import BoolArray, Float32Array


@dataclass(frozen=True, slots=True)
class Click:
    """A position on a frame, inside the object or outside it."""

    frame: int
    x: float
    y: float
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """A box around the object on a frame; right and bottom are beyond its last pixel."""

    frame: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Subject:
    """One object, and all that says where it is. On a frame with clicks or a box, a mask is not used."""

    name: str
    clicks: tuple[Click, ...] = ()
    bounds: tuple[Bounds, ...] = ()
    words: str = ""
    masks: Mapping[int, BoolArray] = field(default_factory=dict)
    """Masks (H, W) by frame: the object as somebody knows it there already."""

    @property
    def frames(self) -> list[int]:
        """The frames with prompts, in order."""
        pointed = {click.frame for click in self.clicks} | {box.frame for box in self.bounds}
        return sorted(pointed | set(self.masks))


@dataclass(frozen=True, slots=True)
class SubjectMattes:
    """The mattes of one frame."""

    number: int
    """The frame's number in the shot."""
    instances: tuple[tuple[Callable[[], Float32Array], ...], ...]
    """For each subject and each thing that its name means what gives its matte (H, W) in 0..1, soft at the
    edge. It is made when it is called, as those of many things at a plate's size fill the memory."""
