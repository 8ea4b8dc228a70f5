"""Reports the progress of a pass while it runs, shows previews and keeps checkpoints."""

from __future__ import annotations

import torch

from void_engine.diffusion.clip.shot_clip import ShotClip
from void_engine.diffusion.clip.shot_preview import ShotPreview
from void_engine.diffusion.sampling.denoise_pass import Pass
from void_engine.diffusion.sampling.latent_checkpoint import Checkpoint
from void_engine.diffusion.settings import VoidSettings
from void_engine.engines.interface import Monitor

_STAGES = {1: "denoising", 2: "refining"}


class PassProgress:
    """Follows one pass over the windows of this process, by the callbacks of the denoising loop."""

    def __init__(
        self,
        how: Pass,
        own: range,
        clip: ShotClip,
        settings: VoidSettings,
        monitor: Monitor,
        *,
        preview: ShotPreview,
        checkpoint: Checkpoint,
    ) -> None:
        """Begin to follow a pass.

        Args:
            how: the settings of the pass.
            own: the indices of the windows that this process computes.
            clip: the clip that is denoised.
            settings: the settings of the engine.
            monitor: receives progress and previews.
            preview: makes the previews.
            checkpoint: keeps the latents.
        """
        self._how, self._own, self._clip = how, own, clip
        self._settings, self._monitor = settings, monitor
        self._preview, self._checkpoint = preview, checkpoint
        self._reached: tuple[int, torch.Tensor] | None = None
        self._tell(how.first_step * len(own))

    def on_prediction(self, step: int, index: int, clean: torch.Tensor) -> None:
        """Report that one step of a window is done, and show a preview every few steps."""
        window = self._how.windows[index]
        self._tell(step * len(self._own) + self._own.index(index) + 1, self._clip.first_frame(window.start))
        every = self._settings.preview_every
        if every and ((step + 1) % every == 0 or step == self._how.steps - 1):
            self._monitor.preview(*self._preview.of_window(window, clean))

    def on_step(self, step: int, latents: torch.Tensor) -> None:
        """Save the latents of the whole shot every few steps, but not after the last one."""
        self._reached = (step + 1, latents)
        every = self._settings.checkpoint_every
        if every and (step + 1) % every == 0 and step + 1 < self._how.steps:
            self.keep()

    def keep(self) -> None:
        """Save the latents that the pass has reached, if any, so that another start resumes there."""
        if self._reached is not None:
            self._checkpoint.save(*self._reached)

    def _tell(self, done: int, frame: int | None = None) -> None:
        self._monitor.progress(_STAGES[self._how.number], done, self._how.steps * len(self._own), frame)
