"""Encodes plate and mask by the VAE for one pass, as a stream over the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from void_engine.diffusion.clip import conditioning
from void_engine.diffusion.model.vae import ReadFrames, encode_frames, scaled

MaskLevels = Literal["three", "binary"]


@dataclass(frozen=True, slots=True)
class Conditioning:
    """The settings by which plate and mask become the denoiser's condition."""

    mask_levels: MaskLevels = "three"
    blank_removed: bool = False
    """Whether removed pixels are black in the plate (``zero_out`` upstream; off as published)."""
    noise_strength: float = 0.0
    """Standard deviation of the noise that is added to the plate; 0.0563 as published."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip at the model's size, padded in time, which is read in ranges of frames."""

    frames: int
    video: ReadFrames
    """Reads the picture, (1, 3, f, H, W) display-referred in 0..1."""
    removal: ReadFrames
    """Reads the removal mask, (1, 1, f, H, W): 1 remove, 192/255 overlap, 128/255 affected, 0 keep."""
    noise: ReadFrames | None = None
    """Reads standard normal noise, (1, 3, f, H, W); needed when ``noise_strength`` is above 0."""


def levelled(removal: torch.Tensor, levels: MaskLevels) -> torch.Tensor:
    """Reduce the removal mask to the levels of a pass."""
    if levels == "three":
        return conditioning.three_level_mask(removal)
    return conditioning.binary_mask(removal)


def mask_pixels(clip: Clip, how: Conditioning, start: int, stop: int) -> torch.Tensor:
    """The keep-mask that the VAE encodes, (1, 1, f, H, W), of the frames ``start`` to ``stop``."""
    return conditioning.keep_mask(levelled(clip.removal(start, stop), how.mask_levels))


def video_pixels(clip: Clip, how: Conditioning, start: int, stop: int) -> torch.Tensor:
    """The plate that the VAE encodes, (1, 3, f, H, W) in -1..1, of the frames ``start`` to ``stop``."""
    video = clip.video(start, stop) * 2 - 1
    if how.blank_removed:
        video = conditioning.blanked(video, clip.removal(start, stop))
    if how.noise_strength > 0:
        if clip.noise is None:
            raise ValueError("the conditioning asks for noise, and the clip brings none")
        video = conditioning.noised(video, clip.noise(start, stop), how.noise_strength)
    return video


def encode_mask(vae: Any, clip: Clip, how: Conditioning, **kwargs: Any) -> torch.Tensor:
    """The scaled latents (1, 16, T, h, w) of the keep-mask; ``kwargs`` go to :func:`encode_frames`."""

    def read(start: int, stop: int) -> torch.Tensor:
        return mask_pixels(clip, how, start, stop).expand(-1, 3, -1, -1, -1)

    return scaled(encode_frames(vae, read, clip.frames, **kwargs), vae)


def encode_video(vae: Any, clip: Clip, how: Conditioning, **kwargs: Any) -> torch.Tensor:
    """The scaled latents (1, 16, T, h, w) of the plate; ``kwargs`` go to :func:`encode_frames`."""

    def read(start: int, stop: int) -> torch.Tensor:
        return video_pixels(clip, how, start, stop)

    return scaled(encode_frames(vae, read, clip.frames, **kwargs), vae)
