"""The denoising loop: from noise to clean latents, window by window and step by step.

It knows nothing of shots, models' files or memory; :mod:`void_engine.diffusion.sampling.denoise_pass` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from void_engine.diffusion.sampling.process_group import ProcessGroup, SingleProcess
from void_engine.diffusion.sampling.rotary import rotary_tables
from void_engine.diffusion.sampling.schedule import NoiseSchedule
from void_engine.diffusion.sampling.windows import CrossingRamps, Window

OnStep = Callable[[int, torch.Tensor], None]
"""Called with the step and the latents of the whole shot after it."""
OnPrediction = Callable[[int, int, torch.Tensor], None]
"""Called with the step, the window's index and the predicted clean latents of that window."""


def predict_velocity(
    transformer: Any,
    latents: torch.Tensor,
    condition: torch.Tensor,
    text: torch.Tensor,
    timestep: torch.Tensor,
) -> torch.Tensor:
    """Call the denoiser once.

    Args:
        transformer: diffusers' CogVideoXTransformer3DModel with 48 input channels.
        latents: (B, T, 16, h, w) noisy, scaled latents.
        condition: (B, T, 32, h, w), see :func:`~void_engine.diffusion.clip.conditioning.join_condition`.
        text: (B, S, D).
        timestep: (B,) int64.

    Returns:
        The predicted v, (B, T, 16, h, w). An odd last latent is paired with a black one, which is dropped.
    """
    frames, (height, width) = latents.shape[1], latents.shape[-2:]
    hidden = torch.cat([latents, condition], dim=2)
    odd = frames % (transformer.config.patch_size_t or 1)
    if odd:
        hidden = torch.cat([hidden, torch.zeros_like(hidden[:, :odd])], dim=1)
    velocity: torch.Tensor = transformer(
        hidden_states=hidden,
        encoder_hidden_states=text,
        timestep=timestep,
        image_rotary_emb=rotary_tables(transformer.config, frames, height, width, hidden.device),
        return_dict=False,
    )[0]
    return velocity[:, :frames]


@dataclass(frozen=True, slots=True)
class Denoiser:
    """The denoising transformer, and the device and type in which it computes."""

    transformer: Any
    """diffusers' CogVideoXTransformer3DModel with 48 input channels."""
    device: torch.device | str = "cpu"
    dtype: torch.dtype = torch.float32
    batches_guidance: bool = True
    """Whether both branches of guidance run in one call, as published; two calls take half the memory."""


@dataclass(frozen=True, slots=True)
class DenoiseInputs:
    """The tensors that denoising starts from: latents, condition and text embeddings."""

    latents: torch.Tensor
    """(1, T, 16, h, w): the noise, or the latents of a checkpoint, before the first step."""
    condition: torch.Tensor
    """(1, T, 32, h, w), as :func:`~void_engine.diffusion.clip.conditioning.join_condition` makes it."""
    texts: Sequence[torch.Tensor]
    """Embeddings (1, S, D) of the prompt and, where there is guidance, of the negative prompt."""

    def part(self, window: Window, denoiser: Denoiser) -> DenoiseInputs:
        """The part of a window, on the denoiser's device and in its type; texts are not moved."""
        latents, condition = (
            whole[:, window.start : window.stop].to(denoiser.device, denoiser.dtype)
            for whole in (self.latents, self.condition)
        )
        return DenoiseInputs(latents, condition, self.texts)


@dataclass(frozen=True, slots=True)
class DenoisePlan:
    """The settings of the denoising loop."""

    schedule: NoiseSchedule
    windows: Sequence[Window]
    """The windows, which together cover the T latent frames."""
    guidance: float = 1.0
    """The scale of classifier-free guidance; at 1 or less there is none."""
    first_step: int = 0
    """The step to begin with: 0, or where a checkpoint left off."""
    keep_every: int = 1
    """The number of steps between two calls of ``on_step`` with the latents of the whole shot."""
    crossing: CrossingRamps = "smaller"
    """What weighs latents on both ramps of a window."""
    latents_dtype: torch.dtype = torch.float32
    """The type of the latents between steps; published VOID keeps them in the transformer's type."""


def guided_velocity(
    denoiser: Denoiser, inputs: DenoiseInputs, guidance: float, timestep: int, *, context: str = ""
) -> torch.Tensor:
    """Predict with classifier-free guidance; without a negative prompt there is no second branch.

    Args:
        denoiser: the denoiser.
        inputs: the inputs of one window, on the denoiser's device and in its type.
        guidance: the scale of guidance.
        timestep: the training timestep, 0..999.
        context: a name for the window, by which a step cache compares a window only with itself.

    Returns:
        The predicted v, (1, T, 16, h, w) float32.
    """
    latents, condition = inputs.latents, inputs.condition
    text, *negatives = inputs.texts
    times = torch.full((1,), timestep, dtype=torch.int64, device=latents.device)

    def predict(branch: str, *arguments: torch.Tensor) -> torch.Tensor:
        with denoiser.transformer.cache_context(context + branch):
            return predict_velocity(denoiser.transformer, *arguments).float()

    if not negatives:
        return predict("", latents, condition, text, times)
    negative = negatives[0]
    if denoiser.batches_guidance:
        both = predict(
            "",
            torch.cat([latents, latents]),
            torch.cat([condition, condition]),
            torch.cat([negative, text]),
            times.expand(2),
        )
        without, with_text = both.chunk(2)
    else:
        without = predict("-", latents, condition, negative, times)
        with_text = predict("+", latents, condition, text, times)
    return without + guidance * (with_text - without)


@torch.no_grad()
def denoise(
    denoiser: Denoiser,
    plan: DenoisePlan,
    inputs: DenoiseInputs,
    *,
    group: ProcessGroup | None = None,
    on_step: OnStep | None = None,
    on_prediction: OnPrediction | None = None,
) -> torch.Tensor:
    """Denoise latents.

    Args:
        inputs: the inputs of the whole shot; the negative prompt counts only with guidance above 1.
        group: the processes that share the windows; None for this one alone.
        on_step: called with the step and the latents after it: every ``keep_every`` steps and at the end.
        on_prediction: called with the step, the window and the predicted clean latents of that window.

    Returns:
        Clean, scaled latents, (1, T, 16, h, w), in ``latents_dtype`` on the device of ``inputs.latents``.
    """
    group = group or SingleProcess()
    schedule, windows = plan.schedule, plan.windows
    used = inputs.texts if plan.guidance > 1 else inputs.texts[:1]
    texts = [text.to(denoiser.device, denoiser.dtype) for text in used]
    latents = inputs.latents.to(plan.latents_dtype)
    for step in range(plan.first_step, len(schedule.timesteps)):
        state = DenoiseInputs(latents, inputs.condition, texts)
        answers: dict[int, torch.Tensor] = {}
        with group.step():
            for index in group.own(len(windows)):
                window = windows[index]
                part = latents[:, window.start : window.stop]
                velocity = guided_velocity(
                    denoiser,
                    state.part(window, denoiser),
                    plan.guidance,
                    schedule.timesteps[step],
                    context=f"window{index}",
                ).to(part.device)
                if on_prediction is not None:
                    on_prediction(step, index, schedule.clean(step, velocity, part))
                answers[index] = schedule.step(step, velocity, part).to(plan.latents_dtype)
        latents = group.joined(windows, answers, latents, plan.crossing)
        if (step + 1) % plan.keep_every == 0 or step + 1 == len(schedule.timesteps):
            latents = group.whole(windows, latents)
            if on_step is not None:
                on_step(step, latents)
    return latents
