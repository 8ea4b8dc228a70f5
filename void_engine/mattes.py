"""The mattes of a shot by role, made from roto shapes and rendered matte files together.

This is where a removal learns *what* to change: :mod:`void_engine.quadmask` and the merge weight of
:mod:`void_engine.morphology` are both made from these mattes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.errors import MatteError
from void_engine.geometry import Box
from void_engine.morphology import grow, matte_bounds
from void_engine.plates.frame.layers import listed, shown
from void_engine.plates.frame.picture import channel_in_view
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.roto.matte import bounds, rasterise
from void_engine.roto.shapes import ShapeAtFrame

MatteRole = Literal["remove", "affected", "ignore"]
"""What a matte marks: the object that is removed, the pixels that it changed (shadow, reflection), or a
hold-out that no replacement may touch."""

ShapesAt = Callable[[int], Sequence[ShapeAtFrame]]
"""Takes a frame number and gives the shapes of one role, in display coordinates of the full-size plate."""


@dataclass(frozen=True)
class MatteFiles:
    """One rendered matte: a channel of an EXR sequence, or of a single picture held for the whole shot."""

    role: MatteRole
    frames: PlateSequence
    channel: str
    """The channel's full name; in a file with several views also its name in :attr:`view`."""
    inverted: bool = False
    view: str = ""
    growth_px: float = 0.0
    """This matte alone is grown by so many pixels of the full-size plate; below 0 it shrinks."""
    counts_on: tuple[int, int] | None = None
    """The first and the last frame on which it counts; None for all."""

    def counts(self, number: int) -> bool:
        return self.counts_on is None or self.counts_on[0] <= number <= self.counts_on[1]


@dataclass(frozen=True)
class RoleMattes:
    """The mattes of one frame inside a box, (H, W) float32 in 0..1, with the hold-outs already cut out."""

    remove: Float32Array
    affected: Float32Array
    held_out: Float32Array | None = None
    """The hold-outs: pixels that no replacement may touch, however far it is grown. None where there are
    none."""


@dataclass(frozen=True)
class ShotMattes:
    """All mattes of a shot: where it is to change, frame by frame."""

    shapes: Mapping[MatteRole, ShapesAt] = field(default_factory=dict)
    files: Sequence[MatteFiles] = ()
    """Rendered mattes, whose sequences already read at the scale of the work."""
    scale: float = 1.0
    """The size of the picture worked on, relative to the full-size plate that the shapes were drawn on; below
    1 for a proxy. All boxes count pixels of the picture worked on."""

    def check(self, display_size: tuple[int, int]) -> None:
        """Read the headers of all matte files and make sure that they fit the plate.

        Args:
            display_size: (width, height) of the full-size plate.

        Raises:
            PlateError: when a file is missing or cannot be read.
            MatteError: when a matte is not the plate's size or lacks its channel.
        """
        for matte in self.files:
            found = matte.frames.check()
            if found.display_size != display_size:
                raise MatteError(
                    f"{matte.frames.pattern}: the {matte.role} matte is {_size(found.display_size)}, "
                    f"the plate is {_size(display_size)}; render it in the plate's format"
                )
            channel = channel_in_view(found.first, matte.channel, matte.view)
            if channel not in found.first.channel_names:
                raise MatteError(
                    f"{found.first.path}: the {matte.role} matte has no channel "
                    f"{shown(matte.channel)!r}, only {listed(found.first.channel_names)}; name one of these"
                )

    def at(self, number: int, box: Box) -> RoleMattes:
        """The mattes of frame ``number`` inside ``box``.

        Raises:
            PlateError: when a matte file cannot be read, or lacks its channel.
        """
        held_out = self.role(number, "ignore", box)
        remove, affected = (self.role(number, role, box) for role in ("remove", "affected"))
        if held_out is not None:
            keep = np.float32(1.0) - held_out
            remove = None if remove is None else remove * keep
            affected = None if affected is None else affected * keep
        return RoleMattes(_or_zeros(remove, box), _or_zeros(affected, box), held_out)

    def bounds(self, number: int, frame_box: Box) -> Box:
        """A box around all that may change at frame ``number``; empty where nothing does.

        Hold-outs are not taken into account, so the box may be larger than needed.
        """
        found = Box(0, 0, 0, 0)
        for role in ("remove", "affected"):
            shapes = self._shapes(number, role)
            if shapes:
                found = found.union(bounds(shapes, frame_box, self.scale))
        for matte in self.files:
            if matte.role != "ignore" and matte.counts(number):
                support = matte_bounds(self._read(matte, number, frame_box))
                found = found.union(support.moved(frame_box.x0, frame_box.y0))
        return found.intersection(frame_box)

    def _shapes(self, number: int, role: MatteRole) -> Sequence[ShapeAtFrame]:
        shapes_at = self.shapes.get(role)
        return () if shapes_at is None else shapes_at(number)

    def role(self, number: int, role: MatteRole, box: Box) -> Float32Array | None:
        """The union of all shapes and files of ``role`` at frame ``number``, before any hold-out.

        Returns:
            (H, W) float32 in 0..1 over ``box``; None where nothing has the role.
        """
        total: Float32Array | None = None
        shapes = self._shapes(number, role)
        if shapes:
            total = rasterise(shapes, box, self.scale)
        for matte in self.files:
            if matte.role == role and matte.counts(number):
                read = self._read(matte, number, box)
                # Soft mattes are united as a compositor's 'over' does it.
                total = read if total is None else total + read - total * read
        return total

    def _read(self, matte: MatteFiles, number: int, box: Box) -> Float32Array:
        """One matte at frame ``number``, (H, W) over ``box``, grown as far as it is to be."""
        growth = matte.growth_px * self.scale
        if not growth:
            return _read(matte, number, box)
        # What lies just outside the box grows into it; the picture's border is no edge that shrinks.
        picture = matte.frames.frame(number).header.display_window
        wide = box.grown(math.ceil(abs(growth)) + 1).intersection(picture.union(box))
        return np.ascontiguousarray(grow(_read(matte, number, wide), growth)[box.slices(wide)])


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _or_zeros(matte: Float32Array | None, box: Box) -> Float32Array:
    return np.zeros(box.shape, np.float32) if matte is None else matte


def _read(matte: MatteFiles, number: int, box: Box) -> Float32Array:
    frame = matte.frames.frame(number)
    values = frame.plane(channel_in_view(frame.header, matte.channel, matte.view), box)
    # A matte is a weight in 0..1: NaN counts as not covered, and values beyond the range are clamped.
    clean = np.clip(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return np.float32(1.0) - clean if matte.inverted else clean
