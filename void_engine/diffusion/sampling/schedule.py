"""The noise schedule: the timesteps that a denoising run visits, and the step between two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import CogVideoXDDIMScheduler, DDIMScheduler

SCHEDULERS: Mapping[str, Any] = {
    "DDIMScheduler": DDIMScheduler,
    "CogVideoXDDIMScheduler": CogVideoXDDIMScheduler,
}
# The published scripts build these for the two passes. With the real configuration both give the same steps.
PASS_SCHEDULERS = {1: "DDIMScheduler", 2: "CogVideoXDDIMScheduler"}


class NoiseSchedule:
    """The timesteps of one denoising run and the deterministic DDIM step (eta 0) between them.

    diffusers steps from t to ``t - 1000 // N``, which for N that does not divide 1000 is not the timestep
    that the next call uses: with 30 steps ten transitions are one off. ``exact_transitions`` steps to the
    timestep that is visited next; without it the step is diffusers' own, as published.
    """

    def __init__(self, scheduler: Any, steps: int, *, exact_transitions: bool) -> None:
        scheduler.set_timesteps(steps)
        self._scheduler = scheduler
        self._exact = exact_transitions
        self.timesteps: list[int] = [int(t) for t in scheduler.timesteps]

    @classmethod
    def from_config(
        cls, name: str, config: Mapping[str, Any], steps: int, *, exact_transitions: bool
    ) -> NoiseSchedule:
        """Make the schedule of the scheduler ``name`` from the base model's scheduler configuration.

        Args:
            name: one of :data:`SCHEDULERS`.
            config: the scheduler's configuration.
            steps: number of denoising steps.
            exact_transitions: whether steps end exactly at the next timestep that is visited.
        """
        own = {key: value for key, value in config.items() if not key.startswith("_")}
        if name == "DDIMScheduler":
            own.pop("snr_shift_scale", None)  # Only CogVideoX's scheduler has it; 1.0 does not shift.
        return cls(SCHEDULERS[name](**own), steps, exact_transitions=exact_transitions)

    @property
    def alphas_cumprod(self) -> torch.Tensor:
        """The signal's share of the variance at each training timestep, (1000,)."""
        alphas: torch.Tensor = self._scheduler.alphas_cumprod
        return alphas

    def step(self, index: int, velocity: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
        """Compute the latents after step ``index``, float32, from those before it and the predicted v."""
        velocity = velocity.float()
        if not self._exact:
            # The sample keeps its type: published VOID rounds what is left of 16-bit latents to 16 bits.
            previous: torch.Tensor = self._scheduler.step(
                velocity, self.timesteps[index], sample, return_dict=False
            )[0]
            return previous.float()
        sample = sample.float()
        following = index + 1
        alpha = self._alpha(index)
        alpha_next = self._alpha(following) if following < len(self.timesteps) else 1.0
        clean = math.sqrt(alpha) * sample - math.sqrt(1 - alpha) * velocity
        noise = math.sqrt(alpha) * velocity + math.sqrt(1 - alpha) * sample
        return math.sqrt(alpha_next) * clean + math.sqrt(1 - alpha_next) * noise

    def clean(self, index: int, velocity: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
        """Compute the clean latents that the predicted v of step ``index`` implies, float32."""
        alpha = self._alpha(index)
        return math.sqrt(alpha) * sample.float() - math.sqrt(1 - alpha) * velocity.float()

    def _alpha(self, index: int) -> float:
        return float(self._scheduler.alphas_cumprod[self.timesteps[index]])
