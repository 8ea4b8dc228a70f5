"""The answer of a frame, steadied: its slow drift taken away, and averaged along its own motion.

What differs from frame to frame along that motion is the model's own temporal error; inside the matte, where
nothing else tells it, that is also how its noise there is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.detail.calibration import Calibration, local_variance
from void_engine.detail.flow import as_bytes, fine_flow, quick_flow
from void_engine.detail.source import KEPT, DetailSource
from void_engine.geometry import Box
from void_engine.propagation.memo import Memo
from void_engine.propagation.motion.flow import LEAST_SIDE, grid

_AVERAGED = (-1, 1, -2, 2, -3, 3)
"""The frames, counted from a frame, that its answer is averaged with."""
_FOLLOWED = (-1, 1, -2, 2)
"""The frames, counted from a frame, to which its answer's own motion is followed."""
_FLOW_SMOOTH_PX = 0.8
_AROUND_PX = 1.5
"""Radius, in canvas pixels, over which a neighbour's misfit is judged."""
_MOST_WORSE = 8.0
"""How many times larger than outside the model's noise inside the matte is believed to be, at most."""
_FEWEST = 200


@dataclass(frozen=True, slots=True)
class SteadyAnswer:
    """The answer of a frame within a window of the canvas."""

    picture: Float32Array
    """(h, w, 3) encoded, without drift, averaged along its motion."""
    variance: Float32Array
    """(h, w): the expected squared error against a degraded picture of the same meaning."""

    def misfit(self, shown: Float32Array) -> Float32Array:
        """The mean squared difference of a degraded picture (h, w, 3) from this one, in units of the
        variance, over a neighbourhood, (h, w)."""
        square = np.square(shown - self.picture).mean(axis=2) / self.variance
        return opencv.gaussian_blur(np.asarray(square, np.float32), 1.0)


class SteadyAnswers:
    """Steadies answers; those without drift are kept for the frames around them."""

    def __init__(self, source: DetailSource, calibration: Calibration) -> None:
        self._source, self._calibration = source, calibration
        self._level: Memo[Float32Array] = Memo(KEPT)

    def level(self, number: int) -> Float32Array:
        """The answer of a frame without its drift, (h, w, 3) encoded, on the whole canvas."""
        return self._level.get(number, self._levelled)

    def steady(self, number: int, box: Box, inside: BoolArray) -> SteadyAnswer:
        """Average the answer of a frame along its motion.

        Args:
            number: the frame.
            box: the window of the canvas.
            inside: (h, w) of the window: what is replaced.
        """
        source, calibration = self._source, self._calibration
        cut = box.slices(source.canvas.whole)
        own = self.level(number)[cut]
        noise = calibration.variance(own)
        variation = local_variance(own)
        allowed = noise + calibration.busy * variation
        total, weights = own.copy(), np.ones(own.shape[:2], np.float32)
        changes: list[Float32Array] = []
        grey = as_bytes(own)
        x, y = grid(own.shape[:2])
        for step in _AVERAGED:
            if number + step not in source.numbers or min(own.shape[:2]) < LEAST_SIDE:
                continue
            other = self.level(number + step)[cut]
            flow = quick_flow(grey, as_bytes(other))
            warped = opencv.remap(other, x + flow[..., 0], y + flow[..., 1], opencv.CUBIC)
            misfit = np.square(warped - own).mean(axis=2)
            around = opencv.gaussian_blur(misfit, _AROUND_PX)
            weight = 1.0 / (1.0 + np.square(around / (2.0 * allowed)))
            weight *= weight > 0.2
            total += weight[:, :, None] * warped
            weights += weight
            if abs(step) == 1:
                changes.append(np.asarray(misfit, np.float32))
        picture = np.asarray(total / weights[:, :, None], np.float32)
        worse = _worse_inside(changes, inside)
        error = picture - calibration.degrade(source.reduced(number))[cut]
        noise = noise * _less_by_averaging(error, source.known(number)[cut], variation, noise)
        noise = np.where(inside, noise * np.float32(worse), noise)
        return SteadyAnswer(picture, np.asarray(noise + calibration.busy * variation, np.float32))

    def flows(self, number: int, box: Box) -> dict[int, Float32Array]:
        """How the answer of a window moves to each near frame, (h, w, 2) in canvas pixels.

        The keys are counted from the frame: 1 is the next one. Frames that there are not have none, nor has a
        window that is too small.
        """
        if min(box.shape) < LEAST_SIDE:
            return {}
        cut = box.slices(self._source.canvas.whole)
        own = as_bytes(self.level(number)[cut])
        return {
            step: fine_flow(own, as_bytes(self.level(number + step)[cut]), _FLOW_SMOOTH_PX)
            for step in _FOLLOWED
            if number + step in self._source.numbers
        }

    def _levelled(self, number: int) -> Float32Array:
        answer, source = self._source.answer(number), self._source
        return answer - self._calibration.drift(answer, source.reduced(number), source.known(number))


def _worse_inside(changes: list[Float32Array], inside: BoolArray) -> float:
    """The factor by which the squared change from frame to frame is larger inside than outside."""
    if not changes or int(inside.sum()) < _FEWEST or int((~inside).sum()) < _FEWEST:
        return 1.0
    there = float(np.median([np.median(change[inside]) for change in changes]))
    beside = float(np.median([np.median(change[~inside]) for change in changes]))
    return float(np.clip(there / max(beside, 1e-9), 1.0, _MOST_WORSE))


def _less_by_averaging(
    error: Float32Array, known: BoolArray, variation: Float32Array, expected: Float32Array
) -> np.float32:
    """The factor by which the averaged answer's squared deviation beside the matte is below one frame's."""
    if int(known.sum()) < _FEWEST:
        return np.float32(1.0)
    flat = known & (variation <= np.quantile(variation[known], 0.5))
    square = np.square(error).mean(axis=2)
    return np.float32(np.clip(np.median(square[flat] / expected[flat]) / 0.8, 0.15, 2.0))
