"""Previews without decoding: small pictures by a linear map from latents to codes.

The map is fitted by least squares on the shot itself, whose frames and latents are both known.
"""

from __future__ import annotations

import numpy as np
import torch

from void_engine import opencv
from void_engine.arrays import Float32Array

_MOST_LATENTS = 8
"""The most latent frames that the map is fitted on."""
_RIDGE = 1e-3
"""Regularisation of the least-squares fit."""


class LatentPreview:
    """The linear map ``codes = [latent, 1] @ map`` from 16 latent channels to three colours."""

    def __init__(self, latents: torch.Tensor, pictures: list[Float32Array]) -> None:
        """Fit the map.

        Args:
            latents: (n, 16, h, w) scaled latents of the plate.
            pictures: n frames (H, W, 3) of codes, the last frame of each latent.
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
        """The picture of one latent frame (16, h, w): codes (h, w, 3) in 0..1."""
        rows = latent.detach().cpu().double().permute(1, 2, 0)
        rows = torch.cat([rows, torch.ones(*rows.shape[:2], 1, dtype=torch.float64)], dim=2)
        codes: Float32Array = (rows @ self._map).clamp(0, 1).float().numpy()
        return codes


def preview_latents(count: int) -> list[int]:
    """The indices of a few of ``count`` latent frames, spread over the shot, to fit the map on."""
    return sorted({round(i * (count - 1) / max(1, _MOST_LATENTS - 1)) for i in range(_MOST_LATENTS)})
