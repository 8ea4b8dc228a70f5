"""Affected pixels, where the plate is visible: other frames are judged there in place, not from beside it.

Under a shadow or a reflection the plate itself tells what is there: its detail. So a frame that shows the
same detail is right, whatever happens beside the affected region; and of several frames that show different
things, because something moves or lies at another depth, the one that repeats the plate is taken. What then
still differs from the plate is what the object did to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box
from void_engine.propagation import pyramid
from void_engine.propagation.reveal.answers import Stack
from void_engine.propagation.reveal.joining import Joined
from void_engine.propagation.working_set import FullFrame

BAND_PX = 8
"""Width, in full-size pixels, of the band around hidden pixels that is revealed too, to compare it with the
plate."""
_EDGE_PX = 3
"""Pixels this near to the object itself are not visible, since its edge may reach there."""
_SLOW_PX = 10.0
"""Blur radius of what may be a change of light."""
_SLOW_COUNTS = 0.05
"""How much the slow part of a difference counts beside its detail."""
_AROUND_PX = 3.0
"""Blur radius over which a frame is compared with the plate."""
_LEAST = 1.5e-5
"""Squared errors, encoded, below this are equal."""
_MOST_FRAMES = 6
"""The most frames, nearest first, that are compared with the plate one by one."""

_Values = TypeVar("_Values", Float32Array, BoolArray)


@dataclass(frozen=True, slots=True)
class VisiblePlate:
    """What of a frame's hidden pixels is visible, though affected. All arrays cover the revealed area."""

    plate: Float32Array
    """(h, w, 3) encoded."""
    near: BoolArray
    """(h, w): the affected pixels and those beside them that nothing hides."""
    cut_off: BoolArray
    """(h, w): the hidden pixels that affected ones separate from those that nothing hides."""

    @classmethod
    def of(cls, full: FullFrame, area: Box) -> VisiblePlate | None:
        """Find what of the ``area`` is visible though affected; None where nothing is."""
        cut = area.slices(full.box)
        hidden, affected, removed = full.hidden[cut], full.affected[cut], full.removed[cut]
        zone = zone_of(hidden, affected, removed)
        if not zone.any():
            return None
        marked = (affected > 0) & (removed <= 0)
        cut_off = hidden & (opencv.depth_inside(~marked) < opencv.depth_inside(hidden))
        return cls(full.encoded(area), near_zone(zone, hidden), cut_off)

    def matched(
        self, joined: Joined, stack: Stack, order: Int64Array, tile: tuple[slice, slice], places: Int64Array
    ) -> Float32Array:
        """The joined values, (N, 3), and where the plate is visible what repeats its detail best.

        Args:
            joined: the answer as judged from beside the hole.
            stack: what single frames show at the same pixels.
            order: (S,) the frames from the nearest in time to the farthest.
            tile: the part of the area.
            places: (N,) the pixels of the tile, counted along its rows.
        """
        near = self.near[tile]
        shape = near.shape
        wanted = near.reshape(-1)[places] & joined.seen
        if not wanted.any():
            return joined.values
        candidates = [(joined.values, wanted)]
        for index in order[:_MOST_FRAMES]:
            candidates.append((stack.moved[index], wanted & (stack.fits[index] > 0)))
            if stack.still is not None:
                candidates.append((stack.still[index], wanted & stack.still_seen[index]))
        where = _picture(wanted, shape, places)
        cut = Box.around(where).slices(Box.from_shape(shape))
        plate = self.plate[tile][cut]
        total = np.zeros(plate.shape[:2], np.float32)
        answer = np.zeros(plate.shape, np.float32)
        for values, there in candidates:
            if there.any():
                picture = _picture(values, shape, places)[cut]
                known = _picture(there, shape, places)[cut]
                error = detail_error(plate - picture, known, _AROUND_PX) + np.float32(_LEAST)
                weight = np.where(known, np.float32(_LEAST) / error, np.float32(0.0))
                weight = np.square(np.square(weight)).astype(np.float32)
                total += weight
                answer += pyramid.times(picture, weight)
        found = np.zeros((*shape, 3), np.float32)
        found[cut] = answer / np.maximum(total, np.float32(1e-30))[:, :, None]
        return np.where(wanted[:, None], found.reshape(-1, 3)[places], joined.values).astype(np.float32)


def _picture(values: _Values, shape: tuple[int, int], places: Int64Array) -> _Values:
    """The values at the pixels ``places`` of a tile as a picture, (h, w) or (h, w, C); 0 elsewhere."""
    picture = np.zeros((shape[0] * shape[1], *values.shape[1:]), values.dtype)
    picture[places] = values
    return picture.reshape(*shape, *values.shape[1:])


def detail_error(difference: Float32Array, where: BoolArray, around_px: float = 4.0) -> Float32Array:
    """The energy of a difference around each pixel, (h, w), measured on the pixels ``where``.

    Its slow part counts little, because that may be a change of light.

    Args:
        difference: (h, w, 3) encoded.
        where: (h, w).
        around_px: blur radius of the surroundings.
    """
    weight = where.astype(np.float32)
    slow, _ = pyramid.weighted_blur(difference, weight, _SLOW_PX)
    energy = np.square(difference - slow) + np.float32(_SLOW_COUNTS) * np.square(slow)
    mean = np.asarray(energy.mean(axis=2), np.float32)
    return pyramid.weighted_blur(mean, weight, around_px)[0]


def near_zone(zone: BoolArray, hidden: BoolArray) -> BoolArray:
    """The pixels of an affected zone and those beside it that nothing hides, (h, w)."""
    return opencv.dilate_by_disc(zone, BAND_PX) & (zone | ~hidden)


def zone_of(hidden: BoolArray, affected: Float32Array, removed: Float32Array) -> BoolArray:
    """The hidden pixels that were only affected: nearer to an affected pixel than to the object's edge.

    Args:
        hidden: (h, w).
        affected: (h, w) in 0..1, the matte of what the object changed.
        removed: (h, w) in 0..1, the matte of the object itself.
    """
    marked = (affected > 0) & (removed <= 0)
    if not marked.any():
        return np.zeros(hidden.shape, bool)
    if not (removed > 0).any():
        return hidden.copy()
    from_marked = opencv.depth_inside(~marked)
    from_object = opencv.depth_inside(removed <= 0)
    return np.asarray(hidden & (from_marked < from_object) & (from_object > _EDGE_PX), bool)
