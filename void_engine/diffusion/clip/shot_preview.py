"""Previews of a shot while its latents are being denoised."""

from __future__ import annotations

import torch

from void_engine.arrays import Float32Array
from void_engine.diffusion.clip.shot_clip import ShotClip
from void_engine.diffusion.framing import latent_frames
from void_engine.diffusion.sampling.latent_preview import LatentPreview, preview_latents
from void_engine.diffusion.sampling.windows import Window


class ShotPreview:
    """Makes previews of a clip's windows. The map that they need is fitted when the first is asked for."""

    def __init__(self, clip: ShotClip, video: torch.Tensor) -> None:
        """Prepare previews of ``clip``; ``video`` are the plate's scaled latents, (1, 16, T, h, w)."""
        self._clip, self._video = clip, video
        self._preview: LatentPreview | None = None

    def of_window(self, window: Window, clean: torch.Tensor) -> tuple[int, Float32Array]:
        """Make a preview of the middle of a window, as far as the window lies within the shot.

        Args:
            clean: the window's predicted clean latents, (1, length, 16, h, w).

        Returns:
            The frame's number and its scene-linear picture, (h, w, 3).
        """
        clip = self._clip
        last = latent_frames(clip.covered) - 1
        middle = min(clean.shape[1] // 2, max(0, last - window.start))
        codes = self._fitted().picture(clean[0, middle])
        frame = clip.last_index(window.start + middle)
        return clip.shot.frame_numbers[frame], clip.picture.decode(codes)

    def _fitted(self) -> LatentPreview:
        if self._preview is None:
            chosen = preview_latents(self._video.shape[2])
            pictures = [self._clip.canvas_frame(self._clip.last_index(latent)).code for latent in chosen]
            self._preview = LatentPreview(self._video[0, :, chosen].permute(1, 0, 2, 3), pictures)
        return self._preview
