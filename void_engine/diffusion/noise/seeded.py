"""Seeded noise: each purpose and each frame draws from a generator of its own on the CPU.

So no value depends on the order of the work, the length of the shot or the device.
"""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A CPU generator for one purpose and one index of one seed."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:7], "little"))


def initial_noise(seed: int, latents: int, height: int, width: int) -> torch.Tensor:
    """The initial noise, (1, T, 16, h, w), drawn for every latent frame by itself."""
    frames = [
        torch.randn(16, height, width, generator=generator(seed, "initial", index))
        for index in range(latents)
    ]
    return torch.stack(frames)[None]


def initial_noise_as_published(seed: int, latents: int, height: int, width: int) -> torch.Tensor:
    """Draw the initial noise from one generator, as upstream does it on a CPU."""
    return torch.randn(1, latents, 16, height, width, generator=torch.Generator("cpu").manual_seed(seed))


def condition_noise(seed: int, start: int, stop: int, height: int, width: int) -> torch.Tensor:
    """The noise for the plate of the condition, (1, 3, f, H, W), in padded frames ``start`` to ``stop``."""
    frames = [
        torch.randn(3, height, width, generator=generator(seed, "condition", index))
        for index in range(start, stop)
    ]
    return torch.stack(frames, dim=1)[None]
