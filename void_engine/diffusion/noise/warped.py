"""Warped noise, which moves with the picture and stays Gaussian.

The method is that of Burgert et al., "Go-with-the-Flow: Motion-Controllable Video Diffusion Models Using
Real-Time Warped Noise" (CVPR 2025). Each pixel of a fine grid has noise values and a density. Both are moved
along the optical flow, gathered where pixels meet, shared out with fresh zero-sum noise where they part, and
reduced to the latent grid by a sum that keeps the variance at one.

It differs from the published program in three points: the fine grid is the model's own picture (8 x 8 pixels
for a latent cell); the fraction of a pixel that rounding leaves is kept for the next frame, so that slow
motion is not lost; and there is one noise frame for each latent frame.
"""

from __future__ import annotations

import numpy as np
import torch

from void_engine.arrays import Float32Array
from void_engine.diffusion.framing import SPATIAL_COMPRESSION, TEMPORAL_COMPRESSION
from void_engine.diffusion.model.optical_flow import DenseInverseSearch, OpticalFlow
from void_engine.diffusion.noise.seeded import generator

CHANNELS = 16
"""The number of latent channels."""
# Every step pulls the densities this far back to 1, so that no pixel dominates its cell for ever.
_DENSITY_DRIFT = 0.02


class CarriedNoise:
    """The noise on the fine grid, which is moved from frame to frame."""

    def __init__(self, seed: int, height: int, width: int, channels: int = CHANNELS) -> None:
        """Start with a frame of fresh noise on ``height`` x ``width`` pixels."""
        self._seed, self._frame = seed, 0
        self._height, self._width = height, width
        self._noise = torch.randn(height * width, channels, generator=generator(seed, "warp", 0))
        self._density = torch.ones(height * width)
        self._rest = torch.zeros(height * width, 2)

    @property
    def fine(self) -> torch.Tensor:
        """The noise on the fine grid, (C, H, W)."""
        return self._noise.T.reshape(-1, self._height, self._width)

    def move(self, flow: Float32Array) -> None:
        """Move the noise along the flow, (H, W, 2) pixels to the right and down, to the next frame."""
        self._frame += 1
        draw = generator(self._seed, "warp", self._frame)
        count = self._height * self._width
        motion = torch.from_numpy(np.ascontiguousarray(flow)).reshape(count, 2).float()
        here = self._positions()
        wanted = motion + self._rest
        shift = _nearest(wanted)
        reached, target = self._inside(here + shift)
        source = torch.arange(count)[reached]
        rest = (wanted - shift)[reached]

        # A pixel that no other reaches takes its noise from where its own flow comes from.
        hit = torch.zeros(count, dtype=torch.bool)
        hit[target] = True
        empty = torch.arange(count)[~hit]
        found, origin = self._inside(here[empty] - _nearest(motion[empty]))
        source = torch.cat([source, origin])
        target = torch.cat([target, empty[found]])
        rest = torch.cat([rest, torch.zeros(int(found.sum()), 2)])

        values, density = self._shared(source, draw)
        self._gather(target, values, density, rest, draw)

    def reduced(self) -> torch.Tensor:
        """The noise on the latent grid, (C, H // 8, W // 8), of unit variance whatever the densities."""
        cell = SPATIAL_COMPRESSION
        rows, columns = self._height // cell, self._width // cell
        density = self._density.reshape(rows, cell, columns, cell)
        weighted = (self._noise * self._density[:, None]).T.reshape(-1, rows, cell, columns, cell)
        total: torch.Tensor = weighted.sum(dim=(2, 4)) / (density**2).sum(dim=(1, 3)).sqrt()
        return total

    def _positions(self) -> torch.Tensor:
        rows, columns = torch.meshgrid(torch.arange(self._height), torch.arange(self._width), indexing="ij")
        return torch.stack([columns.reshape(-1), rows.reshape(-1)], dim=1).float()

    def _inside(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A mask of the positions (x, y) that are on the grid, and the indices of these."""
        x, y = positions[:, 0], positions[:, 1]
        inside = (x >= 0) & (x < self._width) & (y >= 0) & (y < self._height)
        index = y[inside].long() * self._width + x[inside].long()
        return inside, index

    def _shared(self, source: torch.Tensor, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """The noise and the density that each use of a source gets, independent and of unit variance."""
        uses = torch.bincount(source, minlength=self._noise.shape[0]).float()
        share = uses[source]
        values = self._noise[source] / share.sqrt()[:, None]
        split = share > 1
        if bool(split.any()):
            parents = source[split]
            fresh = torch.randn(parents.shape[0], values.shape[1], generator=draw)
            sums = torch.zeros_like(self._noise).index_add_(0, parents, fresh)
            values[split] += fresh - sums[parents] / share[split][:, None]
        return values, self._density[source] / share

    def _gather(
        self,
        target: torch.Tensor,
        values: torch.Tensor,
        density: torch.Tensor,
        rest: torch.Tensor,
        draw: torch.Generator,
    ) -> None:
        """Add up the noise that meets in each target to unit variance, and fill the rest with fresh noise."""
        weighted = torch.zeros_like(self._noise).index_add_(0, target, values * density[:, None])
        squares = torch.zeros_like(self._density).index_add_(0, target, density**2)
        total = torch.zeros_like(self._density).index_add_(0, target, density)
        rests = torch.zeros_like(self._rest).index_add_(0, target, rest * density[:, None])
        filled = total > 0
        count = int((~filled).sum())
        fresh = torch.randn(count, self._noise.shape[1], generator=draw)
        self._noise = weighted / squares.sqrt().clamp(min=1e-20)[:, None]
        self._noise[~filled] = fresh
        self._rest = rests / total.clamp(min=1e-20)[:, None]
        self._density = torch.where(filled, total, torch.ones_like(total))
        self._density /= self._density.mean()
        self._density += _DENSITY_DRIFT * (1 - self._density)


def _nearest(moves: torch.Tensor) -> torch.Tensor:
    """Round to whole pixels, halves always upwards, so that neighbours that move alike stay together."""
    return torch.floor(moves + 0.5)


class NoiseOverClip:
    """Makes the warped noise of a whole clip from its frames, which are added in order."""

    def __init__(self, seed: int, height: int, width: int, flow: OpticalFlow | None = None) -> None:
        """Start the noise for a canvas of ``height`` x ``width`` pixels.

        Args:
            seed: the seed of the noise.
            height, width: the size of the frames that will be added, in pixels.
            flow: measures the motion; None for the flow without weights.
        """
        self._noise = CarriedNoise(seed, height, width)
        self._flow = flow or DenseInverseSearch()
        self._before: Float32Array | None = None
        self._count = 0
        self._latents: list[torch.Tensor] = []

    def add(self, picture: Float32Array) -> None:
        """Add the next frame, (H, W, 3) codes in 0..1.

        The first frame makes a latent frame, and so does every fourth frame after it.
        """
        if self._before is not None:
            self._noise.move(self._flow.between(self._before, picture))
        if self._count % TEMPORAL_COMPRESSION == 0:
            self._latents.append(self._noise.reduced())
        self._before = picture
        self._count += 1

    def latents(self) -> torch.Tensor:
        """The initial latents of the frames added so far, (1, T, 16, h, w)."""
        return torch.stack(self._latents)[None]
