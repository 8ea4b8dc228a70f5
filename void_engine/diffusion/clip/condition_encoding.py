"""The VAE codes of plate and mask for one pass, made as a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from void_engine.diffusion.clip import conditioning
from void_engine.diffusion.model.vae import ReadFrames, encode_frames, scaled

MaskLevels = Literal["three", "binary"]


@dataclass(frozen=True, slots=True)
class Conditioning:
    """How plate and mask become the denoiser's condition."""

    mask_levels: MaskLevels = "three"
    blank_removed: bool = False
    """Black out what goes (``zero_out`` upstream; off as published)."""
    noise_strength: float = 0.0
    """Standard deviation of the noise on the plate; 0.0563 in the real model."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip at the model's size, padded in time, read in ranges of frames."""

    frames: int
    video: ReadFrames
    """(1, 3, f, H, W) display-referred 0..1."""
    removal: ReadFrames
    """(1, 1, f, H, W): 1 remove, 192/255 overlap, 128/255 affected, 0 keep."""
    noise: ReadFrames | None = None
    """(1, 3, f, H, W) standard normal; needed where the conditioning's ``noise_strength`` is above 0."""


def levelled(removal: torch.Tensor, levels: MaskLevels) -> torch.Tensor:
    """The removal mask on the levels of a pass."""
    if levels == "three":
        return conditioning.three_level_mask(removal)
    return conditioning.binary_mask(removal)


def mask_pixels(clip: Clip, how: Conditioning, start: int, stop: int) -> torch.Tensor:
    """The keep-mask for the VAE, (1, 1, f, H, W)."""
    return conditioning.keep_mask(levelled(clip.removal(start, stop), how.mask_levels))


def video_pixels(clip: Clip, how: Conditioning, start: int, stop: int) -> torch.Tensor:
    """The plate for the VAE, (1, 3, f, H, W) in -1..1."""
    video = clip.video(start, stop) * 2 - 1
    if how.blank_removed:
        video = conditioning.blanked(video, clip.removal(start, stop))
    if how.noise_strength > 0:
        if clip.noise is None:
            raise ValueError("the conditioning asks for noise, and the clip brings none")
        video = conditioning.noised(video, clip.noise(start, stop), how.noise_strength)
    return video


def encode_mask(vae: Any, clip: Clip, how: Conditioning, **kwargs: Any) -> torch.Tensor:
    """Scaled code (1, 16, T, h, w) of the keep-mask; ``kwargs`` go to :func:`encode_frames`."""

    def read(start: int, stop: int) -> torch.Tensor:
        return mask_pixels(clip, how, start, stop).expand(-1, 3, -1, -1, -1)

    return scaled(encode_frames(vae, read, clip.frames, **kwargs), vae)


def encode_video(vae: Any, clip: Clip, how: Conditioning, **kwargs: Any) -> torch.Tensor:
    """Scaled code (1, 16, T, h, w) of the plate; ``kwargs`` go to :func:`encode_frames`."""

    def read(start: int, stop: int) -> torch.Tensor:
        return video_pixels(clip, how, start, stop)

    return scaled(encode_frames(vae, read, clip.frames, **kwargs), vae)
