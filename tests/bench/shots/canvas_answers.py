"""Simulated answers of a model: the truth as it would come from a small canvas, with a model's errors.

Each kind of degradation is another guess at what a real model does; a method that is tuned on one of them
must not fail on the others. All work on display codes, as such models do.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tests.bench.propagation_metrics import display
from void_engine.arrays import Float32Array
from void_engine.colour import srgb

_NOISE = 0.006
_DRIFT = 0.015
_GROUP = 4


def from_display(code: Float32Array) -> Float32Array:
    """The inverse of :func:`tests.bench.propagation_metrics.display` at and above 0."""
    low = srgb.decode(np.clip(code, 0, 1))
    return np.where(code <= 1, low, np.exp(np.maximum(code - 1, 0) / 0.44)).astype(np.float32)


def _blurred(picture: Float32Array, luma_px: float, chroma_px: float) -> Float32Array:
    luma = picture.mean(axis=2, keepdims=True)
    chroma = cv2.GaussianBlur(picture - luma, (0, 0), chroma_px)
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), luma_px)[..., None] + chroma, np.float32)


def _gaussian(clip: Float32Array, matte: Float32Array, generator: np.random.Generator) -> Float32Array:
    luma_px = float(generator.uniform(0.6, 0.9))
    return np.stack([_blurred(frame, luma_px, 1.5 * luma_px) for frame in clip])


def _transform_coded(clip: Float32Array, matte: Float32Array, generator: np.random.Generator) -> Float32Array:
    """Quantised coefficients of overlapping 8 x 8 cosine transforms, coarser in colour and at high
    frequencies: what a small autoencoder keeps and loses."""
    weights = 1.0 + 0.45 * np.add.outer(np.arange(8), np.arange(8))
    step = 0.02 * weights.astype(np.float32)
    out = np.zeros_like(clip)
    rows, columns = clip.shape[1:3]
    to_chroma = np.array([[0.25, 0.5, 0.25], [0.5, 0, -0.5], [-0.5, 1, -0.5]], np.float32)
    for t, frame in enumerate(clip):
        coded = frame @ to_chroma.T
        total = np.zeros_like(frame)
        for shift in (0, 4):
            padded = np.pad(coded, ((shift, 16), (shift, 16), (0, 0)), mode="edge")
            high, wide = padded.shape[0] // 8 * 8, padded.shape[1] // 8 * 8
            for channel in range(3):
                plane = padded[:high, :wide, channel].copy()
                for y in range(0, high, 8):
                    for x in range(0, wide, 8):
                        block = cv2.dct(np.ascontiguousarray(plane[y : y + 8, x : x + 8]))
                        coarse = step * (1.0 if channel == 0 else 2.5)
                        shrunk = np.sign(block) * np.maximum(np.abs(block) - 0.3 * coarse, 0)
                        plane[y : y + 8, x : x + 8] = cv2.idct(np.rint(shrunk / coarse) * coarse)
                total[..., channel] += 0.5 * plane[shift : shift + rows, shift : shift + columns]
        out[t] = total @ np.linalg.inv(to_chroma).T.astype(np.float32)
    return _gaussian(out, matte, generator) * 0.5 + out * 0.5


def _subsampled(clip: Float32Array, matte: Float32Array, generator: np.random.Generator) -> Float32Array:
    """Colour at half the resolution."""
    soft = _gaussian(clip, matte, generator)
    rows, columns = clip.shape[1:3]
    for frame in soft:
        luma = frame.mean(axis=2, keepdims=True)
        half = cv2.resize(frame - luma, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
        frame[:] = luma + cv2.resize(half, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return soft


def _ringing(clip: Float32Array, matte: Float32Array, generator: np.random.Generator) -> Float32Array:
    """At the borders of groups of four frames a ghost of the frame before, overshooting edges, a flash."""
    soft = _gaussian(clip, matte, generator)
    out = soft.copy()
    for t in range(len(soft)):
        if t % _GROUP == 0 and t:
            out[t] += 0.12 * (soft[t - 1] - soft[t]) + 0.01
        if t % _GROUP in (0, _GROUP - 1):
            out[t] += 0.35 * (soft[t] - cv2.GaussianBlur(soft[t], (0, 0), 1.5))
    return out


def _hallucinated(clip: Float32Array, matte: Float32Array, generator: np.random.Generator) -> Float32Array:
    """Inside the matte a texture of the model's own, which boils slowly, and wanders by half a pixel."""
    soft = _gaussian(clip, matte, generator)
    texture = generator.normal(0, 1, clip.shape[1:3]).astype(np.float32)
    for t, frame in enumerate(soft):
        if t % 3 == 0:
            texture = 0.8 * texture + 0.6 * generator.normal(0, 1, texture.shape).astype(np.float32)
        fine = cv2.GaussianBlur(texture, (0, 0), 1.0)
        inside = cv2.GaussianBlur((matte[t] > 0).astype(np.float32), (0, 0), 1.0)
        moved = np.array([[1, 0, 0.3 * np.sin(0.9 * t)], [0, 1, 0.3 * np.cos(0.7 * t)]], np.float32)
        shifted = cv2.warpAffine(
            frame, moved, frame.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        frame += inside[..., None] * (shifted - frame)
        frame += (inside * fine / fine.std() * 0.012)[..., None]
    return soft


DEGRADATIONS: dict[str, Callable[[Float32Array, Float32Array, np.random.Generator], Float32Array]] = {
    "gaussian": _gaussian,
    "coded": _transform_coded,
    "chroma": _subsampled,
    "ringing": _ringing,
    "textured": _hallucinated,
}
"""The kinds of degradation by name."""


def answer_for(truth: Float32Array, matte: Float32Array, kind: str, ratio: float, seed: int) -> Float32Array:
    """Simulate the answer of a model whose canvas is ``ratio`` times smaller than the truth (T, H, W, 3).

    Returns:
        (T, h, w, 3) scene-linear.
    """
    generator = np.random.default_rng([seed, 77])
    rows, columns = truth.shape[1:3]
    size = (max(8, round(columns / ratio)), max(8, round(rows / ratio)))

    def area(picture: Float32Array) -> Float32Array:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)

    clip = np.stack([area(display(frame)) for frame in truth])
    small_matte = np.stack([area((m > 0).astype(np.float32)) for m in matte])
    clip = DEGRADATIONS[kind](clip, small_matte, generator)
    phases = generator.uniform(0, 2 * np.pi, 3)
    for t, frame in enumerate(clip):
        frame *= 1 + _DRIFT * np.sin(2 * np.pi * t / 17 + phases).astype(np.float32)
        frame += cv2.GaussianBlur(
            generator.normal(0, 1, frame.shape).astype(np.float32), (0, 0), 0.6
        ) * np.float32(_NOISE / 0.47)
    return from_display(clip)
