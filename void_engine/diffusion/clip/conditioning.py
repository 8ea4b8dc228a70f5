"""What the denoiser is told: which pixels go, and the plate.

The condition of VOID is two VAE codes side by side: sixteen channels of the keep-mask, then sixteen of
the plate.
"""

from __future__ import annotations

import torch

from void_engine.quadmask import AFFECTED_FROM, AFFECTED_SHARE, BINARY_ABOVE, REMOVED_ABOVE

NOISE_STRENGTH = 0.0563
"""Standard deviation of the noise that training put on the plate."""


def three_level_mask(removal: torch.Tensor) -> torch.Tensor:
    """The removal mask on the three levels of training: 1 remove, 127/255 affected, 0 keep.

    The overlap of both roles (192/255) is "remove": the model was trained so.
    """
    return torch.where(
        removal > REMOVED_ABOVE,
        1.0,
        torch.where(removal >= AFFECTED_FROM, AFFECTED_SHARE, 0.0).to(removal.dtype),
    )


def binary_mask(removal: torch.Tensor) -> torch.Tensor:
    """The removal mask as the published script of pass 2 makes it: affected pixels count as removed."""
    return (removal > BINARY_ABOVE).to(removal.dtype)


def keep_mask(mask: torch.Tensor) -> torch.Tensor:
    """What the VAE sees of the mask, in 0..1 and *not* mapped to -1..1: the model was trained so."""
    return 1.0 - mask


def blanked(video: torch.Tensor, removal: torch.Tensor) -> torch.Tensor:
    """The plate in -1..1 with the removed region black."""
    return torch.where(removal > REMOVED_ABOVE, -1.0, video)


def noised(video: torch.Tensor, noise: torch.Tensor, strength: float = NOISE_STRENGTH) -> torch.Tensor:
    """The plate in -1..1 with a little noise, as in training; pixels that are exactly -1 stay.

    Args:
        video: (B, 3, F, H, W) in -1..1.
        noise: standard normal, the video's shape.
        strength: standard deviation of what is added.
    """
    return torch.where(video == -1.0, video, video + strength * noise.to(video.dtype))


def join_condition(mask_latents: torch.Tensor, video_latents: torch.Tensor) -> torch.Tensor:
    """The denoiser's condition (B, T, 32, h, w) from scaled codes (B, 16, T, h, w): the mask comes first."""
    return torch.cat([mask_latents, video_latents], dim=1).permute(0, 2, 1, 3, 4).contiguous()
