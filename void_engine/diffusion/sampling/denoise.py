"""The denoising loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def guided_velocity(
    transformer: Any,
    latents: torch.Tensor,
    condition: torch.Tensor,
    text: torch.Tensor,
    negative: torch.Tensor | None,
    guidance: float,
    timestep: int,
    *,
    batched: bool = True,
    context: str = "",
) -> torch.Tensor:
    """Classifier-free guidance over :func:`predict_velocity`; no second branch without ``negative``.

    Args:
        batched: run both branches in one call, as published; otherwise one by one in half the memory.
        context: a name for the window, so that a step cache compares a window with itself.
    """
    times = torch.full((1,), timestep, dtype=torch.int64, device=latents.device)

    def predict(branch: str, *arguments: torch.Tensor) -> torch.Tensor:
        with transformer.cache_context(context + branch):
            return predict_velocity(transformer, *arguments).float()

    if negative is None:
        return predict("", latents, condition, text, times)
    if batched:
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
    transformer: Any,
    schedule: NoiseSchedule,
    latents: torch.Tensor,
    condition: torch.Tensor,
    text: torch.Tensor,
    windows: Sequence[Window],
    *,
    negative: torch.Tensor | None = None,
    guidance: float = 1.0,
    batched_guidance: bool = True,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    latents_dtype: torch.dtype = torch.float32,
    first_step: int = 0,
    keep_every: int = 1,
    group: ProcessGroup | None = None,
    on_step: OnStep | None = None,
    on_prediction: OnPrediction | None = None,
) -> torch.Tensor:
    """Latents from noise.

    Args:
        latents: (1, T, 16, h, w), the noise before step ``first_step``.
        condition: (1, T, 32, h, w).
        text, negative: (1, S, D); ``negative`` only with guidance above 1.
        windows: over the T latents.
        device, dtype: where and in what the transformer computes.
        latents_dtype: between steps; published VOID keeps them in the transformer's.
        first_step: where to go on after a checkpoint.
        keep_every: steps between two looks at the whole shot.
        group: the processes that share the windows; this one alone without it.
        on_step: called with the step and the latents after it: every ``keep_every`` steps and at the end.
        on_prediction: called with the step, the window and the predicted clean latents of that window.

    Returns:
        (1, T, 16, h, w) clean, scaled latents, in ``latents_dtype`` on the device of ``latents``.
    """
    group = group or SingleProcess()
    text = text.to(device, dtype)
    negative = None if negative is None or guidance <= 1 else negative.to(device, dtype)
    latents = latents.to(latents_dtype)
    for step in range(first_step, len(schedule.timesteps)):
        answers: dict[int, torch.Tensor] = {}
        with group.step():
            for index in group.own(len(windows)):
                window = windows[index]
                part = latents[:, window.start : window.stop]
                velocity = guided_velocity(
                    transformer,
                    part.to(device, dtype),
                    condition[:, window.start : window.stop].to(device, dtype),
                    text,
                    negative,
                    guidance,
                    schedule.timesteps[step],
                    batched=batched_guidance,
                    context=f"window{index}",
                ).to(part.device)
                if on_prediction is not None:
                    on_prediction(step, index, schedule.clean(step, velocity, part))
                answers[index] = schedule.step(step, velocity, part).to(latents_dtype)
        latents = group.joined(windows, answers, latents)
        if (step + 1) % keep_every == 0 or step + 1 == len(schedule.timesteps):
            latents = group.whole(windows, latents)
            if on_step is not None:
                on_step(step, latents)
    return latents
