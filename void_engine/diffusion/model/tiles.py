"""Tiles over a latent picture, with which the VAE works in less memory, and their blending weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch

# Neighbouring tiles share this many latents, 64 pixels, farther than a border has any visible effect.
OVERLAP = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of latents, half-open."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, tensor: torch.Tensor, scale: int = 1) -> torch.Tensor:
        """Cut this tile out of a tensor whose last two axes are ``scale`` times those of the latents."""
        return tensor[..., self.top * scale : self.bottom * scale, self.left * scale : self.right * scale]


def plan_tiles(height: int, width: int, count: int) -> list[Tile]:
    """Plan ``count`` x ``count`` overlapping tiles over (h, w) latents; fewer where a side is too short."""
    rows, columns = _spans(height, count), _spans(width, count)
    return [Tile(top, bottom, left, right) for top, bottom in rows for left, right in columns]


def _spans(size: int, count: int) -> list[tuple[int, int]]:
    count = max(1, min(count, size // (2 * OVERLAP)))
    edges = [round(size * index / count) for index in range(count + 1)]
    half = OVERLAP // 2
    return [(max(0, start - half), min(size, stop + half)) for start, stop in pairwise(edges)]


def tile_weights(tiles: list[Tile], scale: int = 1) -> list[torch.Tensor]:
    """The blending weights of each tile's pixels, float32, at ``scale`` pixels a latent; they sum to 1."""
    height, width = max(tile.bottom for tile in tiles) * scale, max(tile.right for tile in tiles) * scale
    total = torch.zeros(height, width)
    shares = []
    for tile in tiles:
        vertical = _ramp(tile.top * scale, tile.bottom * scale, height, OVERLAP * scale)
        horizontal = _ramp(tile.left * scale, tile.right * scale, width, OVERLAP * scale)
        shares.append(vertical[:, None] * horizontal[None, :])
        tile.cut(total, scale).add_(shares[-1])
    return [share / tile.cut(total, scale) for tile, share in zip(tiles, shares, strict=True)]


def _ramp(start: int, stop: int, size: int, overlap: int) -> torch.Tensor:
    """Weights along one side: 1 inside, falling linearly over the overlap towards inner borders."""
    position = torch.arange(start, stop, dtype=torch.float32) + 0.5
    weight = torch.ones(stop - start)
    if start > 0:
        weight = torch.minimum(weight, (position - start) / overlap)
    if stop < size:
        weight = torch.minimum(weight, (stop - position) / overlap)
    return weight
