"""How many latents a clip is to the model: counting alone, without PyTorch."""

from __future__ import annotations

TEMPORAL_COMPRESSION = 4
SPATIAL_COMPRESSION = 8
# The transformer folds two latent frames into one token, so the number of latent frames must be even.
TEMPORAL_PATCH = 2


def latent_frames(frames: int) -> int:
    """Latent frames of ``frames`` pixel frames: the first stands alone, then four go into one."""
    return (frames - 1) // TEMPORAL_COMPRESSION + 1


def pixel_frames(latents: int) -> int:
    """Pixel frames that ``latents`` latent frames decode to."""
    return (latents - 1) * TEMPORAL_COMPRESSION + 1
