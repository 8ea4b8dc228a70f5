"""Plate detail on arrays in memory, for scripts and measurements."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.canvas import Canvas
from void_engine.detail.restorer import Restorer
from void_engine.detail.source import DetailSource
from void_engine.engines.interface import EngineRequest, Monitor
from void_engine.errors import MatteError, PlateError
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor


def restore_detail(
    plate: Float32Array,
    matte: Float32Array,
    answer: Float32Array,
    *,
    seed: int = 42,
    monitor: Monitor | None = None,
) -> Float32Array:
    """Give a model's low-resolution answer the plate's resolution, detail and grain.

    What the answer means is kept; real pixels of this and other frames, of objects that moved too, replace it
    where they agree with it within its own error.

    Args:
        plate: (T, H, W, 3) scene-linear RGB; values above 1 and below 0 are real.
        matte: (T, H, W) in 0..1; whatever is above 0 is replaced.
        answer: (T, h, w, 3) scene-linear RGB: what a model says the shot shows without the object. It covers
            the same area of the picture as the plate, at any lower resolution.
        seed: the seed of grain and synthesis; the same seed gives the same pixels.
        monitor: receives progress and may cancel; None for neither.

    Returns:
        (T, H, W, 3) float32; bit-exact the plate wherever the matte is 0.

    Raises:
        PlateError: when plate or answer have another shape.
        MatteError: when the matte has another shape or is not within 0..1.
    """
    if plate.ndim != 4 or plate.shape[3] != 3:
        raise PlateError(f"The plate must be (frames, rows, columns, 3), not {plate.shape}.")
    if matte.shape != plate.shape[:3]:
        raise MatteError(f"The matte must be {plate.shape[:3]} like the plate, not {matte.shape}.")
    if answer.ndim != 4 or answer.shape[0] != plate.shape[0] or answer.shape[3] != 3:
        raise PlateError(
            f"The answer must be ({plate.shape[0]}, rows, columns, 3), a frame for each of the plate's, not "
            f"{answer.shape}."
        )
    if matte.size and not (np.isfinite(matte).all() and float(matte.min()) >= 0 and float(matte.max()) <= 1):
        raise MatteError("The matte must be finite and within 0..1.")
    told = monitor or SilentMonitor()
    result = np.array(plate, np.float32, copy=True)
    if not (matte > 0).any():
        return result
    shot = ArrayShot(np.asarray(plate, np.float32), np.asarray(matte, np.float32))
    canvas = Canvas((plate.shape[1], plate.shape[2]), (answer.shape[1], answer.shape[2]))
    source = DetailSource(
        shot.frame_numbers,
        canvas,
        lambda number: (result_plate[number], matte[number]),
        lambda number: np.asarray(answer[number], np.float32),
    )
    result_plate = np.asarray(plate, np.float32)
    restorer = Restorer(source, seed, told.check_cancelled)
    if (matte > 0).all():  # Nothing of the plate is to be seen, so propagation has nothing to say.
        for number in shot.frame_numbers:
            result[number] = restorer.restore(number, result_plate[number], None).picture
        return result
    for clean in PropagationEngine().remove(shot, EngineRequest(seed=seed), told):
        confidence = np.ones(matte.shape[1:], np.float32) if clean.confidence is None else clean.confidence
        told.progress("plate detail", clean.number, len(plate), clean.number)
        restored = restorer.restore(clean.number, result_plate[clean.number], (clean.picture, confidence))
        result[clean.number] = restored.picture
    return result
