"""What a frame would show without the object, as other frames tell in which the object is elsewhere.

Each pixel of each other frame has a vote. It counts more the farther the object was from that point of the
scene at that time, and more still from before the object came closest, because what the object moves stays
moved. A weighted median of the votes is the expected background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.effects.small_shot import SmallShot
from void_engine.propagation import encoding
from void_engine.spread import evenly_spread

MOST_SOURCES = 16
"""The most frames that vote on a frame."""
_NEAR, _FAR = 0.25, 1.6
"""Distances from the object, in its sizes, below which a vote is worth nothing and from which it is full."""
_LEAVES = 0.35
"""A vote tells about a point near the object if the object was farther away by so many sizes."""
_BEFORE = 3.0
"""How much more a vote from before the closest approach counts."""
_USUAL_FRAMES = 16.0
"""Frames this far apart in time count half."""
_MOST_SPREAD = 0.06
"""The largest difference of a vote, encoded, that counts towards the spread."""
_AGREES = 0.03
"""Votes within this, encoded, of the median agree with it, besides the noise."""


@dataclass(frozen=True, slots=True)
class Votes:
    """The votes on one frame. S sources; everything lies in the frame's own pixels."""

    numbers: list[int]
    values: Float32Array
    """(S, h, w, 3) encoded."""
    weight: Float32Array
    """(S, h, w)"""
    away: Float32Array
    """(S, h, w): the object's distance from the point then, in its sizes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected background of one frame and how well it is known."""

    picture: Float32Array
    """(h, w, 3) encoded."""
    spread: Float32Array
    """(h, w): how far the votes lie apart, as a standard deviation."""
    known: Float32Array
    """(h, w) in 0..1: how much the votes weigh together."""
    seen_away: Float32Array
    """(h, w) in 0..1: the share of the votes that show what this frame shows."""
    unrest: Float32Array
    """(h, w) in 0..1: the share of the votes, the object far away, that show something else."""
    step: Float32Array
    """(h, w) in 0..1: how surely the point changed for good when the object came closest."""


def largest(difference: Float32Array) -> Float32Array:
    """The largest magnitude of the three channels of (..., 3)."""
    size = np.abs(difference)
    # Thirty times as fast as numpy's maximum along an axis of three.
    return np.asarray(np.maximum(np.maximum(size[..., 0], size[..., 1]), size[..., 2]), np.float32)


def sources(shot: SmallShot, target: int) -> list[int]:
    """The frames that vote on ``target``: spread evenly over the shot between two cuts."""
    return evenly_spread(shot.track.segment(target), MOST_SOURCES)


def gather(shot: SmallShot, target: int) -> Votes:
    """Bring all sources to the pixels of ``target``."""
    size = shot.place.size
    values, weights, aways, numbers = [], [], [], sources(shot, target)
    still = shot.track.is_locked_off(target)
    own = shot.encoded[target]
    clear = ~shot.removed[target]
    for number in numbers:
        if number == target or still:
            value, shown, away = shot.encoded[number], ~shot.removed[number], shot.away[number]
        else:
            value, shown, away = _warped(shot, target, number)
        value = _light_matched(value, own, shown & clear & (away > 0.5 * size))
        away = away / np.float32(size)
        weight = shown * _fullness(away) / (1 + abs(number - target) / _USUAL_FRAMES)
        values.append(value)
        weights.append(weight.astype(np.float32))
        aways.append(np.where(shown, away, 0).astype(np.float32))
    return Votes(numbers, np.stack(values), np.stack(weights), np.stack(aways))


def _fullness(away: Float32Array) -> Float32Array:
    """How much a vote counts whose point is so far from the object, in the object's sizes; 0..1."""
    along = np.clip((away - _NEAR) / (_FAR - _NEAR), 0, 1)
    return np.asarray(along * along * (3 - 2 * along), np.float32)


def _warped(shot: SmallShot, target: int, number: int) -> tuple[Float32Array, BoolArray, Float32Array]:
    homography = shot.registration.refine(
        target, shot.working.analysis(number), shot.track.chained(target, number)
    )
    shape = shot.shape
    value = opencv.warp_perspective(shot.encoded[number], homography, shape)
    hidden = opencv.warp_perspective(
        shot.removed[number].astype(np.uint8) * np.uint8(255), homography, shape, 255
    )
    away = opencv.warp_perspective(shot.away[number], homography, shape)
    return value, hidden < 8, away


