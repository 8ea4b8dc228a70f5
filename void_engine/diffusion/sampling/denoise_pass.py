"""One pass of the denoiser over a shot, by one process or by several that share its windows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from void_engine.diffusion.device import pick_device
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.offload import ActivationWatch, LoadedModels, PrecisionOverflow, cancellable
from void_engine.diffusion.model.step_cache import StepCache
from void_engine.diffusion.model.weights import read_json
from void_engine.diffusion.sampling.denoise import (
    DenoiseInputs,
    DenoisePlan,
    Denoiser,
    OnPrediction,
    OnStep,
    denoise,
)
from void_engine.diffusion.sampling.distributed import Order, TorchProcessGroup, follow
from void_engine.diffusion.sampling.process_group import ProcessGroup
from void_engine.diffusion.sampling.schedule import PASS_SCHEDULERS, NoiseSchedule
from void_engine.diffusion.sampling.windows import CrossingRamps, Window
from void_engine.engines.interface import Monitor


@dataclass(frozen=True, slots=True)
class Pass:
    """The settings of a pass, in plain values that can be sent to another process."""

    number: int
    """1 or 2, which decides the weights and the scheduler."""
    steps: int
    first_step: int
    """The step to begin with: 0, or where a checkpoint left off."""
    windows: tuple[Window, ...]
    guidance: float
    exact_transitions: bool
    half_latents: bool
    """Whether the latents are rounded to the models' type after every step, as published."""
    keep_every: int
    """The number of steps between two calls of ``on_step`` with the latents of the whole shot."""
    cache: StepCache | None = None
    crossing: CrossingRamps = "smaller"

    def plan(self, models: LoadedModels) -> DenoisePlan:
        """Make the settings of the denoising loop for this pass, with the models' schedule and type."""
        schedule = NoiseSchedule.from_config(
            PASS_SCHEDULERS[self.number],
            read_json(models.folder.scheduler_config),
            self.steps,
            exact_transitions=self.exact_transitions,
        )
        return DenoisePlan(
            schedule,
            self.windows,
            guidance=self.guidance,
            first_step=self.first_step,
            keep_every=self.keep_every,
            crossing=self.crossing,
            latents_dtype=models.dtype if self.half_latents else torch.float32,
        )


def denoise_pass(
    models: LoadedModels,
    how: Pass,
    inputs: DenoiseInputs,
    group: ProcessGroup,
    monitor: Monitor,
    *,
    on_prediction: OnPrediction | None = None,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """Denoise this process's windows together with the rest of the group.

    Args:
        models: the models of this process.
        how: the settings of the pass.
        inputs: noise (or a checkpoint's latents), condition and embeddings of the whole shot.
        group: the processes that share the windows.
        monitor: receives progress and may stop the pass.
        on_prediction, on_step: see :func:`~void_engine.diffusion.sampling.denoise.denoise`.

    Returns:
        Clean latents, (1, T, 16, h, w) float32; only the leading process has those of the whole shot.

    Raises:
        PrecisionOverflow: when activations leave the range of the models' floating-point type.
        RemovalCancelled: between two layers, after the monitor asks for a stop.
    """
    if isinstance(group, TorchProcessGroup) and group.leads:
        group.give_order({"pass": asdict(how), "models": _names(models), "texts": len(inputs.texts)}, inputs)
    with group.step():
        denoiser = models.denoiser(how.number, how.cache)
    watch = ActivationWatch(denoiser, models.dtype)
    own = group.own(len(how.windows))

    def on_window(step: int, index: int, clean: torch.Tensor) -> None:
        if step == how.first_step:
            # The first step has the largest activations, so later ones are not watched.
            watch.stop() if index == own[-1] else None
            if not bool(torch.isfinite(clean).all()):
                raise PrecisionOverflow
        if on_prediction is not None:
            on_prediction(step, index, clean)

    try:
        with cancellable(denoiser, monitor):
            result = denoise(
                Denoiser(denoiser, models.device, models.dtype, batches_guidance=models.mode == "full"),
                how.plan(models),
                inputs,
                group=group,
                on_step=on_step,
                on_prediction=on_window,
            ).float()
    finally:
        watch.stop()
    if not bool(torch.isfinite(result).all()):
        raise PrecisionOverflow
    return result


class Follower:
    """A process that follows another: it holds a denoiser and does the passes that the leader orders."""

    def __init__(self, group: TorchProcessGroup, monitor: Monitor) -> None:
        self._group, self._monitor = group, monitor
        self._models: LoadedModels | None = None

    def serve(self) -> None:
        """Denoise with the leader until it has no more work.

        Raises:
            ModelFolderError, DeviceError: when this process cannot carry out an order; the other processes
                learn of it.
        """
        follow(self._group, self._carry_out)
        if self._models is not None:
            self._models.release()

    def _carry_out(self, order: Order, inputs: DenoiseInputs) -> None:
        described = dict(order["pass"])
        windows = tuple(Window(**window) for window in described.pop("windows"))
        cache = described.pop("cache")
        if cache is not None:
            cache = StepCache(**{**cache, "ratios": tuple(cache["ratios"])})
        with torch.inference_mode():
            denoise_pass(
                self._loaded(order["models"]),
                Pass(windows=windows, cache=cache, **described),
                inputs,
                self._group,
                self._monitor,
            )

    def _loaded(self, names: dict[str, Any]) -> LoadedModels:
        wanted = LoadedModels(
            ModelFolder(Path(names["folder"])),
            pick_device(names["device"]),
            getattr(torch, names["dtype"]),
            names["mode"],
            names["compiled"],
        )
        if self._models is None or self._models.key != wanted.key:
            if self._models is not None:
                self._models.release()
            self._models = wanted
        return self._models


def _names(models: LoadedModels) -> dict[str, object]:
    return {
        "folder": str(models.folder.root.resolve()),
        "device": models.device.type,
        "dtype": str(models.dtype).removeprefix("torch."),
        "mode": models.mode,
        "compiled": models.compiled,
    }
