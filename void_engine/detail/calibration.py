"""What the model does to a picture, measured where the truth is known: outside the matte.

The answer there should be the plate on the canvas. How it differs tells its blur (luma and colour), its slow
colour drift and its noise; the same measured inside the matte would take a change of meaning for an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.detail.source import DetailSource

_SAMPLE_FRAMES = 8
"""The most frames that are looked at."""
_RADIUS, _SHARP_RADIUS = 2, 3
"""Radii, in canvas pixels, of the kernel that blurs and of the one that sharpens."""
_GUESSED_BLUR_PX = 0.75
_FEWEST_PIXELS = 600
_MOST_PIXELS = 12_000
"""The most canvas pixels of a frame that are asked: more would take longer and tell the same."""
_LEAST_NOISE = 0.0025
"""The least deviation, encoded, that an answer is believed to have."""
_GUESSED_NOISE = 0.012
_DRIFT_SHARE = 0.12
"""Radius over which the drift is smooth, as a share of the canvas' longer side."""
_LIGHTS = 5
"""The most brightnesses at which noise is measured."""
_BOUNDS = (0.025, 0.15)
"""The least and the largest share of local variance that counts as the model's error."""

_Triple = tuple[Float32Array, Float32Array, BoolArray]
"""Two pictures of a frame, (h, w, C) encoded, and where both are to be believed, (h, w)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the model does to pictures on its canvas."""

    luma: Float32Array
    """(5, 5): the kernel that takes a reduced plate's luma to the answer's."""
    chroma: Float32Array
    sharp_luma: Float32Array
    """(7, 7): the kernel that takes an answer's luma nearest to the reduced plate's."""
    sharp_chroma: Float32Array
    lights: Float64Array
    """(B,): encoded brightnesses at which the noise was measured."""
    noise: Float64Array
    """(B,): the deviation of an answer from the degraded plate, encoded, on flat ground of each of them."""
    busy: float
    """The share of the local variance that adds to the variance of that deviation."""

    def degrade(self, reduced: Float32Array) -> Float32Array:
        """What the answer would be for a reduced picture, (h, w, 3) encoded."""
        return _filtered(reduced, self.luma, self.chroma)

    def sharpened(self, answer: Float32Array) -> Float32Array:
        """The most likely reduced picture of an answer, (h, w, 3) encoded."""
        return _filtered(answer, self.sharp_luma, self.sharp_chroma)

    def variance(self, answer: Float32Array) -> Float32Array:
        """The expected squared deviation of an answer from the degraded plate on flat ground, (h, w)."""
        light = opencv.gaussian_blur(np.asarray(answer.mean(axis=2), np.float32), 1.5)
        return np.square(np.interp(light, self.lights, self.noise)).astype(np.float32)

    def drift(self, answer: Float32Array, reduced: Float32Array, known: BoolArray) -> Float32Array:
        """The answer's slow colour error, (h, w, 3) encoded: what it is above the degraded plate."""
        return _drift(answer, self.degrade(reduced), known)


def local_variance(picture: Float32Array, radius: float = 1.5) -> Float32Array:
    """The variance around each pixel, (h, w), the mean of the channels."""
    mean = opencv.gaussian_blur(picture, radius)
    spread = opencv.gaussian_blur(np.square(picture), radius) - np.square(mean)
    return np.asarray(np.maximum(spread, 0).mean(axis=2), np.float32)


def calibrate(source: DetailSource, check: Callable[[], None] = lambda: None) -> Calibration:
    """Measure the model's blur and noise over a sample of the shot's frames.

    Whether light or codes were averaged on the way to the canvas is found out too, and told to the source.
    ``check`` is called every fraction of a second, and may raise to stop the work.
    """
    numbers = source.numbers
    count = min(_SAMPLE_FRAMES, len(numbers))
    sample = [numbers[round(i * (len(numbers) - 1) / max(1, count - 1))] for i in range(count)]
    ways: dict[bool, list[_Triple]] = {True: [], False: []}
    for number in dict.fromkeys(sample):
        check()
        known = source.known(number)
        if not known.any():
            continue
        answer = source.answer(number)
        # Few plates are held at a time, so each is reduced in both ways while it is.
        for light, triples in ways.items():
            source.averages_light = light
            triples.append((answer, source.reduced(number), known))
            check()
    in_light, misfit = _calibrated(ways[True], check)
    in_codes, other = _calibrated(ways[False], check)
    source.averages_light = not other < misfit
    return in_light if source.averages_light else in_codes


