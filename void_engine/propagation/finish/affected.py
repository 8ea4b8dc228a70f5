"""Affected pixels: tells what the object did to the plate there, and takes only that away.

In an affected region (a shadow, a reflection, a whole block of the training grid) the plate itself is
visible. So the question is not what to put there but what to take away: the *change*, the difference between
the plate and what other frames show. It is divided into bands of detail, from fine to slow, and each band
counts only where it is larger than such differences are beside the hole, where nothing was changed: those
come from grain and from small errors of motion. This is shrinkage of a noisy signal by bands (Donoho and
Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81, 1994), with the noise measured
rather than assumed.

- Where no band counts, the plate stays, bit for bit.
- Under a shadow only slow bands count, so the plate keeps its own fine detail and grain.
- Where something else is mirrored all bands count, and the answer is what other frames show.
- Where frames differ from each other they tell little, and what moves by itself and reaches into the region
  from beside it is left alone.
- Where no frame shows an affected pixel, a shadow is continued from those that are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import inpainting, pyramid
from void_engine.propagation.finish import presence
from void_engine.propagation.reveal.visible import detail_error

BAND_SIGMAS_PX = (1.5, 4.0, 10.0)
"""Blur radii that divide the change into bands: finer than the first, between two of them, slower than the
last."""
_COUNTS_FROM, _COUNTS_FULLY = 1.8, 3.2
"""Energies of a band, relative to what is expected without a change, between which it begins to count."""
_AROUND_PX = 16.0
"""Blur radius of the surroundings whose mean counts: the many weak edges of a reflection tell together."""
_ALONE = 0.3
"""The factor on the energy of a single place, which is less certain than the mean of its surroundings."""
_MOST_ALONE = 4.0
"""The most that a single place counts in that mean."""
_MARGIN = 1.5
"""The factor on what is expected, since sources are matched beside the hole and fit a little worse inside."""
_LEAST_ENERGIES = (8e-6, 4e-6, 1.5e-6, 1e-6)
"""Energies of each band, finest first, in squared encoded units, below which a change cannot be seen."""
_MOST_ENERGIES = (4e-3, 4e-3, 1e-3, 3e-5)
"""Energies of each band above which a change is seen, however restless the plate is beside the hole."""
_FEWEST_KNOWN = 200
"""The least number of unchanged pixels from which the expected energies are measured."""
_CLEARLY_NEARER = 0.6
"""An unaligned frame is taken where its error is below this fraction of the error of the aligned ones."""
_ALIKE = 0.15
"""The largest error of an unaligned frame, relative to the plate's own detail, where no aligned frame shows a
pixel."""
_TEXTURE_PX = 6.0
"""Blur radius that divides light from texture where no frame shows an affected pixel."""
_ENOUGH_SHOWN = 0.15
"""The share of the affected pixels that must be shown for the others to be mended like them."""
_MIRRORED = 0.03
"""The mean brightening, or difference between the channels, encoded, from which a change is no shadow."""
_MOST_COLOUR = 0.6
"""How much a shadow may differ between the channels, relative to its strength."""
_DARKEST = 0.25
"""The most, encoded, by which an affected pixel that no frame shows is brightened."""
_LEAST_MIRRORED = 0.2
"""The share of the affected pixels that such a change must have reached."""
_SCATTER_COUNTS = (0.5, 0.5, 0.3, 0.15)
"""The share of the scatter of frames that is expected in each band of a difference."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the object changed in affected pixels. All arrays cover the revealed area."""

    zone: BoolArray
    """(h, w): the affected pixels of the hole that other frames show."""
    counts: tuple[Float32Array, ...]
    """(h, w) in 0..1 for each band, finest first: how far it is a change; 0 outside the zone."""
    unchanged: BoolArray
    """(h, w): the affected pixels where no band counts: they are the plate's own."""
    own: BoolArray
    """(h, w): the pixels of things that move by themselves and reach into the zone from beside it."""

    def kept_grain(self, kept_variance: Float32Array) -> Float32Array:
        """The share of the grain's variance, (h, w), that is left where the plate's finest detail stays.

        Args:
            kept_variance: (h, w) in 0..1: the share that is left in what other frames show.
        """
        kept = 1.0 - self.counts[0] * (1.0 - kept_variance)
        return np.where(self.zone, kept, kept_variance).astype(np.float32)

    def taken_away(self, plate: Float32Array, shown: Float32Array, around: BoolArray) -> Float32Array:
        """The plate without what the object did to it, in the zone; elsewhere the plate.

        Args:
            plate: (h, w, 3) encoded.
            shown: (h, w, 3) encoded: what other frames show.
            around: (h, w): the pixels outside the zone where plate and other frames can be compared too.
        """
        left = plate.copy()
        weight = (self.zone | around).astype(np.float32)
        for band, counts in zip(_bands(plate - shown, weight), self.counts, strict=True):
            left -= pyramid.times(band, counts)
        return np.where(self.zone[:, :, None], left, plate).astype(np.float32)

    def is_mirror_image(self, taken: Float32Array) -> bool:
        """Whether the change, ``taken`` (h, w, 3) from the plate, is no shadow: coloured, or bright."""
        weight = self.counts[-1] * self.zone
        total = float(weight.sum())
        if total < _LEAST_MIRRORED * float(self.zone.sum()):
            return False
        mean = (taken * weight[:, :, None]).sum(axis=(0, 1)) / total
        light = float(mean.mean())
        colour = float(np.abs(mean - light).max())
        return light > _MIRRORED or colour > max(_MIRRORED, _MOST_COLOUR * abs(light))


