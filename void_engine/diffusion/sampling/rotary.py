"""The rotary position embeddings of the transformer's tokens, as tables of cosines and sines."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from diffusers.models.embeddings import get_3d_rotary_pos_embed

# The model's positions are defined for grids of tokens up to this size (rows, columns).
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
    """The cosines and sines, each (tokens, head_dim), of integer positions; tokens run by time, row, column.

    Positions restart at 0 in every temporal window.

    Args:
        config: the transformer's configuration.
        latents: number of latent frames of the window; an odd last one gets a position of its own.
        height, width: the h and w of the latents.
        device: where the tables are needed.

    Raises:
        ValueError: when the canvas is larger than the model's grid of positions.
    """
    grid = (height // config.patch_size, width // config.patch_size)
    if grid[0] > LARGEST_GRID[0] or grid[1] > LARGEST_GRID[1]:
        raise ValueError(f"a grid of {grid} tokens is larger than the model's {LARGEST_GRID}")
    positions = -(-latents // (config.patch_size_t or 1))
    cos, sin = _tables(config.attention_head_dim, grid, positions)
    return cos.to(device), sin.to(device)
