"""Small shots of known truth, drawn in a moment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Shot:
    plate: np.ndarray
    remove: np.ndarray
    truth: np.ndarray


def crossing(
    *,
    shadow: float,
    passer_by: bool = False,
    still: bool = False,
    frames: int = 14,
    push: bool = False,
    bounces: bool = False,
) -> Shot:
    """A disc crosses textured ground with its shadow below it; ``push``: it takes a box along; ``bounces``:
    it leaves the ground, where its shadow stays."""
    generator = np.random.default_rng(3)
    rows, columns = 96, 160
    ground = cv2.GaussianBlur(generator.uniform(0, 1, (rows, columns, 3)).astype(np.float32), (0, 0), 2)
    ground = 0.1 + 0.5 * (ground - ground.min()) / np.ptp(ground)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    plates, mattes, truths = [], [], []
    for t in range(frames):
        u = 0.5 if still else t / (frames - 1)
        cx = 25 + 110 * u
        cy = 48 - 28 * abs(np.sin(2 * np.pi * u)) if bounces else 48.0
        picture = ground + generator.normal(0, 0.003, ground.shape).astype(np.float32)
        without = picture.copy()
        if passer_by:
            walker = np.abs(x - (150 - 9 * t)) + np.abs(y - 30) < 12
            picture[walker] = without[walker] = (0.8, 0.2, 0.1)
        if push:
            box = (np.abs(y - 48) < 9) & (np.abs(x - 85) < 9)
            without[box] = (0.7, 0.6, 0.1)
            now = (np.abs(y - 48) < 9) & (np.abs(x - max(85.0, cx + 24)) < 9)
            picture[now] = (0.7, 0.6, 0.1)
        near = ((x - cx - 5) / 16) ** 2 + ((y - 68) / 6) ** 2
        picture = picture * (1 - shadow * np.clip(2 - 2 * near, 0, 1))[..., None]
        disc = (x - cx) ** 2 + (y - cy) ** 2 < 13**2
        changed = np.abs(picture - without).max(axis=2) > 0.03
        picture[disc] = (0.2, 0.5, 0.9)
        matte = cv2.dilate(disc.astype(np.float32), np.ones((5, 5), np.uint8))
        plates.append(picture)
        mattes.append(matte)
        truths.append(changed & (matte == 0))
    return Shot(np.stack(plates).astype(np.float32), np.stack(mattes), np.stack(truths))
