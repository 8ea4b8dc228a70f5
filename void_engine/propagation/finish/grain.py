"""Grain: measures it for each channel and brightness, and puts back what averaging took away."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.propagation.options import DEFAULT_GRAIN

_BLOCK = 8
"""Side of the blocks in which grain is measured."""
_BINS = 4
"""The most bins of brightness."""
_FEWEST_BLOCKS = 12
"""The least number of blocks in a bin."""
_FEWEST_PIXELS = 64
"""The least number of pixels in a bin when the model is corrected."""
_QUANTILE = 0.25
"""Quantile of the blocks' deviations that counts as grain; the rest is texture."""
_SMALLEST = 0.0015
"""Deviation, encoded, below which there is no grain to restore."""
HIGH_PASS_PX = 1.6
"""Blur radius of the high-pass that separates grain from the picture."""
_AROUND_PX = 4.0
"""Blur radius over which the energy of fine detail is averaged."""
_NO_GRAIN_PX = 1.2
"""Softness from which differences count as misfit or as the noise of enlarged footage, which averaging does
not visibly remove."""


@dataclass(frozen=True, slots=True)
class GrainModel:
    """The strength of the plate's grain, in encoded units, by brightness and channel."""

    centres: Float64Array
    """(B,): the encoded brightness of each bin."""
    deviation: Float64Array
    """(B, 3): the standard deviation of each channel in each bin."""
    softness_px: float
    """The Gaussian radius that gives white noise the grain's correlation between neighbours."""


