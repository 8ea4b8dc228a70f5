"""Restores the plate's detail on one frame: window, candidates, choice, composition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.detail import selection
from void_engine.detail.calibration import calibrate
from void_engine.detail.candidates import Place, gather
from void_engine.detail.canvas import Window
from void_engine.detail.finish import with_grain
from void_engine.detail.models import ModelFinder
from void_engine.detail.origins import Origin
from void_engine.detail.predict import predicted_band
from void_engine.detail.room import Room
from void_engine.detail.source import DetailSource
from void_engine.detail.steady import SteadyAnswers
from void_engine.geometry import Box
from void_engine.propagation import encoding

_MARGIN = 12
"""Canvas pixels around what is replaced that are worked on too."""
_NEAR = (0, -1, 1, -2, 2, -4, 4)
"""The frames, counted from a frame, in which models of it are looked for."""
_SPREAD = 4
"""In how many more frames, spread over the shot, they are looked for."""
_SURE, _FEWEST_SURE = 0.8, 60
"""The confidence from which propagation measures the model's error, and on how many canvas pixels."""
_LOWER, _TYPICAL, _MOST_WORSE = 0.25, 0.35, 3.0
"""The quantile of its misfits that is taken, what it is where the model errs as outside, and a limit."""
_RESIDUAL_PX = 1.5
_MOST_PIXELS = 4_000_000
"""How many plate pixels of windows are worked on at a time, in all frames together: each needs some hundred
bytes for its candidates."""


@dataclass(frozen=True, slots=True)
class RestoredFrame:
    """A frame of the result."""

    picture: Float32Array
    """(H, W, 3) scene-linear: the plate's own bits wherever nothing is replaced."""
    area: Box
    """The plate's pixels that :attr:`shares` cover: all that are replaced, and some around them."""
    shares: Float32Array
    """(h, w, 5) on :attr:`area`: how much of a replaced pixel is of each :class:`Origin`; 0 elsewhere."""