@dataclass(frozen=True, slots=True)
class Mended:
    """The plate without what the object did to affected pixels. All arrays cover the revealed area."""

    plate: Float32Array
    """(h, w, 3) encoded."""
    pixels: BoolArray
    """(h, w): the affected pixels that are the plate's, mended where something was done to them."""
    untouched: BoolArray
    """(h, w): those of them where nothing was."""
    change: Change
    is_mirror_image: bool
    """Whether something is mirrored, so that the plate's texture is wrong where no frame shows a pixel."""


def mend(
    plate: Float32Array,
    shown: Float32Array,
    change: Change,
    zone: BoolArray,
    around: BoolArray,
    hidden: BoolArray,
) -> Mended:
    """Take away what the object did to affected pixels.

    Where no frame shows them, but enough of the others are shown, a shadow is continued from those; and what
    is darker than the surroundings, continued over it, and of their colour, is a shadow too.

    Args:
        plate: (h, w, 3) encoded.
        shown: (h, w, 3) encoded: what other frames show.
        change: what was measured where they show it.
        zone: (h, w): all affected pixels.
        around: (h, w): the pixels that nothing hides, where plate and other frames can be compared.
        hidden: (h, w): all pixels that are hidden or affected.
    """
    mended = change.taken_away(plate, shown, around)
    unshown = zone & ~change.zone
    taken = plate - mended
    mirrored = bool(unshown.any()) and change.is_mirror_image(taken)
    enough = float(change.zone.sum()) >= _ENOUGH_SHOWN * float(zone.sum())
    if mirrored or not enough or not unshown.any():
        return Mended(mended, change.zone, change.unchanged, change, mirrored)
    known = change.zone | around
    slow, _ = pyramid.weighted_blur(taken, known.astype(np.float32), BAND_SIGMAS_PX[1])
    continued = np.minimum(pyramid.push_pull(slow, known.astype(np.float32)), np.float32(0.0))
    surroundings = inpainting.smooth_fill(mended, hidden & ~change.zone)
    continued = np.minimum(continued, -_shade(plate, surroundings, unshown)[:, :, None])
    mended = np.where(unshown[:, :, None], plate - continued, mended).astype(np.float32)
    nothing = unshown & (np.abs(continued).max(axis=2) < presence.LEAST_PRESENT)
    mended = np.where(nothing[:, :, None], plate, mended)
    return Mended(mended, zone, change.unchanged | nothing, change, mirrored)


