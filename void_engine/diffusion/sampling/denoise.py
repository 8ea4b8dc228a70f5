"""The denoising loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from void_engine.diffusion.sampling.process_group import ProcessGroup, SingleProcess
from void_engine.diffusion.sampling.rotary import rotary_tables
from void_engine.diffusion.sampling.schedule import NoiseSchedule
from void_engine.diffusion.sampling.windows import Window

OnStep = Callable[[int, torch.Tensor], None]
OnPrediction = Callable[[int, int, torch.Tensor], None]


def predict_velocity(
    transformer: Any,
    latents: torch.Tensor,
    condition: torch.Tensor,
    text: torch.Tensor,
    timestep: torch.Tensor,
) -> torch.Tensor:
    """One call of the denoiser.

    Args:
        transformer: diffusers' CogVideoXTransformer3DModel with 48 input channels.
        latents: (B, T, 16, h, w) noisy, scaled.
        condition: (B, T, 32, h, w), see :func:`~void_engine.diffusion.clip.conditioning.join_condition`.
        text: (B, S, D).
        timestep: (B,) int64.

    Returns:
        (B, T, 16, h, w) predicted v. An odd last latent is given a black companion, which is dropped again.
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
    """A transformer, and how it computes."""

    transformer: Any
    """diffusers' CogVideoXTransformer3DModel with 48 input channels."""
    device: torch.device | str = "cpu"
    dtype: torch.dtype = torch.float32
    batches_guidance: bool = True
    """Both branches of guidance run in one call, as published; otherwise one by one in half the memory."""


@dataclass(frozen=True, slots=True)
class DenoiseInputs:
    """What is denoised, and what guides it."""

    latents: torch.Tensor
    """(1, T, 16, h, w), the noise before the first step."""
    condition: torch.Tensor
    """(1, T, 32, h, w), see :func:`~void_engine.diffusion.clip.conditioning.join_condition`."""
    texts: Sequence[torch.Tensor]
    """(1, S, D) each: the prompt, and the negative prompt where there is guidance."""

    def part(self, window: Window, denoiser: Denoiser) -> DenoiseInputs:
        """The latents of a window, where and in what the denoiser computes. Texts stay where they are."""
        latents, condition = (
            whole[:, window.start : window.stop].to(denoiser.device, denoiser.dtype)
            for whole in (self.latents, self.condition)
        )
        return DenoiseInputs(latents, condition, self.texts)


@dataclass(frozen=True, slots=True)
class DenoisePlan:
    """How latents are denoised."""

    schedule: NoiseSchedule
    windows: Sequence[Window]
    """The windows, which cover the T latents."""
    guidance: float = 1.0
    """The scale of classifier-free guidance; at 1 or less there is none."""
    first_step: int = 0
    """Where to go on after a checkpoint."""
    keep_every: int = 1
    """Steps between two looks at the whole shot."""
    latents_dtype: torch.dtype = torch.float32
    """The type of the latents between steps; published VOID keeps them in the transformer's type."""


def guided_velocity(
    denoiser: Denoiser, inputs: DenoiseInputs, guidance: float, timestep: int, *, context: str = ""
) -> torch.Tensor:
    """Classifier-free guidance over :func:`predict_velocity`; no second branch without a negative prompt.

    Args:
        inputs: those of one window, where and in what the denoiser computes.
        context: a name for the window, so that a step cache compares a window with itself.

    Returns:
        (1, T, 16, h, w) predicted v, float32.
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
    """Latents from noise.

    Args:
        inputs: of the whole shot; the negative prompt counts with guidance above 1 only.
        group: the processes that share the windows; this one alone without it.
        on_step: called with the step and the latents after it: every ``keep_every`` steps and at the end.
        on_prediction: called with the step, the window and the predicted clean latents of that window.

    Returns:
        (1, T, 16, h, w) clean, scaled latents, in ``latents_dtype`` on the device of ``inputs.latents``.
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
        latents = group.joined(windows, answers, latents)
        if (step + 1) % plan.keep_every == 0 or step + 1 == len(schedule.timesteps):
            latents = group.whole(windows, latents)
            if on_step is not None:
                on_step(step, latents)
    return latents