class Restorer:
    """Restores frames of one shot. The result for a frame does not depend on which others are asked for."""

    def __init__(self, source: DetailSource, seed: int, check: Callable[[], None]) -> None:
        """Calibrate on a sample of the shot.

        Args:
            source: the shot.
            seed: the seed of grain; the same one gives the same grain.
            check: is called every fraction of a second, and may raise to stop the work.
        """
        self._source, self._seed, self._check = source, seed, check
        self._calibration = calibrate(source, check)
        self._steady = SteadyAnswers(source, self._calibration)
        self._finder = ModelFinder(source, self._calibration, check)
        self._room = Room(_MOST_PIXELS)

    def restore(
        self, number: int, light: Float32Array, propagated: tuple[Float32Array, Float32Array]
    ) -> RestoredFrame:
        """Restore one frame.

        Args:
            number: the frame.
            light: the plate as it is, (H, W, 3).
            propagated: propagation's scene-linear picture (H, W, 3) and confidence (H, W).
        """
        frame = self._source.plate(number)
        picture = np.array(light, np.float32)
        bounds = Box.around(frame.replaced)
        if bounds.is_empty:
            return RestoredFrame(picture, bounds, np.zeros((*bounds.shape, len(Origin)), np.float32))
        window = self._source.canvas.window(self._source.canvas.around(bounds, _MARGIN))
        with self._room.taken(window.plate.width * window.plate.height, self._check):
            return self._restored(self._place(number, window), picture, propagated)

    def _restored(
        self, place: Place, picture: Float32Array, propagated: tuple[Float32Array, Float32Array]
    ) -> RestoredFrame:
        """Restore the window of a frame in its ``picture``."""
        number, frame = place.number, self._source.plate(place.number)
        self._check()
        cut = place.window.plate.slices(Box.from_shape(frame.replaced.shape))
        finite = np.nan_to_num(propagated[0][cut], posinf=0.0, neginf=0.0)
        given = (encoding.encode(finite), np.ascontiguousarray(propagated[1][cut]))
        place = _as_propagation_tells(place, given)
        flows = self._steady.flows(number, place.window.canvas)
        candidates = gather(place, self._finder, flows, self._frames(number), given)
        self._check()
        sharpened = self._calibration.sharpened(place.steady.picture)
        enlarged = place.window.enlarge(sharpened)
        bare = self._source.reduce(place.composed(enlarged), place.window)
        labels = selection.choose(place, candidates, bare)
        full = selection.at_full_size(labels, place.window)
        self._check()
        wanted = opencv.dilate(labels[-1] > 0, opencv.square(3)) & place.inside
        made_up = np.zeros(place.replaced.shape, np.bool_)
        if wanted.any():
            band = predicted_band(place, sharpened, wanted)
            made_up = _is_made_up(place, band)
            enlarged = enlarged + band
        pictures = [*(one.picture for one in candidates), enlarged]
        origins = [*(one.origin for one in candidates), Origin.MODEL]
        result = np.zeros_like(enlarged)
        for share, one in zip(full, pictures, strict=True):
            if share.any():
                result += share[:, :, None] * one
        imagined = np.ones(full.shape[1:], np.float32)
        for share, origin in zip(full, origins, strict=True):
            if origin is Origin.PROPAGATED:
                imagined -= share
        result = self._nearer_to_the_answer(place, result, imagined)
        model = full[-1]
        if model.any():
            self._check()
            result = with_grain(place, flows, result, model, (self._seed, abs(number)))
        inside = place.replaced
        picture[cut][inside] = encoding.decode(result)[inside]
        shares = np.zeros((*inside.shape, len(Origin)), np.float32)
        for share, origin in zip(full, origins, strict=True):
            shares[inside, origin] += share[inside]
        invented = inside & made_up
        shares[invented, Origin.INVENTED] = shares[invented, Origin.MODEL]
        shares[invented, Origin.MODEL] = 0
        return RestoredFrame(picture, place.window.plate, shares)

    def _place(self, number: int, window: Window) -> Place:
        source = self._source
        frame = source.plate(number)
        cut = window.plate.slices(Box.from_shape(frame.replaced.shape))
        inside = source.covered(number)[window.canvas.slices(source.canvas.whole)] > 0
        steady = self._steady.steady(number, window.canvas, inside)
        return Place(
            number,
            window,
            np.ascontiguousarray(frame.plate[cut]),
            np.ascontiguousarray(frame.replaced[cut]),
            inside,
            steady,
            self._calibration,
            source,
            self._check,
        )

    def _frames(self, number: int) -> list[int]:
        numbers = self._source.numbers
        last = len(numbers) - 1
        spread = [numbers[round(i * last / max(1, _SPREAD - 1))] for i in range(_SPREAD)]
        near = [number + step for step in _NEAR if number + step in numbers]
        return list(dict.fromkeys([*near, *spread]))

    def _nearer_to_the_answer(self, place: Place, result: Float32Array, where: Float32Array) -> Float32Array:
        """Add what the answer clearly has more or less of than the composed picture, slowly varying."""
        residual = place.steady.picture - place.shown(place.composed(result))
        slow = opencv.gaussian_blur(residual, _RESIDUAL_PX)
        energy = opencv.gaussian_blur(np.square(slow), 2.0)
        trust = np.maximum(1.0 - 0.5 * place.steady.variance[:, :, None] / np.maximum(energy, 1e-9), 0.0)
        added = place.window.enlarge(np.asarray(slow * trust, np.float32))
        return np.asarray(result + added * where[:, :, None], np.float32)


def _is_made_up(place: Place, band: Float32Array) -> BoolArray:
    """Where a predicted band is stronger than the model's own error, (H, W)."""
    energy = place.window.reduce(np.asarray(np.square(band).mean(axis=2), np.float32))
    excess = opencv.gaussian_blur(energy, 1.0) - place.steady.variance
    return np.asarray(place.window.enlarge(excess) > 0, np.bool_)


def _as_propagation_tells(place: Place, propagated: tuple[Float32Array, Float32Array]) -> Place:
    """The place with the model's error inside the matte as confident propagation measures it.

    Most of what propagation is sure of is right, so that the lower misfits there are the model's own error,
    which is larger inside the matte than beside it.
    """
    picture, confidence = propagated
    sure = place.inside & (place.window.reduce(confidence) > _SURE)
    if int(sure.sum()) < _FEWEST_SURE:
        return place
    misfit = place.steady.misfit(place.shown(place.composed(picture)))[sure]
    worse = float(np.clip(np.quantile(misfit, _LOWER) / _TYPICAL, 1.0, _MOST_WORSE))
    steady = place.steady
    variance = np.where(place.inside, steady.variance * np.float32(worse), steady.variance)
    return replace(place, steady=replace(steady, variance=variance))