def _shade(plate: Float32Array, surroundings: Float32Array, where: BoolArray) -> Float32Array:
    """How much darker the plate is than its continued ``surroundings``, (h, w), where that is a shadow.

    A shadow takes light and leaves the colour.
    """
    difference, _ = pyramid.weighted_blur(surroundings - plate, where.astype(np.float32), BAND_SIGMAS_PX[1])
    light = np.asarray(difference.mean(axis=2), np.float32)
    colour = np.asarray(np.abs(difference - light[:, :, None]).max(axis=2), np.float32)
    light = np.clip(light, np.float32(0.0), np.float32(_DARKEST))
    alike = np.clip(2.0 - 2.5 * colour / np.maximum(light, np.float32(1e-3)), 0.0, 1.0)
    return np.asarray(light * alike, np.float32)


def keep_texture(plate: Float32Array, answer: Float32Array, shadowed: BoolArray) -> Float32Array:
    """The encoded ``answer``, (h, w, 3), with the plate's texture on ``shadowed`` pixels (h, w).

    The low frequencies are taken from the answer and the high ones from the plate.
    """
    weight = shadowed.astype(np.float32)
    fast = plate - pyramid.weighted_blur(plate, weight, _TEXTURE_PX)[0]
    slow, _ = pyramid.weighted_blur(answer, weight, _TEXTURE_PX)
    inner = opencv.box_blur(weight, 9) * shadowed
    return np.asarray(answer + inner[:, :, None] * (slow + fast - answer), np.float32)


def nearer_unaligned(
    plate: Float32Array, aligned: Float32Array, seen: BoolArray, unaligned: Float32Array, found: BoolArray
) -> BoolArray:
    """Where frames that were not moved into place show the plate's detail clearly better, (h, w).

    That is so for a foreground that stands still before a moving background.

    Args:
        plate: (h, w, 3) encoded.
        aligned: (h, w, 3) encoded: what other frames show along the motion, valid where ``seen``.
        seen: (h, w).
        unaligned: (h, w, 3) encoded: what they show in the same place, valid where ``found``.
        found: (h, w).
    """
    there = detail_error(plate - unaligned, found)
    slow, _ = pyramid.weighted_blur(plate, found.astype(np.float32), BAND_SIGMAS_PX[-1])
    detail = detail_error(plate - slow, found)
    alike = there < _ALIKE * detail + 4.0 * _LEAST_ENERGIES[0]
    nearer = there + _LEAST_ENERGIES[0] < _CLEARLY_NEARER * detail_error(plate - aligned, seen)
    return np.asarray(found & np.where(seen, nearer, alike), bool)


def measure_change(
    plate: Float32Array,
    shown: Float32Array,
    seen: BoolArray,
    zone: BoolArray,
    known: BoolArray,
    scatter: Float32Array,
) -> Change | None:
    """Find what the object changed in a zone of affected pixels.

    Args:
        plate: (h, w, 3) encoded.
        shown: (h, w, 3) encoded: what other frames show, valid where ``seen``.
        seen: (h, w).
        zone: (h, w): the affected pixels.
        known: (h, w): pixels outside the hole where plate and other frames can be compared.
        scatter: (h, w): the squared distance, encoded, of a channel, of other frames from each other.

    Returns:
        None where nothing can be told, because too few pixels beside the hole can be compared.
    """
    zone = zone & seen
    if not zone.any() or int(known.sum()) < _FEWEST_KNOWN:
        return None
    # What is expected is measured on the known pixels by themselves, lest a change be taken for the rule.
    difference = plate - shown
    found = _Energies.of(difference, shown, zone | known)
    expected = _Energies.of(difference, shown, known)
    weight = zone.astype(np.float32)
    in_place = presence.Difference.of(difference, zone, known)
    own = in_place.moves_by_itself()
    present = np.where(own, np.float32(0.0), in_place.presence())
    doubt, _ = pyramid.weighted_blur(scatter, weight, BAND_SIGMAS_PX[1])
    counts: list[Float32Array] = []
    for band in range(len(BAND_SIGMAS_PX) + 1):
        excess = found.excess(expected, band, known, doubt * np.float32(_SCATTER_COUNTS[band]))
        around, _ = pyramid.weighted_blur(np.minimum(excess, np.float32(_MOST_ALONE)), weight, _AROUND_PX)
        excess = np.maximum(excess * np.float32(_ALONE), around)
        share = np.clip((excess - _COUNTS_FROM) / np.float32(_COUNTS_FULLY - _COUNTS_FROM), 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share) * present
        counts.append(np.where(zone, share, np.float32(0.0)).astype(np.float32))
    return Change(zone, tuple(counts), zone & (np.max(counts, axis=0) <= 0), own)


