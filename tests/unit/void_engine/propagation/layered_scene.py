"""A test scene: a fence of textured bars before a textured wall, both moving, and an object across them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from void_engine.arrays import BoolArray, Float32Array

ROWS, COLUMNS = 160, 280
PITCH_PX, BAR_PX = 40, 8


@dataclass(frozen=True)
class LayeredScene:
    """The scene's truth and plate, (T, H, W, 3) scene-linear, and its matte and bars, (T, H, W)."""

    plate: Float32Array
    truth: Float32Array
    matte: Float32Array
    bars: BoolArray
    near_px: float
    """How far the bars move to the left in each frame; the wall moves ``far_px``."""
    far_px: float


def layered_scene(
    frames: int = 7, near_px: float = 9.0, far_px: float = 3.0, grain: float = 0.003
) -> LayeredScene:
    """Make a scene whose bars move ``near_px`` to the left in each frame, and whose wall moves ``far_px``."""
    generator = np.random.default_rng(5)

    def cloth(level: float, contrast: float, grain_px: float) -> Float32Array:
        weave = cv2.GaussianBlur(
            generator.normal(0, 1, (ROWS, 4 * COLUMNS, 3)).astype(np.float32), (0, 0), grain_px
        )
        return np.asarray(level + contrast * weave / weave.std(), np.float32)

    wall, bar = cloth(0.4, 0.15, 3.0), cloth(0.3, 0.1, 2.0)
    x, y = np.meshgrid(np.arange(COLUMNS, dtype=np.float32), np.arange(ROWS, dtype=np.float32))
    truth, mattes, bars = [], [], []
    for t in range(frames):
        behind = cv2.remap(wall, x + far_px * t + COLUMNS, y, cv2.INTER_CUBIC)
        along = x + near_px * t + COLUMNS
        front = cv2.remap(bar, along, y, cv2.INTER_CUBIC)
        here = (along % PITCH_PX < BAR_PX) | (y % 60 < 8)
        picture = np.where(here[:, :, None], front, behind)
        truth.append(picture + generator.normal(0, grain, picture.shape))
        matte = np.zeros((ROWS, COLUMNS), np.float32)
        left = 30 + round(130 * t / (frames - 1))
        matte[30:120, left : left + 30] = 1
        mattes.append(matte)
        bars.append(here)
    whole, matte = np.stack(truth).astype(np.float32), np.stack(mattes)
    plate = np.where(matte[..., None] > 0, np.float32([0.9, 0.2, 0.1]), whole).astype(np.float32)
    return LayeredScene(plate, whole, matte, np.stack(bars), near_px, far_px)