def measure(plate: Float32Array, visible: BoolArray) -> GrainModel | None:
    """Measure the grain of an encoded picture (h, w, 3) in its flattest visible blocks.

    Returns:
        The grain; None when too few blocks are visible.
    """
    rows, columns = (visible.shape[0] // _BLOCK) * _BLOCK, (visible.shape[1] // _BLOCK) * _BLOCK
    if rows < 2 * _BLOCK or columns < 2 * _BLOCK:
        return None
    low = opencv.gaussian_blur(plate, HIGH_PASS_PX)
    high = plate - low

    def blocks(picture: Float32Array) -> Float32Array:
        cut = picture[:rows, :columns].reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK, -1)
        return np.asarray(
            cut.transpose(0, 2, 1, 3, 4).reshape(-1, _BLOCK * _BLOCK, cut.shape[-1]), np.float32
        )

    whole = blocks(visible.astype(np.float32)).min(axis=(1, 2)) > 0
    if int(whole.sum()) < _FEWEST_BLOCKS:
        return None
    details, means = blocks(high)[whole], blocks(low)[whole].mean(axis=(1, 2))
    deviation = details.std(axis=1)
    order = np.argsort(means)
    centres, measured = [], []
    parts = max(1, min(_BINS, len(order) // _FEWEST_BLOCKS))
    for part in np.array_split(order, parts):
        measured.append(np.quantile(deviation[part], _QUANTILE, axis=0))
        centres.append(float(means[part].mean()))
    flat = np.argsort(deviation.mean(axis=1))[: max(_FEWEST_BLOCKS, len(deviation) // 5)]
    tiles = details[flat].reshape(-1, _BLOCK, _BLOCK, 3)
    power = float(np.square(tiles).mean())
    if power < 1e-12:
        return None
    neighbour = float((tiles[:, :, 1:] * tiles[:, :, :-1]).mean()) / power
    softness = _softness(neighbour)
    return GrainModel(np.array(centres), np.array(measured) / np.sqrt(_spectrum(softness)[1]), softness)


def _softness(neighbour: float) -> float:
    """The blur radius with which high-passed noise has the correlation ``neighbour`` between neighbours."""
    candidates = [round(0.1 * step, 1) for step in range(21)]
    return min(candidates, key=lambda radius: abs(_spectrum(radius)[0] - neighbour))


@functools.lru_cache(maxsize=32)
def _spectrum(softness_px: float) -> tuple[float, float]:
    """The correlation of neighbours and the share of variance that the high-pass leaves of blurred noise.

    Both follow from the power spectra of the two Gaussians, the blur by ``softness_px`` and the high-pass.
    """
    frequency = np.fft.fftfreq(64)
    squared = frequency[:, None] ** 2 + frequency**2
    blurred = np.exp(-((2 * np.pi * softness_px) ** 2) * squared)
    passed = blurred * np.square(1.0 - np.exp(-0.5 * (2 * np.pi * HIGH_PASS_PX) ** 2 * squared))
    correlation = (passed * np.cos(2 * np.pi * frequency)).sum() / passed.sum()
    return float(correlation), float(passed.sum() / blurred.sum())


def refined(
    model: GrainModel,
    difference: Float32Array,
    brightness: Float32Array,
    known: BoolArray,
    kept_variance: Float32Array,
) -> GrainModel:
    """Correct the model by the difference of plate and fused sources, where texture cancels and grain stays.

    At each brightness the grain becomes no stronger than that difference, and takes its correlation between
    neighbours.

    Args:
        model: the grain as measured in one frame.
        difference: (h, w, 3) encoded, plate minus fused sources, high-passed as in :func:`measure`.
        brightness: (h, w) encoded.
        known: (h, w) visible pixels where the difference is valid.
        kept_variance: (h, w) in 0..1, the share of the grain's variance left in the fused sources.
    """
    sample = difference[known]
    if len(sample) < _FEWEST_PIXELS:
        return model
    both = (known[:, 1:] & known[:, :-1])[:, :, None]
    limit = 3.0 * max(float(np.median(np.abs(sample))), 1e-6)
    tame = np.clip(difference, -limit, limit)
    power = float((np.square(tame[:, 1:]) * both).sum())
    neighbour = float((tame[:, 1:] * tame[:, :-1] * both).sum()) / max(power, 1e-12)
    softness = _softness(neighbour)
    if softness >= _NO_GRAIN_PX:
        return GrainModel(model.centres, np.zeros_like(model.deviation), softness)
    passed_before, passed = _spectrum(model.softness_px)[1], _spectrum(softness)[1]
    own = 1.48 / np.sqrt(passed * (1.0 + float(np.median(kept_variance[known]))))
    light, magnitude = brightness[known], np.abs(sample)
    order = np.argsort(light)
    centres, deviations = [], []
    for part in np.array_split(order, max(1, min(_BINS, len(order) // _FEWEST_PIXELS))):
        centre = float(light[part].mean())
        flattest = [np.interp(centre, model.centres, model.deviation[:, channel]) for channel in range(3)]
        most = np.array(flattest) * np.sqrt(passed_before / passed)
        centres.append(centre)
        deviations.append(np.minimum(own * np.median(magnitude[part], axis=0), most))
    return GrainModel(np.array(centres), np.array(deviations), softness)


def restore(
    answer: Float32Array,
    model: GrainModel,
    kept_variance: Float32Array,
    hole: BoolArray,
    seed: tuple[int, int],
    strength: float = DEFAULT_GRAIN,
) -> Float32Array:
    """Add the grain that fusion took away, where its absence would be seen.

    The measure is the energy of all fine detail around a pixel, texture and grain together. On flat ground
    the grain is all there is and comes back nearly whole; where texture drowns it nothing is added.

    Args:
        answer: (h, w, 3) encoded.
        model: the plate's grain.
        kept_variance: (h, w) in 0..1, the share of the grain's variance still in the answer.
        hole: (h, w) the pixels that get grain.
        seed: two numbers, such as the job's and the frame's; the same ones give the same grain.
        strength: deviation of fine detail to reach, relative to the plate's, 0..1.

    Returns:
        (h, w, 3) encoded.
    """
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal(answer.shape, dtype=np.float32)
    if model.softness_px > 0.3:
        noise = opencv.gaussian_blur(noise, model.softness_px)
        noise /= max(float(noise.std()), 1e-6)
    brightness = answer.mean(axis=2)
    passed = np.float32(_spectrum(model.softness_px)[1])
    high = answer - opencv.gaussian_blur(answer, HIGH_PASS_PX)
    energy = opencv.gaussian_blur(np.square(high), _AROUND_PX)
    grained = answer.copy()
    for channel in range(3):
        deviation = np.interp(brightness, model.centres, model.deviation[:, channel]).astype(np.float32)
        grain_energy = np.square(np.where(deviation > _SMALLEST, deviation, np.float32(0.0))) * passed
        there = energy[:, :, channel]
        texture = np.maximum(there - kept_variance * grain_energy, np.float32(0.0))
        missing = np.float32(strength**2) * (texture + grain_energy) - there
        missing = np.where(hole, np.clip(missing, 0.0, grain_energy), np.float32(0.0))
        grained[:, :, channel] += noise[:, :, channel] * np.sqrt(missing / passed)
    return grained
