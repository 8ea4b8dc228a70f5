"""Plate detail on arrays in memory, for scripts and measurements."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.shot import restored_frames
from void_engine.engines.interface import EngineRequest, Monitor
from void_engine.errors import PlateError
from void_engine.propagation.in_memory import SilentMonitor, checked_shot


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
    shot = checked_shot(plate, matte)
    if answer.ndim != 4 or answer.shape[0] != plate.shape[0] or answer.shape[3] != 3:
        raise PlateError(
            f"The answer must be ({plate.shape[0]}, rows, columns, 3), a frame for each of the plate's, not "
            f"{answer.shape}."
        )
    result = np.array(plate, np.float32, copy=True)
    if not (matte > 0).any():
        return result
    frames = restored_frames(
        shot,
        shot.frame_numbers,
        lambda number: np.asarray(answer[number], np.float32),
        (answer.shape[1], answer.shape[2]),
        EngineRequest(seed=seed),
        monitor or SilentMonitor(),
    )
    for clean in frames:
        result[clean.number] = clean.picture
    return result
