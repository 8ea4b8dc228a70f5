"""Simple removals that the engine must beat, two spatial and two temporal ones; none of them knows motion."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tests.bench.propagation_metrics import display
from void_engine.arrays import BoolArray, Float32Array
from void_engine.colour import srgb


def _from_display(encoded: Float32Array) -> Float32Array:
    x = np.maximum(encoded, 0)
    above = np.exp((np.maximum(x, 1) - 1) / 0.44)
    return np.where(x <= 1, srgb.decode(np.minimum(x, 1)), above).astype(np.float32)


def _spatial(plate: Float32Array, matte: Float32Array, method: int) -> Float32Array:
    clean = plate.copy()
    for t in range(len(plate)):
        mask = matte[t] > 0
        if not mask.any():
            continue
        encoded = display(plate[t])
        # OpenCV's Telea rounds floats as if they were bytes, so values of 0..1 would come out wrong.
        scale = np.float32(255.0 if method == cv2.INPAINT_TELEA else 1.0)
        planes = [
            cv2.inpaint(np.ascontiguousarray(encoded[..., c] * scale), mask.astype(np.uint8), 4, method)
            for c in range(3)
        ]
        clean[t][mask] = _from_display(np.stack(planes, 2) / scale)[mask]
    return clean


def telea(plate: Float32Array, matte: Float32Array) -> Float32Array:
    return _spatial(plate, matte, cv2.INPAINT_TELEA)


def navier_stokes(plate: Float32Array, matte: Float32Array) -> Float32Array:
    return _spatial(plate, matte, cv2.INPAINT_NS)


def temporal_median(plate: Float32Array, matte: Float32Array) -> Float32Array:
    """Take the median over time of each pixel's visible values; never visible pixels are filled by Telea."""
    clean = plate.copy()
    ever = (matte <= 0).any(axis=0)
    median = np.zeros(plate.shape[1:], np.float32)
    for row in range(plate.shape[1]):
        visible = np.where((matte[:, row] <= 0)[..., None], plate[:, row], np.nan)
        known = ever[row]
        if known.any():
            median[row][known] = np.nanmedian(visible[:, known], axis=0)
    for t in range(len(plate)):
        mask = (matte[t] > 0) & ever
        clean[t][mask] = median[mask]
    return _rest(clean, (matte > 0) & ~ever)


def nearest_visible(plate: Float32Array, matte: Float32Array) -> Float32Array:
    """Take each pixel from the nearest frame in time that shows it; never visible ones are Telea's."""
    clean = plate.copy()
    left = matte > 0
    for distance in range(1, len(plate)):
        for sign in (-1, 1):
            for t in range(len(plate)):
                other = t + sign * distance
                if 0 <= other < len(plate) and left[t].any():
                    take = left[t] & (matte[other] <= 0)
                    clean[t][take] = plate[other][take]
                    left[t] &= ~take
    return _rest(clean, left)


def _rest(clean: Float32Array, left: BoolArray) -> Float32Array:
    return telea(clean, left.astype(np.float32)) if left.any() else clean


BASELINES: dict[str, Callable[[Float32Array, Float32Array], Float32Array]] = {
    "telea": telea,
    "navier-stokes": navier_stokes,
    "temporal median": temporal_median,
    "nearest visible": nearest_visible,
}