def _calibrated(pairs: list[_Triple], check: Callable[[], None]) -> tuple[Calibration, float]:
    """The calibration for answers and reduced plates, and the mean squared misfit that is left."""
    guess = _guess()
    if sum(int(known.sum()) for _, _, known in pairs) < _FEWEST_PIXELS:
        return guess, 1.0
    current = guess
    for _ in range(2):
        level = _levelled(pairs, current, check)
        luma = _fitted([(_luma(r), _luma(a), k) for a, r, k in level], guess.luma, check)
        chroma = _fitted([(_chroma(r), _chroma(a), k) for a, r, k in level], guess.chroma, check)
        current = Calibration(
            luma, chroma, guess.sharp_luma, guess.sharp_chroma, guess.lights, guess.noise, guess.busy
        )
    level = _levelled(pairs, current, check)
    sharp_luma = _fitted([(_luma(a), _luma(r), k) for a, r, k in level], guess.sharp_luma, check)
    sharp_chroma = _fitted([(_chroma(a), _chroma(r), k) for a, r, k in level], guess.sharp_chroma, check)
    errors = [(a - current.degrade(r), r, _thinned(k)) for a, r, k in level]
    check()
    lights, noise, busy = _noise(errors)
    check()
    left = float(np.mean([np.square(error[known]).mean() for error, _, known in errors]))
    return Calibration(luma, chroma, sharp_luma, sharp_chroma, lights, noise, busy), left


def _levelled(pairs: list[_Triple], current: Calibration, check: Callable[[], None]) -> list[_Triple]:
    """Answers, reduced plates and masks, each answer without its drift."""
    level = []
    for answer, reduced, known in pairs:
        check()
        level.append((answer - current.drift(answer, reduced, known), reduced, known))
    return level


def _thinned(known: BoolArray) -> BoolArray:
    """At most :data:`_MOST_PIXELS` of the pixels, evenly spread over all of them."""
    places = np.flatnonzero(known)
    if len(places) <= _MOST_PIXELS:
        return known
    thin = np.zeros(known.shape, np.bool_)
    thin.reshape(-1)[places[np.linspace(0, len(places) - 1, _MOST_PIXELS).astype(np.int64)]] = True
    return thin


def _guess() -> Calibration:
    def gaussian(radius: int, sigma: float) -> Float32Array:
        line = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / sigma))
        line /= line.sum()
        return np.asarray(np.outer(line, line), np.float32)

    same = np.zeros((2 * _SHARP_RADIUS + 1,) * 2, np.float32)
    same[_SHARP_RADIUS, _SHARP_RADIUS] = 1
    return Calibration(
        gaussian(_RADIUS, _GUESSED_BLUR_PX),
        gaussian(_RADIUS, 1.3 * _GUESSED_BLUR_PX),
        same,
        same,
        np.array([0.5]),
        np.array([_GUESSED_NOISE]),
        _BOUNDS[1],
    )


def _luma(picture: Float32Array) -> Float32Array:
    return np.asarray(picture.mean(axis=2, keepdims=True), np.float32)


def _chroma(picture: Float32Array) -> Float32Array:
    return picture - _luma(picture)


