"""Positions of the tokens, as the transformer's rotary tables."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from diffusers.models.embeddings import get_3d_rotary_pos_embed

# The largest grid of tokens the model's positions are defined for (rows, columns).
LARGEST_GRID = (192, 340)


@lru_cache(maxsize=8)
def _tables(head_dim: int, grid: tuple[int, int], positions: int) -> tuple[torch.Tensor, torch.Tensor]:
    cos, sin = get_3d_rotary_pos_embed(
        embed_dim=head_dim,
        crops_coords=None,
        grid_size=grid,
        temporal_size=positions,
        grid_type="slice",
        max_size=LARGEST_GRID,
    )
    return cos, sin


def rotary_tables(
    config: Any, latents: int, height: int, width: int, device: torch.device | str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines (tokens, head_dim) on integer positions, tokens in the order time, row, column.

    Positions restart at 0 in every temporal window.

    Args:
        config: the transformer's configuration.
        latents: latent frames of the window; an odd last one gets a position of its own.
        height, width: of the latents (h, w).

    Raises:
        ValueError: for a canvas larger than the model's grid of positions.
    """
    grid = (height // config.patch_size, width // config.patch_size)
    if grid[0] > LARGEST_GRID[0] or grid[1] > LARGEST_GRID[1]:
        raise ValueError(f"a grid of {grid} tokens is larger than the model's {LARGEST_GRID}")
    positions = -(-latents // (config.patch_size_t or 1))
    cos, sin = _tables(config.attention_head_dim, grid, positions)
    return cos.to(device), sin.to(device)
