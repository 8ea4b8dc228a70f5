"""Small pictures of what will come, without decoding: a linear map from latents to codes.

The map is fitted by least squares on this very shot, whose frames and latents are both known.
"""

from __future__ import annotations

import numpy as np
import torch

from void_engine import opencv
from void_engine.arrays import Float32Array

_MOST_LATENTS = 8
_RIDGE = 1e-3


class LatentPreview:
    """codes = [latent, 1] @ map, for 16 latent channels and three colours."""

    def __init__(self, latents: torch.Tensor, pictures: list[Float32Array]) -> None:
        """Fit the map.

        Args:
            latents: (n, 16, h, w) scaled latents of the plate.
            pictures: n frames (H, W, 3) of codes that those latents end with.
        """
        height, width = latents.shape[-2:]
        rows = latents.float().permute(0, 2, 3, 1).reshape(-1, latents.shape[1]).double()
        rows = torch.cat([rows, torch.ones(rows.shape[0], 1, dtype=torch.float64)], dim=1)
        small = [opencv.resize(picture, (height, width), opencv.AREA) for picture in pictures]
        colours = torch.from_numpy(np.stack(small)).reshape(-1, 3).double()
        square = rows.T @ rows
        square += _RIDGE * square.diagonal().mean() * torch.eye(square.shape[0], dtype=torch.float64)
        self._map = torch.linalg.solve(square, rows.T @ colours)

    def picture(self, latent: torch.Tensor) -> Float32Array:
        """(h, w, 3) codes in 0..1 of one latent frame (16, h, w)."""
        rows = latent.detach().cpu().double().permute(1, 2, 0)
        rows = torch.cat([rows, torch.ones(*rows.shape[:2], 1, dtype=torch.float64)], dim=2)
        codes: Float32Array = (rows @ self._map).clamp(0, 1).float().numpy()
        return codes


def preview_latents(count: int) -> list[int]:
    """Which latent frames of ``count`` to fit on: a few, spread over the shot."""
    return sorted({round(i * (count - 1) / max(1, _MOST_LATENTS - 1)) for i in range(_MOST_LATENTS)})
