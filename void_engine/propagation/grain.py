"""Grain: how much the plate has, for each channel and brightness; putting back what was averaged away."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from void_engine.engines.interface import Float32Array
from void_engine.propagation.working_set import BoolArray

_BLOCK = 8
_BINS = 4
_FEWEST_BLOCKS = 12
_QUANTILE = 0.25
DEFAULT_STRENGTH = 0.7
"""Deviation that is restored, as a part of the plate's. New grain is never the true grain: every bit of it
costs fidelity, and this much already keeps the patch from looking dead."""
_SMALLEST = 0.0015
_HIGH_PASS_PX = 1.6
_NO_GRAIN_PX = 1.2
"""Differences this soft are misfit, or noise of enlarged footage, which averaging does not visibly remove."""


@dataclass(frozen=True, slots=True)
class GrainModel:
    """Deviation of the plate's grain in the encoding."""

    centres: NDArray[np.float64]
    """(B,) encoded brightness."""
    deviation: NDArray[np.float64]
    """(B, 3) for each channel."""
    softness_px: float
    """Gaussian radius that gives white noise the grain's neighbour correlation."""


def measure(plate: Float32Array, visible: BoolArray) -> GrainModel | None:
    """The grain of an encoded (h, w, 3) picture from its flattest visible blocks."""
    rows, columns = (visible.shape[0] // _BLOCK) * _BLOCK, (visible.shape[1] // _BLOCK) * _BLOCK
    if rows < 2 * _BLOCK or columns < 2 * _BLOCK:
        return None
    low = np.asarray(cv2.GaussianBlur(plate, (0, 0), _HIGH_PASS_PX), np.float32)
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
    """The blur radius whose high-passed noise has the given correlation of neighbouring pixels."""
    candidates = [round(0.1 * step, 1) for step in range(21)]
    return min(candidates, key=lambda radius: abs(_spectrum(radius)[0] - neighbour))


@functools.lru_cache(maxsize=32)
def _spectrum(softness_px: float) -> tuple[float, float]:
    """What the high-pass leaves of white noise blurred by ``softness_px``: the correlation of neighbouring
    pixels, and the part of the variance. From the power spectra of both Gaussians."""
    frequency = np.fft.fftfreq(64)
    squared = frequency[:, None] ** 2 + frequency**2
    blurred = np.exp(-((2 * np.pi * softness_px) ** 2) * squared)
    passed = blurred * np.square(1.0 - np.exp(-0.5 * (2 * np.pi * _HIGH_PASS_PX) ** 2 * squared))
    correlation = (passed * np.cos(2 * np.pi * frequency)).sum() / passed.sum()
    return float(correlation), float(passed.sum() / blurred.sum())


def refined(
    model: GrainModel, difference: Float32Array, known: BoolArray, kept_variance: Float32Array
) -> GrainModel:
    """The model, corrected by what plate and fused sources differ by: texture repeats, grain does not.

    The grain becomes no stronger than that difference, and gets its neighbour correlation.

    Args:
        difference: (h, w, 3) encoded, plate minus fused sources, high-passed as in :func:`measure`.
        known: (h, w) visible pixels where it holds.
        kept_variance: (h, w) the part of the grain's variance left in the fused sources.
    """
    sample = difference[known]
    if len(sample) < 64:
        return model
    both = (known[:, 1:] & known[:, :-1])[:, :, None]
    limit = 3.0 * max(float(np.median(np.abs(sample))), 1e-6)
    tame = np.clip(difference, -limit, limit)
    power = float((np.square(tame[:, 1:]) * both).sum())
    neighbour = float((tame[:, 1:] * tame[:, :-1] * both).sum()) / max(power, 1e-12)
    softness = _softness(neighbour)
    if softness >= _NO_GRAIN_PX:
        return GrainModel(model.centres, np.zeros_like(model.deviation), softness)
    typical = 1.48 * np.median(np.abs(sample), axis=0) / np.sqrt(1.0 + float(np.median(kept_variance[known])))
    passed_before, passed = _spectrum(model.softness_px)[1], _spectrum(softness)[1]
    deviation = model.deviation * np.sqrt(passed_before / passed)
    shrink = np.minimum(1.0, typical / np.sqrt(passed) / np.maximum(np.median(deviation, axis=0), 1e-6))
    return GrainModel(model.centres, deviation * shrink, softness)


def restore(
    answer: Float32Array,
    model: GrainModel,
    kept_variance: Float32Array,
    hole: BoolArray,
    seed: tuple[int, int],
    strength: float = DEFAULT_STRENGTH,
) -> Float32Array:
    """Add the grain that fusion took away.

    Args:
        answer: (h, w, 3) encoded.
        kept_variance: (h, w) in 0..1, the part of the grain's variance still in the answer.
        hole: (h, w) where to add.
        strength: deviation to reach, as a part of the plate's, 0..1.
        seed: two numbers, such as the job's and the frame's; the same ones give the same grain.
    """
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal(answer.shape, dtype=np.float32)
    if model.softness_px > 0.3:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), model.softness_px), np.float32)
        noise /= max(float(noise.std()), 1e-6)
    brightness = answer.mean(axis=2)
    missing = np.sqrt(np.maximum(np.float32(strength**2) - kept_variance, np.float32(0.0)))
    missing = np.where(hole, missing, np.float32(0.0))
    grained = answer.copy()
    for channel in range(3):
        deviation = np.interp(brightness, model.centres, model.deviation[:, channel]).astype(np.float32)
        deviation = np.where(deviation > _SMALLEST, deviation, np.float32(0.0))
        grained[:, :, channel] += noise[:, :, channel] * deviation * missing
    return grained
