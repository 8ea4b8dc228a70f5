"""Propagation on arrays in memory: the same engine without files, for scripts and measurements."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.engines.interface import EngineRequest, Monitor, ShotFrame
from void_engine.errors import MatteError, PlateError
from void_engine.propagation.engine import PropagationEngine


class SilentMonitor:
    """A monitor that discards all reports and never cancels."""

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        pass

    def preview(self, frame: int, picture: Float32Array) -> None:
        pass

    def log(self, message: str) -> None:
        pass

    def check_cancelled(self) -> None:
        pass


class ArrayShot:
    """A shot source over arrays: plate (T, H, W, 3) and matte (T, H, W), with frames numbered from 0."""

    def __init__(self, plate: Float32Array, matte: Float32Array) -> None:
        self._plate = plate
        self._matte = matte

    @property
    def frame_numbers(self) -> range:
        return range(len(self._plate))

    @property
    def height(self) -> int:
        return int(self._plate.shape[1])

    @property
    def width(self) -> int:
        return int(self._plate.shape[2])

    @property
    def pixel_aspect(self) -> float:
        return 1.0

    def frame(self, number: int) -> ShotFrame:
        if number not in self.frame_numbers:
            raise KeyError(number)
        matte = self._matte[number]
        replaced = (matte > 0).astype(np.float32)
        quadmask = np.where(matte >= 0.5, 0, 255).astype(np.uint8)
        return ShotFrame(number, self._plate[number], matte, np.zeros_like(matte), replaced, quadmask)

    def anchor(self, number: int) -> Float32Array | None:
        return None


def checked_shot(plate: Float32Array, matte: Float32Array) -> ArrayShot:
    """The shot of a plate (T, H, W, 3) and a matte (T, H, W) that a caller has given.

    Raises:
        PlateError: when the plate has another shape.
        MatteError: when the matte has another shape or is not within 0..1.
    """
    if plate.ndim != 4 or plate.shape[3] != 3:
        raise PlateError(f"The plate must be (frames, rows, columns, 3), not {plate.shape}.")
    if matte.shape != plate.shape[:3]:
        raise MatteError(f"The matte must be {plate.shape[:3]} like the plate, not {matte.shape}.")
    if matte.size and not (np.isfinite(matte).all() and float(matte.min()) >= 0 and float(matte.max()) <= 1):
        raise MatteError("The matte must be finite and within 0..1.")
    return ArrayShot(np.asarray(plate, np.float32), np.asarray(matte, np.float32))


def remove_object(
    plate: Float32Array, matte: Float32Array, *, seed: int = 42, monitor: Monitor | None = None
) -> Float32Array:
    """Make a clean plate: replace everything under the matte by background.

    Args:
        plate: (T, H, W, 3) scene-linear RGB; values above 1 and below 0 are real.
        matte: (T, H, W) in 0..1: how far the object covers each pixel.
        seed: the seed of synthesis and grain; the same seed gives the same pixels.
        monitor: receives progress and may cancel; None for neither.

    Returns:
        (T, H, W, 3) float32; bit-exact the plate wherever the matte is 0.

    Raises:
        PlateError: when the plate has another shape.
        MatteError: when the matte has another shape or is not within 0..1.
    """
    shot = checked_shot(plate, matte)
    clean = np.array(plate, np.float32, copy=True)
    for frame in PropagationEngine().remove(shot, EngineRequest(seed=seed), monitor or SilentMonitor()):
        hidden = matte[frame.number] > 0
        clean[frame.number][hidden] = frame.picture[hidden]
    return clean
