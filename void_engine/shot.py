"""A shot as an engine sees it: the region of interest of each frame, with what is to be replaced there.

This module joins plate files, mattes and settings into the frames of
:class:`~void_engine.engines.interface.ShotSource`, which is all that an engine is given.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.engines.interface import ShotFrame
from void_engine.geometry import Box
from void_engine.mattes import ShotMattes
from void_engine.morphology import replacement_weight
from void_engine.plates.frame.picture import PlatePicture
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.quadmask import build_quadmask
from void_engine.resampling import crop

_BYTES_A_PIXEL = 4 * 3 + 4 * 3 + 1  # The sum is that of the plate, three mattes and the quadmask.


DEFAULT_GROWTH_PX = 2.0
"""How far a matte is grown where nothing else is said or measured."""
MOST_AUTO_GROWTH_PX = 24.0
"""The most that a matte is grown by measurement."""


@dataclass(frozen=True)
class ReplacementLook:
    """How mattes become the replaced pixels and the quadmask. Distances are pixels of the full-size plate."""

    growth_px: float = DEFAULT_GROWTH_PX
    """With :attr:`auto_growth` the least growth."""
    softness_px: float = 4.0
    snap_affected_to_grid: bool = True
    clear_affected_on_first_frame: bool = True
    auto_growth: bool = False
    """Whether the growth is still to be measured, by :func:`void_engine.growth.with_growth`."""

    @property
    def reach_px(self) -> float:
        """How far beyond a matte the replacement reaches, in pixels of the full-size plate."""
        growth = MOST_AUTO_GROWTH_PX if self.auto_growth else max(0.0, self.growth_px)
        return growth + self.softness_px


@dataclass(frozen=True)
class AnchorFrames:
    """Frames that the artist has already cleaned: their files and their frame numbers."""

    frames: PlateSequence
    numbers: frozenset[int]
    rgb: tuple[str, str, str] | None = None
    """The channels with the picture; None for the main layer."""


@dataclass(frozen=True)
class PlateShot:
    """A :class:`~void_engine.engines.interface.ShotSource` that reads files.

    Frames are made on demand, and the most recent are kept while they fit into ``cache_bytes``. A shot may be
    used from several threads.
    """

    plates: PlateSequence
    """The plate at the scale of the work."""
    mattes: ShotMattes
    box: Box
    """The region of interest, in pixels of the plate at the scale of the work."""
    frame_box: Box
    """All pixels that the plates have. Where the region reaches beyond, the plate's edge is repeated."""
    look: ReplacementLook = field(default_factory=ReplacementLook)
    pixel_aspect: float = 1.0
    picture: PlatePicture | None = None
    """Where the picture is in the plates; None for their main layer."""
    anchors: AnchorFrames | None = None
    cache_bytes: int = 256 << 20
    _kept: OrderedDict[int, ShotFrame] = field(default_factory=OrderedDict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def frame_numbers(self) -> range:
        return self.plates.frame_numbers

    @property
    def height(self) -> int:
        return self.box.height

    @property
    def width(self) -> int:
        return self.box.width

    def frame(self, number: int) -> ShotFrame:
        """The frame with this number; see :class:`~void_engine.engines.interface.ShotFrame`.

        Raises:
            KeyError: for a number outside :attr:`frame_numbers`.
            PlateError: when a file of the plate or of a matte cannot be read.
            MatteError: when a matte file lacks its channel.
        """
        if number not in self.frame_numbers:
            raise KeyError(number)
        with self._lock:
            kept = self._kept.get(number)
            if kept is not None:
                self._kept.move_to_end(number)
                return kept
            # Room is made first, since at full size one frame more is a good part of the memory.
            self._keep_at_most(self._most_kept - 1)
        made = self._make(number)
        with self._lock:
            self._kept[number] = made
            self._keep_at_most(self._most_kept)
        return made

    @property
    def _most_kept(self) -> int:
        return max(1, self.cache_bytes // max(1, self.width * self.height * _BYTES_A_PIXEL))

    def _keep_at_most(self, count: int) -> None:
        """Drop the frames that were not asked for longest. The caller holds the lock."""
        while len(self._kept) > count:
            self._kept.popitem(last=False)

    def anchor(self, number: int) -> Float32Array | None:
        """The artist's clean frame ``number``, (H, W, 3) scene-linear, or None where there is none."""
        if self.anchors is None or number not in self.anchors.numbers:
            return None
        picture = self._picture(self.anchors.frames, number, self.anchors.rgb)
        picture.flags.writeable = False
        return picture

    def _picture(self, frames: PlateSequence, number: int, rgb: tuple[str, str, str] | None) -> Float32Array:
        inside = self.box.intersection(self.frame_box)
        frame = frames.frame(number)
        picture = frame.read_channels(rgb or frame.rgb_names(), inside)
        if inside == self.box:
            return picture
        return crop(picture, inside, self.box).astype(np.float32, copy=False)

    def _make(self, number: int) -> ShotFrame:
        plate = self._picture(self.plates, number, None if self.picture is None else self.picture.rgb)
        roles = self.mattes.at(number, self.box)
        scale = self.mattes.scale
        replaced = replacement_weight(
            roles.remove, roles.affected, self.look.growth_px * scale, self.look.softness_px * scale
        )
        if roles.held_out is not None:
            # The hold-out is cut out again, because growth and ramp have reached into it.
            replaced *= np.float32(1.0) - roles.held_out
        quadmask = build_quadmask(
            roles.remove,
            roles.affected,
            is_first_frame=number == self.frame_numbers[0],
            snap=self.look.snap_affected_to_grid,
            clear_first=self.look.clear_affected_on_first_frame,
            pixel_aspect=self.pixel_aspect,
        )
        for array in (plate, roles.remove, roles.affected, replaced, quadmask):
            array.flags.writeable = False
        return ShotFrame(number, plate, roles.remove, roles.affected, replaced, quadmask)
