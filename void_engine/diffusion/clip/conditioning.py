"""The denoiser's condition: the arithmetic that VOID was trained with.

The condition is the latents of two pictures side by side: sixteen channels of the keep-mask, then sixteen of
the plate.
"""

from __future__ import annotations

import torch

from void_engine.quadmask import AFFECTED_FROM, AFFECTED_SHARE, BINARY_ABOVE, REMOVED_ABOVE

NOISE_STRENGTH = 0.0563
"""Standard deviation of the noise that training added to the plate."""


def three_level_mask(removal: torch.Tensor) -> torch.Tensor:
    """Reduce the removal mask to the three levels of training: 1 remove, 127/255 affected, 0 keep.

    The overlap of both roles (192/255) becomes "remove", as in training.
    """
    return torch.where(
        removal > REMOVED_ABOVE,
        1.0,
        torch.where(removal >= AFFECTED_FROM, AFFECTED_SHARE, 0.0).to(removal.dtype),
    )


def binary_mask(removal: torch.Tensor) -> torch.Tensor:
    """Reduce the removal mask to two levels as the published script of pass 2: affected counts as removed."""
    return (removal > BINARY_ABOVE).to(removal.dtype)


def keep_mask(mask: torch.Tensor) -> torch.Tensor:
    """Invert the mask for the VAE. It stays in 0..1 and is *not* mapped to -1..1, as in training."""
    return 1.0 - mask


def blanked(video: torch.Tensor, removal: torch.Tensor) -> torch.Tensor:
    """Make the removed region of the plate (in -1..1) black."""
    return torch.where(removal > REMOVED_ABOVE, -1.0, video)


def noised(video: torch.Tensor, noise: torch.Tensor, strength: float = NOISE_STRENGTH) -> torch.Tensor:
    """Add a little noise to the plate, as in training; pixels that are exactly -1 stay.

    Args:
        video: (B, 3, F, H, W) in -1..1.
        noise: standard normal noise of the video's shape.
        strength: standard deviation of the added noise.
    """
    return torch.where(video == -1.0, video, video + strength * noise.to(video.dtype))


def join_condition(mask_latents: torch.Tensor, video_latents: torch.Tensor) -> torch.Tensor:
    """Join scaled latents (B, 16, T, h, w) to the condition (B, T, 32, h, w); the mask comes first."""
    return torch.cat([mask_latents, video_latents], dim=1).permute(0, 2, 1, 3, 4).contiguous()
