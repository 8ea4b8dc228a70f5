"""Warped noise as published VOID stores and loads it, for the mode ``published``.

Its bilinear resize lowers the standard deviation to about 0.66, and the picked frames do not fall on the
times of the latents. :mod:`void_engine.diffusion.noise.warped` avoids both faults.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.diffusion.model.optical_flow import DenseInverseSearch, OpticalFlow
from void_engine.diffusion.noise.warped import CarriedNoise

CHANNELS = 16
"""The number of latent channels."""


def load_warped_noise(stored: torch.Tensor, latents: int, height: int, width: int) -> torch.Tensor:
    """Turn stored noise frames into initial latents (1, T, 16, h, w), float32.

    Args:
        stored: (n, hn, wn, 16) or (n, 16, hn, wn).
        latents, height, width: the T, h and w of the result.
    """
    noise = stored.float()
    if noise.shape[1] != CHANNELS:
        noise = noise.permute(0, 3, 1, 2)
    picked = np.linspace(0, noise.shape[0] - 1, latents).astype(int)
    noise = noise[torch.from_numpy(picked)]
    if noise.shape[-2:] != (height, width):
        noise = F.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)
    return noise[None]


class PublishedNoise:
    """Makes noise frames over a clip as upstream does: stretched to 72 frames, cropped to 480 x 720.

    Upstream's optical flow is RAFT; where the model folder lacks it, OpenCV's flow replaces it.
    """

    FRAMES = 72
    SIZE = (480, 720)

    def __init__(self, seed: int, frames: int, flow: OpticalFlow | None = None) -> None:
        """Start the noise.

        Args:
            seed: the seed of the noise.
            frames: number of frames of the clip that will be added.
            flow: measures the motion; None for the flow without weights.
        """
        self._picks = np.linspace(0, frames - 1, self.FRAMES).astype(int)
        self._noise = CarriedNoise(seed, *self.SIZE)
        self._flow = flow or DenseInverseSearch()
        self._before: Float32Array | None = None
        self._index = 0
        self._stored: list[torch.Tensor] = []

    def add(self, picture: Float32Array) -> None:
        """Add the next frame of the clip, (H, W, 3) codes in 0..1."""
        for _ in range(int((self._picks == self._index).sum())):
            cropped = self._cropped(picture)
            if self._before is not None:
                self._noise.move(self._flow.between(self._before, cropped))
            self._stored.append(self._noise.reduced().half())
            self._before = cropped
        self._index += 1

    def stored(self) -> torch.Tensor:
        """The noise as upstream stores it, (72, 16, 60, 90) float16."""
        return torch.stack(self._stored)

    @classmethod
    def _cropped(cls, picture: Float32Array) -> Float32Array:
        height, width = cls.SIZE
        scale = max(height / picture.shape[0], width / picture.shape[1])
        covering = opencv.resize(picture, (round(picture.shape[0] * scale), round(picture.shape[1] * scale)))
        top, left = (covering.shape[0] - height) // 2, (covering.shape[1] - width) // 2
        return np.ascontiguousarray(covering[top : top + height, left : left + width])