def _light_matched(value: Float32Array, own: Float32Array, both: BoolArray) -> Float32Array:
    """Correct for a change of exposure between two frames: the median difference, channel by channel."""
    sample = np.flatnonzero(both.reshape(-1))
    if len(sample) < 200:
        return value
    sample = sample[:: max(1, len(sample) // 3000)]
    offset = np.median(own.reshape(-1, 3)[sample] - value.reshape(-1, 3)[sample], axis=0)
    # A flicker is the same everywhere; less than noise is not corrected.
    return (
        value if np.abs(offset).max() < 0.004 else np.asarray(value + offset.astype(np.float32), np.float32)
    )


def expect(votes: Votes, own: Float32Array, away: Float32Array, target: int) -> Expected:
    """The expected background of frame ``target`` by its votes.

    Args:
        votes: of the other frames.
        own: (h, w, 3), what the frame shows.
        away: (h, w), how far the object is in it, in its sizes.
        target: the frame's number.
    """
    closest = votes.away.argmin(axis=0)
    index = np.arange(len(votes.numbers))[:, None, None]
    touched = votes.away.min(axis=0) < 1.5
    before = (index < closest) & touched
    weight = votes.weight * np.where(before, np.float32(_BEFORE), np.float32(1))
    luma = np.stack([encoding.luma(value) for value in votes.values], axis=-1)
    order = np.argsort(luma, axis=-1)
    ordered = np.take_along_axis(np.moveaxis(weight, 0, -1), order, axis=-1)
    total = ordered.sum(axis=-1)
    reached = np.cumsum(ordered, axis=-1) >= 0.5 * total[..., None]
    chosen = np.take_along_axis(order, reached.argmax(axis=-1)[..., None], axis=-1)[..., 0][None]
    middle = np.take_along_axis(votes.values, chosen[..., None], axis=0)[0]
    apart = largest(votes.values - middle)
    agree = weight * (apart < _AGREES)
    share = agree.sum(axis=0)
    picture = np.where(
        (share > 1e-6)[..., None],
        np.einsum("shw,shwc->hwc", agree, votes.values) / np.maximum(share, 1e-6)[..., None],
        middle,
    )
    held = np.maximum(total, 1e-6)
    # What passes once in a while is far off and says nothing about the noise of the rest.
    spread = np.sqrt((weight * np.minimum(apart, _MOST_SPREAD) ** 2).sum(axis=0) / held)
    plain = votes.weight.sum(axis=0)
    telling = np.maximum(np.clip((votes.away - away) / _LEAVES, 0, 1), _fullness(away))
    unrest = (votes.weight * (apart > 2 * _AGREES)).sum(axis=0) / np.maximum(plain, 1e-6)
    same = largest(votes.values - own) < largest(own - middle) * np.float32(0.5)
    seen_away = (weight * same).sum(axis=0) / np.maximum(total, 1e-6)
    return Expected(
        picture.astype(np.float32),
        spread.astype(np.float32),
        (1 - np.exp(-(votes.weight * telling).sum(axis=0))).astype(np.float32),
        seen_away.astype(np.float32),
        unrest.astype(np.float32),
        _step(votes, own, picture, closest, touched, target),
    )


def _step(
    votes: Votes,
    own: Float32Array,
    picture: Float32Array,
    closest: Float32Array,
    touched: BoolArray,
    target: int,
) -> Float32Array:
    """How surely a point showed the background before the closest approach and this frame's value after."""
    index = np.arange(len(votes.numbers))[:, None, None]
    shown = votes.away > 0.1
    contrast = largest(own - picture)
    near = np.maximum(0.5 * contrast, 0.01)
    like_before = largest(votes.values - picture) < near
    like_now = largest(votes.values - own) < near
    early, late = shown & (index < closest), shown & (index > closest)

    def share(of: BoolArray, among: BoolArray) -> Float32Array:
        count = among.sum(axis=0)
        return np.asarray(
            (of & among).sum(axis=0) / np.maximum(count, 1) * np.minimum(count / 3, 1), np.float32
        )

    after = np.array(votes.numbers)[np.minimum(closest, len(votes.numbers) - 1)] <= target
    return np.asarray(share(like_before, early) * share(like_now, late) * touched * after, np.float32)
