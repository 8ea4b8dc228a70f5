"""How a clip is fitted to the model in time and how published VOID fits it in space.

Symbols of the whole package: ``n`` frames of the shot, ``F`` padded frames, ``T = (F - 1) // 4 + 1`` latent
frames, ``H`` x ``W`` pixels of the model's canvas, ``h = H // 8``, ``w = W // 8``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere

from void_engine.diffusion.compression import TEMPORAL_COMPRESSION, TEMPORAL_PATCH, pixel_frames

PUBLISHED_WINDOW = 85
PUBLISHED_LONGEST = 197
PUBLISHED_SIZE = (384, 672)


def padded_length(frames: int, window: int, longest: int | None = None) -> int:
    """The model's length for a clip of ``frames``: an even number of latents, at least one window.

    Args:
        frames: frames of the clip.
        window: the model's temporal window in pixel frames.
        longest: published VOID stops at 197 frames; None for no limit.

    Raises:
        ValueError: for a clip without frames.
    """
    if frames < 1:
        raise ValueError(f"a clip has at least one frame, not {frames}")
    latents = -(-(frames - 1) // TEMPORAL_COMPRESSION) + 1
    latents += latents % TEMPORAL_PATCH
    padded = max(pixel_frames(latents), window)
    return padded if longest is None else min(padded, longest)


def padding_indices(frames: int, window: int, longest: int | None = None) -> list[int]:
    """Which frame of the clip each frame of the padded clip is: forwards, backwards, forwards...

    The end frames are repeated where the direction turns: 0 1 2 2 1 0 0 1 2 ...
    """
    period = list(range(frames)) + list(range(frames - 1, -1, -1))
    return [period[index % len(period)] for index in range(padded_length(frames, window, longest))]


def quantise_quadmask(levels: torch.Tensor) -> torch.Tensor:
    """Quadmask values 0..255 of any float or integer type to the loader's removal mask, float32.

    At most 31 is remove (1.0), at most 95 overlap (192/255), at most 191 affected (128/255), else keep (0.0).
    """
    values = levels.to(torch.float32)
    quantised = torch.full_like(values, 255.0)
    quantised[values <= 191] = 127.0
    quantised[values <= 95] = 63.0
    quantised[values <= 31] = 0.0
    return (255.0 - quantised) / 255.0


def load_clip_as_published(
    video: torch.Tensor,
    quadmask: torch.Tensor,
    sample_size: tuple[int, int],
    window: int,
    longest: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Published VOID's loader: every frame squashed to ``sample_size`` by area averaging, padded in time.

    Args:
        video: (n, H0, W0, 3) uint8, display-referred.
        quadmask: (n, H0, W0) uint8.
        sample_size: ``(H, W)`` of the model's frame.
        window: the temporal window in pixel frames.
        longest: frames beyond are dropped, as upstream does without saying so.

    Returns:
        The video (1, 3, F, H, W) in 0..1 and the removal mask (1, 1, F, H, W), both float32.
    """
    frames = video[:longest].permute(0, 3, 1, 2).to(torch.float32) / 255.0
    masks = quadmask[:longest, None].to(torch.float32)
    frames = F.interpolate(frames, size=sample_size, mode="area")
    removal = quantise_quadmask(F.interpolate(masks, size=sample_size, mode="area"))
    order = torch.tensor(padding_indices(frames.shape[0], window, longest))
    return (
        frames[order].permute(1, 0, 2, 3)[None].contiguous(),
        removal[order].permute(1, 0, 2, 3)[None].contiguous(),
    )