def _filtered(picture: Float32Array, luma: Float32Array, chroma: Float32Array) -> Float32Array:
    grey = np.ascontiguousarray(picture.mean(axis=2))
    colour = picture - grey[:, :, None]
    grey = cv2.filter2D(grey, -1, luma, borderType=cv2.BORDER_REPLICATE)
    colour = cv2.filter2D(colour, -1, chroma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(colour + grey[:, :, None], np.float32)


def _fitted(triples: list[_Triple], prior: Float32Array, check: Callable[[], None]) -> Float32Array:
    """The kernel that takes the first pictures nearest to the second ones, by ridge regression.

    Args:
        triples: pictures (h, w, C) before and after, and where both are to be believed.
        prior: what the kernel is drawn to where the pictures do not tell.
    """
    side = prior.shape[0]
    radius = side // 2
    normal = np.zeros((side * side, side * side), np.float64)
    right = np.zeros(side * side, np.float64)
    for before, after, known in triples:
        check()
        padded = np.pad(before, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
        rows, columns = np.nonzero(_thinned(known))
        taps = [padded[rows + y, columns + x].reshape(-1) for y in range(side) for x in range(side)]
        matrix = np.stack(taps)
        target = after[rows, columns].reshape(-1)
        mean = float(before[rows, columns].mean())
        matrix -= mean
        normal += matrix @ matrix.T
        right += matrix @ (target - mean)
    ridge = 2e-3 * float(np.trace(normal)) / len(normal) + 1e-9
    normal[np.diag_indices_from(normal)] += ridge
    kernel = np.linalg.solve(normal, right + ridge * prior.reshape(-1).astype(np.float64))
    total = float(kernel.sum())
    if not 0.7 < total < 1.3:
        return prior
    return np.asarray(kernel / total, np.float32).reshape(side, side)


def _drift(answer: Float32Array, degraded: Float32Array, known: BoolArray) -> Float32Array:
    thin = _thinned(known)
    if int(thin.sum()) < 64:
        return np.zeros_like(answer)
    # A colour drift is a gain for the model, which is not quite an offset in the encoding.
    slope = np.empty(3, np.float32)
    for channel in range(3):
        slope[channel] = _slope(degraded[..., channel][thin], answer[..., channel][thin])
    gained = (slope - 1) * degraded
    blurred = (slope - 1) * answer / slope
    difference = answer - degraded - gained
    sample = difference[thin]
    middle = np.median(sample, axis=0)
    spread = 1.48 * np.median(np.abs(sample - middle), axis=0) + 1e-4
    tame = np.clip(difference, middle - 2.5 * spread, middle + 2.5 * spread).astype(np.float32)
    weight = known.astype(np.float32)
    level = tame[thin].mean(axis=0)
    sigma = max(8.0, _DRIFT_SHARE * max(known.shape))
    # The blur is slow at this radius, so it is done on a picture of a quarter of the size.
    shape = (max(1, known.shape[0] // 4), max(1, known.shape[1] // 4))
    small = opencv.resize((tame - level) * weight[:, :, None], shape, opencv.AREA)
    small_weight = opencv.resize(weight, shape, opencv.AREA)
    total = opencv.gaussian_blur(small_weight, sigma / 4)
    field = opencv.gaussian_blur(small, sigma / 4) / (total + np.float32(0.1))[:, :, None]
    return np.asarray(opencv.resize(field, known.shape) + level + blurred, np.float32)


def _slope(before: Float32Array, after: Float32Array) -> float:
    """The gain of ``after`` over ``before``, near 1, by least squares without the largest misfits."""
    keep = np.ones(before.shape, np.bool_)
    slope = 1.0
    for _ in range(2):
        x, y = before[keep].astype(np.float64), after[keep].astype(np.float64)
        spread = float(x.var())
        # Where there is little contrast, the gain is drawn to 1 and the offset tells the rest.
        slope = (float(((x - x.mean()) * (y - y.mean())).mean()) + 1e-3) / (spread + 1e-3)
        error = np.abs(after - y.mean() - slope * (before - x.mean()))
        keep = error <= 3.0 * np.median(error) + 1e-6
    return float(np.clip(slope, 0.93, 1.07))


def _noise(triples: list[_Triple]) -> tuple[Float64Array, Float64Array, float]:
    """Brightnesses, the deviation on flat ground at each, and the share of local variance on top."""
    error = np.concatenate([np.square(e[k]).mean(axis=1) for e, _, k in triples]).astype(np.float64)
    variance = np.concatenate([local_variance(r)[k] for _, r, k in triples]).astype(np.float64)
    light = np.concatenate([r[k].mean(axis=1) for _, r, k in triples]).astype(np.float64)
    order = np.argsort(variance)
    flat = order[: 2 * len(order) // 5]
    flat = flat[np.argsort(light[flat])]
    parts = np.array_split(flat, max(1, min(_LIGHTS, len(flat) // 200)))
    lights = np.array([light[part].mean() for part in parts])
    # The median of a mean of three squares is about 0.8 of their mean.
    noise = np.array([np.sqrt(np.median(error[part]) / 0.8) for part in parts])
    noise = np.maximum(noise, _LEAST_NOISE)
    expected = np.square(np.interp(light, lights, noise))
    shares = []
    for part in np.array_split(order, 12)[-4:]:
        more = error[part] - expected[part]
        tame = more[more <= np.quantile(more, 0.95)]
        shares.append(1.15 * float(tame.mean()) / max(float(variance[part].mean()), 1e-9))
    return lights, noise, float(np.clip(np.median(shares), *_BOUNDS))
