"""Seeded noise. Each purpose and each frame draws from a generator of its own on the CPU.

So neither the order of the work, nor the length of the shot, nor the device changes a value.
"""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A CPU generator for one purpose and one index of one seed."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:7], "little"))


def initial_noise(seed: int, latents: int, height: int, width: int) -> torch.Tensor:
    """Noise to start from, (1, T, 16, h, w): every latent frame on its own."""
    frames = [
        torch.randn(16, height, width, generator=generator(seed, "initial", index))
        for index in range(latents)
    ]
    return torch.stack(frames)[None]


def initial_noise_as_published(seed: int, latents: int, height: int, width: int) -> torch.Tensor:
    """Draw the initial noise from one generator, as upstream does it on a CPU."""
    return torch.randn(1, latents, 16, height, width, generator=torch.Generator("cpu").manual_seed(seed))


def condition_noise(seed: int, start: int, stop: int, height: int, width: int) -> torch.Tensor:
    """Noise for the conditioning plate's padded frames ``start`` to ``stop``, (1, 3, f, H, W)."""
    frames = [
        torch.randn(3, height, width, generator=generator(seed, "condition", index))
        for index in range(start, stop)
    ]
    return torch.stack(frames, dim=1)[None]