@dataclass(frozen=True, slots=True)
class _Energies:
    """The energies of each band around each pixel, (h, w, 3): of the change, and of the texture."""

    change: tuple[Float32Array, ...]
    texture: tuple[Float32Array, ...]

    @classmethod
    def of(cls, difference: Float32Array, shown: Float32Array, where: BoolArray) -> _Energies:
        """Measure the energies over the pixels ``where``."""
        weight = where.astype(np.float32)
        change, texture = pyramid.times(difference, weight), pyramid.times(shown, weight)
        return cls(tuple(_energies(change, weight)), tuple(_energies(texture, weight)))

    def excess(self, expected: _Energies, band: int, known: BoolArray, doubt: Float32Array) -> Float32Array:
        """The energy of a band of the change relative to what is expected, (h, w), of the highest channel.

        Small errors of motion leave the more the more texture there is, so the expectation is a constant, the
        grain, and a share of the texture's energy in the same band, both fitted to the ``known`` pixels.
        """
        excess = np.zeros(known.shape, np.float32)
        for channel in range(3):
            usual, detail = (one[band][:, :, channel][known] for one in (expected.change, expected.texture))
            floor, share = _fitted(usual, detail)
            rule = np.float32(floor) + np.float32(share) * self.texture[band][:, :, channel]
            rule = np.clip(rule * np.float32(_MARGIN), _LEAST_ENERGIES[band], _MOST_ENERGIES[band]) + doubt
            np.maximum(excess, self.change[band][:, :, channel] / rule, out=excess)
        return excess


def _bands(picture: Float32Array, weight: Float32Array) -> Sequence[Float32Array]:
    """The bands of detail of a picture, finest first, from its weighted pixels; they add up to it."""
    bands = []
    finer = picture
    for sigma in BAND_SIGMAS_PX:
        coarser, _ = pyramid.weighted_blur(picture, weight, sigma)
        bands.append(np.asarray(finer - coarser, np.float32))
        finer = coarser
    bands.append(finer)
    return bands


def _energies(picture: Float32Array, weight: Float32Array) -> Iterator[Float32Array]:
    reaches = (*BAND_SIGMAS_PX, BAND_SIGMAS_PX[-1])
    for band, reach in zip(_bands(picture, weight), reaches, strict=True):
        yield pyramid.weighted_blur(np.square(band), weight, reach)[0]


def _fitted(energy: Float32Array, detail: Float32Array) -> tuple[float, float]:
    """A constant and a slope, neither negative, by which ``detail`` predicts ``energy``, without outliers."""
    middle = np.median(detail)
    means = []
    for part in (detail <= middle, detail > middle):
        if part.any():
            kept = part & (energy <= np.quantile(energy[part], 1.0 - presence.SHARE_OF_ODD))
            means.append((float(energy[kept].mean()), float(detail[kept].mean())))
    if len(means) < 2:
        return means[0][0], 0.0
    (first, at_first), (second, at_second) = means
    slope = max(0.0, (second - first) / max(at_second - at_first, 1e-12))
    return max(0.0, first - slope * at_first), slope
