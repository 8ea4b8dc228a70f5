"""Warped noise as published VOID stores and loads it.

Kept for the mode ``published``. The bilinear resize lowers the standard deviation to about 0.66 and the
picked frames do not fall on the latents' times; :mod:`void_engine.diffusion.warped_noise` does both right.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere

CHANNELS = 16


def load_warped_noise(stored: torch.Tensor, latents: int, height: int, width: int) -> torch.Tensor:
    """Stored noise frames as initial latents (1, T, 16, h, w) float32.

    Args:
        stored: (n, hn, wn, 16) or (n, 16, hn, wn).
        latents, height, width: T, h, w.
    """
    noise = stored.float()
    if noise.shape[1] != CHANNELS:
        noise = noise.permute(0, 3, 1, 2)
    picked = np.linspace(0, noise.shape[0] - 1, latents).astype(int)
    noise = noise[torch.from_numpy(picked)]
    if noise.shape[-2:] != (height, width):
        noise = F.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)
    return noise[None]
