"""Evidence, frame by frame: how far the picture is from what is expected, measured in its own noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float16Array, Float32Array
from void_engine.effects.expected import Expected, expect, gather, largest
from void_engine.effects.small_shot import SmallShot
from void_engine.propagation import encoding

_SMOOTH_PX, _BROAD_PX = 1.0, 2.5
_STILL_MISREGISTRATION_PX, _MOVING_MISREGISTRATION_PX = 0.06, 0.3
_USUAL_SHARE, _USUAL_STRENGTH = 0.85, 2.5
"""Far from the object this share of the picture is usually below this strength."""
_FEWEST_FAR = 500
"""Fewer pixels far from the object tell nothing of the rest."""
_FLOOR = 0.004
"""The least noise, encoded, that is believed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one frame; all (h, w)."""

    change: Float32Array
    """(h, w, 3): the smoothed difference from the expected background, encoded; 0 at the object."""
    strength: Float32Array
    """How many times its noise the change is."""
    amount: Float32Array
    """The largest change of a channel, encoded."""
    broad: Float32Array
    """The strength over a wider surrounding, where faint changes stand out of the grain."""
    known: Float32Array
    unrest: Float32Array
    seen_away: Float32Array
    step: Float32Array
    texture: Float32Array
    """In 0..1: how far the frame's texture is not the expected one's; low for shadows and light."""
    edge: Float32Array
    """How steep the expected picture is, encoded per pixel: how much misregistration would change it."""
    usable: BoolArray
    """Where the frame shows something else than the object."""
    restless: float
    """How many times more than usual the picture changes far from the object, before that was taken off."""

    def packed(self) -> PackedEvidence:
        """The evidence in less than half of the memory; see :class:`PackedEvidence`."""
        planes = np.empty((len(_PLANES) + 3, *self.usable.shape), np.float16)
        planes[:3] = np.moveaxis(self.change, -1, 0)
        for index, name in enumerate(_PLANES, start=3):
            planes[index] = np.minimum(getattr(self, name), _STRONGEST)
        return PackedEvidence(planes, self.usable, self.restless)


_PLANES = ("strength", "amount", "broad", "known", "unrest", "seen_away", "step", "texture", "edge")
_STRONGEST = 1000.0


@dataclass(frozen=True, slots=True)
class PackedEvidence:
    """The evidence of one frame in half floats, as many frames are held at a time."""

    planes: Float16Array
    """(12, h, w): the three channels of the change, then the other quantities."""
    usable: BoolArray
    restless: float

    def unpacked(self) -> Evidence:
        """The evidence, to about three digits."""
        planes = self.planes.astype(np.float32)
        named = dict(zip(_PLANES, planes[3:], strict=True))
        change = np.ascontiguousarray(np.moveaxis(planes[:3], 0, -1))
        return Evidence(change=change, usable=self.usable, restless=self.restless, **named)


def weigh(shot: SmallShot, target: int) -> Evidence:
    """The evidence of frame ``target``."""
    own = shot.encoded[target]
    expected = expect(gather(shot, target), own, shot.away[target] / np.float32(shot.place.size), target)
    usable = ~shot.removed[target]
    change = np.where(usable[..., None], own - expected.picture, 0).astype(np.float32)
    smooth = _smoothed(change, usable, _SMOOTH_PX)
    amount = largest(smooth)
    far = usable & (shot.away[target] > 0.7 * shot.place.size)
    still = shot.track.is_locked_off(target)
    off = _STILL_MISREGISTRATION_PX if still else _MOVING_MISREGISTRATION_PX
    edge = _gradient(expected.picture)
    doubt = (0.7 * expected.spread) ** 2 + (off * edge) ** 2
    scale = np.sqrt(_noise(smooth, far) ** 2 + doubt)
    wide = _smoothed(change, usable, _BROAD_PX)
    # Misregistration changes its sign across an edge, so a wider mean holds less of it.
    wide_scale = np.sqrt(
        _noise(wide, far) ** 2 + opencv.gaussian_blur(0.3 * doubt.astype(np.float32), _BROAD_PX)
    )
    strength = np.asarray(amount / scale, np.float32)
    broad = np.asarray(largest(wide) / wide_scale, np.float32)
    away = usable & (shot.away[target] > 1.5 * shot.place.size)
    restless = _restlessness(strength, away)
    return Evidence(
        smooth, (strength / restless).astype(np.float32), amount,
        (broad / _restlessness(broad, away)).astype(np.float32), expected.known, expected.unrest,
        expected.seen_away, expected.step, _texture(own, expected, usable), edge, usable, restless,
    )  # fmt: skip


def _restlessness(strength: Float32Array, far: BoolArray) -> float:
    """How many times more than usual the picture changes where the object is far; at least 1.

    A camera that is not followed well, or a crowd, changes the picture everywhere. What the object did must
    then be stronger to be told from it.
    """
    values = strength[far]
    if len(values) < _FEWEST_FAR:
        return 1.0
    return max(1.0, float(np.quantile(values, _USUAL_SHARE)) / _USUAL_STRENGTH)


def _smoothed(change: Float32Array, usable: BoolArray, sigma: float) -> Float32Array:
    weight = opencv.gaussian_blur(usable.astype(np.float32), sigma)
    smooth = opencv.gaussian_blur(change, sigma) / np.maximum(weight, 0.05)[..., None]
    return np.where(usable[..., None], smooth, 0).astype(np.float32)


def _noise(smooth: Float32Array, far: BoolArray) -> float:
    values = np.abs(smooth[far])
    return max(_FLOOR, 1.48 * float(np.median(values))) if len(values) > 100 else 2 * _FLOOR


def _gradient(picture: Float32Array) -> Float32Array:
    luma = opencv.gaussian_blur(picture @ encoding.LUMA, 0.8)
    down, across = np.gradient(luma)
    return np.asarray(np.hypot(down, across), np.float32)


def _texture(own: Float32Array, expected: Expected, usable: BoolArray) -> Float32Array:
    weight = usable.astype(np.float32)
    total = np.maximum(opencv.box_blur(weight, 7), 1e-3)
    difference = (own @ encoding.LUMA) * weight - (expected.picture @ encoding.LUMA) * weight
    mean = opencv.box_blur(difference, 7) / total
    varied = np.maximum(opencv.box_blur(difference * difference, 7) / total - mean * mean, 0)
    return np.asarray(varied / (varied + mean * mean + 2e-5), np.float32)
