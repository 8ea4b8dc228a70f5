"""What the published program does with its windows and steps, told once more in plain loops.

Nothing here comes from the engine: the networks are diffusers' own classes, and everything between their
calls is plain arithmetic. The tests compare it with the engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers.models.embeddings import get_3d_rotary_pos_embed


def calls(latents: int, window_frames: int, overlap_frames: int) -> list[tuple[int, int]]:
    """The half-open ranges of latents that the published program shows its denoiser in one step, in order."""
    window = (window_frames - 1) // 4 + 1
    if window > 1 and window % 2 == 1:
        window -= 1
    shared = overlap_frames // 4
    if latents <= window:
        return [(0, latents)]
    ranges = []
    start = 0
    while True:
        ranges.append((start, min(start + window, latents)))
        if ranges[-1][1] == latents:
            return ranges
        start = ranges[-1][1] - shared


def shares(ranges: Sequence[tuple[int, int]], overlap_frames: int) -> list[list[float]]:
    """The weight of each latent of each call: what falls towards the next call is written last."""
    shared = overlap_frames // 4
    rows = []
    for index, (start, stop) in enumerate(ranges):
        row = [1.0] * (stop - start)
        if index > 0:
            for place in range(shared):
                row[place] = (place + 1) / (shared + 1)
        if index < len(ranges) - 1:
            for place in range(shared):
                row[len(row) - shared + place] = 1 - (place + 1) / (shared + 1)
        rows.append(row)
    return rows


def signal() -> Any:
    """The signal's share of the variance at each of the 1000 timesteps, the last of which holds none."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    root = np.sqrt(np.cumprod(1 - betas))
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2


def predicted(model: Any, noisy: Any, condition: Any, text: Any, timestep: int) -> Any:
    """One call of the denoiser; what is not a whole pair of latents gets a black one, which is dropped."""
    frames, (height, width) = noisy.shape[1], noisy.shape[-2:]
    both = torch.cat([noisy, condition], dim=2)
    if frames % 2:
        both = torch.cat([both, torch.zeros_like(both[:, :1])], dim=1)
    table = get_3d_rotary_pos_embed(
        embed_dim=64, crops_coords=None, grid_size=(height // 2, width // 2),
        temporal_size=both.shape[1] // 2, grid_type="slice", max_size=(192, 340),
    )  # fmt: skip
    with torch.no_grad():
        answer = model(
            hidden_states=both, encoder_hidden_states=text, timestep=torch.tensor([timestep]),
            image_rotary_emb=table, return_dict=False,
        )[0]  # fmt: skip
    return answer[:, :frames].double()


def denoised(
    model: Any,
    noise: Any,
    condition: Any,
    texts: Sequence[Any],
    *,
    window_frames: int,
    overlap_frames: int,
    steps: int,
    guidance: float = 1.0,
) -> Any:
    """Denoise latents (1, T, 16, h, w) as the published program does, in float64 but for the denoiser.

    Args:
        model: diffusers' CogVideoXTransformer3DModel with 48 input channels.
        noise: where denoising starts.
        condition: (1, T, 32, h, w).
        texts: the embeddings of the prompt and, with guidance, of the negative prompt.
        window_frames, overlap_frames: the window and what windows share, in pixel frames.
        steps: number of denoising steps.
        guidance: the scale of guidance, which counts above 1.
    """
    ranges = calls(noise.shape[1], window_frames, overlap_frames)
    weights = shares(ranges, overlap_frames)
    level = signal()
    now = noise.double()
    for step in range(steps):
        at = round(1000 - step * 1000 / steps) - 1
        then = at - 1000 // steps
        a, b = level[at], level[then] if then >= 0 else 1.0
        total, weight = torch.zeros_like(now), torch.zeros(now.shape[1], dtype=torch.float64)
        for (start, stop), row in zip(ranges, weights, strict=True):
            x, c = now[:, start:stop], condition[:, start:stop]
            v = predicted(model, x.float(), c, texts[0], at)
            if guidance > 1:
                without = predicted(model, x.float(), c, texts[1], at)
                v = without + guidance * (v - without)
            clean = math.sqrt(a) * x - math.sqrt(1 - a) * v
            direction = math.sqrt(a) * v + math.sqrt(1 - a) * x
            after = math.sqrt(b) * clean + math.sqrt(1 - b) * direction
            for place, share in enumerate(row):
                total[:, start + place] += share * after[:, place]
                weight[start + place] += share
        now = total / weight.view(1, -1, 1, 1, 1)
    return now
