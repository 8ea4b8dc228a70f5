"""Where affected pixels are changed at all, and where something only moves by itself there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import pyramid

LEAST_PRESENT = 0.0025
"""Differences below this, encoded, cannot be seen: half a step of an 8-bit picture."""
_MOST_PRESENT = 0.02
"""Differences above this, encoded, are seen, however restless the plate is beside the hole."""
_PRESENT = 2.0
"""A change is there from a mean difference of this factor on what is usual beside the zone."""
_SIGMAS_PX = (1.5, 4.0)
"""Blur radii of the means in which a change is looked for."""
SHARE_OF_ODD = 0.15
"""The share of the unchanged pixels that are left out, because something may move by itself there."""
_OWN_FROM = 3.0
"""The factor on what is usual beside the zone from which a piece may move by itself."""
_OWN_LEVEL, _OWN_MOST = 0.35, 1.6
"""Such a piece reaches as far as the difference is above this share of that beside the zone, and is nowhere
more than this multiple of it."""
_FEWEST_SEEDS = 12
"""The least pixels of such a piece beside the zone."""
_OWN_SHARE = 0.3
"""The share of a mean over a wider area that the pixel's own mean must reach."""
_PRESENT_AROUND_PX = 2
"""How far around such places a change may reach."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the plate differs, in the means of a few pixels, from what other frames show."""

    zone: BoolArray
    """(h, w): the affected pixels that other frames show."""
    known: BoolArray
    """(h, w): the pixels outside the hole that they show."""
    sizes: tuple[Float32Array, ...]
    """(h, w) encoded, of the highest channel, for each of the blur radii."""
    usual: tuple[float, ...]
    """The size that is usual beside the zone, for each of them."""

    @classmethod
    def of(cls, difference: Float32Array, zone: BoolArray, known: BoolArray) -> Difference:
        """Measure a ``difference``, (h, w, 3) encoded, on the pixels of the zone and the known ones."""
        weight = (zone | known).astype(np.float32)
        sizes = []
        for sigma in _SIGMAS_PX:
            mean, _ = pyramid.weighted_blur(difference, weight, sigma)
            sizes.append(np.asarray(np.abs(mean).max(axis=2), np.float32))
        usual = [float(np.quantile(size[known], 1.0 - SHARE_OF_ODD)) for size in sizes]
        return cls(zone, known, tuple(sizes), tuple(usual))

    def moves_by_itself(self) -> BoolArray:
        """The pixels, (h, w), of what reaches into the zone from beside it, where the object does nothing.

        A thing that moves by itself differs from other frames as much on both sides of the zone's border; a
        shadow whose region is drawn a little too small differs less outside.
        """
        zone, known = self.zone, self.known
        compared = zone | known
        size = self.sizes[0] * compared
        strong = size > _OWN_FROM * np.clip(self.usual[0], LEAST_PRESENT, _MOST_PRESENT)
        own = np.zeros(zone.shape, bool)
        for piece in _pieces(strong, strong & known):
            outside = float(np.quantile(size[piece & known], 0.9))
            for part in _pieces(piece & (size >= _OWN_LEVEL * outside), piece & known):
                inside = size[part & zone]
                if not inside.size or float(np.quantile(inside, 0.95)) <= _OWN_MOST * outside:
                    own |= part
        return opencv.dilate_by_disc(own, _PRESENT_AROUND_PX) & compared

    def presence(self) -> Float32Array:
        """How far there is any change around each pixel at all, (h, w) in 0..1.

        Slow bands reach far beyond what they come from; so a change also has to be seen in its place, in the
        mean of a few pixels.
        """
        found = np.zeros(self.zone.shape, np.float32)
        nearest: Float32Array | None = None
        for size, usual in zip(self.sizes, self.usual, strict=True):
            least = np.float32(np.clip(_PRESENT * usual, LEAST_PRESENT, _MOST_PRESENT))
            there = np.clip(size / least - 1.0, 0.0, 1.0)
            if nearest is not None:
                # A wide mean also sees what is only beside the pixel.
                there = np.where(nearest > _OWN_SHARE * size, there, np.float32(0.0))
            nearest = size
            np.maximum(found, there, out=found)
        found = np.where(self.zone, found, np.float32(0.0)).astype(np.float32)
        grown = opencv.gaussian_blur(opencv.dilate_values(found, opencv.disc(_PRESENT_AROUND_PX)), 1.0)
        return np.where(grown > 0.02, grown, np.float32(0.0)).astype(np.float32)


def _pieces(mask: BoolArray, seeds: BoolArray) -> Iterator[BoolArray]:
    """The connected pieces of a mask, each (h, w), that hold enough of the seeds."""
    if not seeds.any():
        return
    labels, boxes = opencv.connected_components(mask)
    found = np.bincount(labels[seeds], minlength=len(boxes) + 1)
    for label in np.flatnonzero(found >= _FEWEST_SEEDS):
        if label:
            yield labels == label
