"""Offloading: loads the models when they are needed and moves them between host and device.

The memory mode, which :mod:`void_engine.diffusion.memory_plan` chooses, says what stays on the device.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.hooks.group_offloading import apply_group_offloading
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import CogVideoXResnetBlock3D
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXBlock

from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.step_cache import StepCache, use_step_cache
from void_engine.diffusion.model.weights import (
    load_text_encoder,
    load_transformer,
    load_vae,
    transformer_config,
)
from void_engine.engines.interface import Monitor

# Above this magnitude a float16 activation is about to overflow.
_SATURATED = 60_000.0


class PrecisionOverflow(Exception):  # noqa: N818 - a signal: the run starts again in another precision
    """An activation left the range of the floating-point type."""


class LoadedModels:
    """The VAE and at most one denoiser in memory, kept between jobs.

    The mode ``full`` leaves everything on the device, ``model`` has one model on it at a time, ``group``
    streams the denoiser's blocks through it, and ``fp8`` is ``model`` with the denoiser's weights stored in
    eight bits.
    """

    def __init__(
        self,
        folder: ModelFolder,
        device: torch.device,
        dtype: torch.dtype,
        mode: str,
        compiled: bool,
    ) -> None:
        self.folder, self.device, self.dtype, self.mode = folder, device, dtype, mode
        self.compiled = compiled
        self._cache: StepCache | None = None
        self._vae: Any = None
        self._denoiser: Any = None
        self._pass = 0

    @property
    def key(self) -> tuple[object, ...]:
        """Models, device, precision and mode; two objects of the same key are interchangeable."""
        return (self.folder, self.device, self.dtype, self.mode, self.compiled)

    @contextmanager
    def text_encoder(self) -> Iterator[Any]:
        """Load the text encoder for the duration of the context; the denoiser makes room for it."""
        self._park(self._denoiser)
        encoder = load_text_encoder(self.folder.text_encoder, self.dtype)
        try:
            if self.mode == "group" and self.device.type != "cpu":
                apply_group_offloading(encoder, onload_device=self.device, offload_type="leaf_level")
                yield encoder
            else:
                yield encoder.to(self.device)
        finally:
            del encoder
            self._collect()

    def vae(self) -> Any:
        """The VAE on the device."""
        self._park(self._denoiser)
        if self._vae is None:
            self._vae = load_vae(self.folder.vae, self.dtype)
        return self._vae.to(self.device)

    def denoiser(self, pass_number: int, cache: StepCache | None = None) -> Any:
        """The denoiser of pass 1 or 2, ready to be called with tensors on the device, its cache empty."""
        self._park(self._vae)
        if self._pass != pass_number:
            self._denoiser = None
            self._collect()
            config = transformer_config(self.folder.base)
            model = load_transformer(config, self.folder.pass_weights(pass_number), self.dtype)
            self._denoiser, self._pass, self._cache = self._prepared(model), pass_number, None
        if cache != self._cache:
            use_step_cache(self._denoiser, cache)
            self._cache = cache
            if self.compiled:
                # Compiled code still calls the blocks with their earlier hooks.
                torch.compiler.reset()
                self._denoiser.compile()
        self._denoiser._reset_stateful_cache()
        if self.mode != "group":
            self._denoiser.to(self.device)
        return self._denoiser

    def release(self) -> None:
        """Release every model and its memory."""
        self._vae = self._denoiser = None
        self._pass = 0
        self._collect()

    def _prepared(self, model: Any) -> Any:
        if self.mode == "fp8":
            model.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=self.dtype)
        elif self.mode == "group":
            model.enable_group_offload(
                onload_device=self.device,
                offload_type="block_level",
                num_blocks_per_group=1,
                use_stream=self.device.type == "cuda",
            )
        if self.compiled:
            model.compile()
        return model

    def _park(self, model: Any) -> None:
        """Move a model off the device, in modes in which it may not stay there."""
        if model is not None and self.mode != "full" and self.device.type != "cpu":
            if not (model is self._denoiser and self.mode == "group"):
                model.to("cpu")
            self._collect()

    def _collect(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


@contextmanager
def cancellable(model: Any, monitor: Monitor) -> Iterator[None]:
    """Within this context a stop of the job takes effect between two layers of ``model``.

    Raises:
        RemovalCancelled: when the monitor asks for a stop.
    """

    def check(module: Any, inputs: Any) -> None:
        monitor.check_cancelled()

    handles = [
        module.register_forward_pre_hook(check)
        for module in model.modules()
        if isinstance(module, CogVideoXBlock | CogVideoXResnetBlock3D)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class ActivationWatch:
    """Checks the output of every denoiser block for overflow until it is stopped; only in half precision.

    Raises:
        PrecisionOverflow: from the denoiser's call, when an activation overflows.
    """

    def __init__(self, denoiser: Any, dtype: torch.dtype) -> None:
        self._handles: list[Any] = []
        if dtype != torch.float16:
            return
        for block in denoiser.transformer_blocks:
            self._handles.append(block.register_forward_hook(self._look))

    @staticmethod
    def _look(module: Any, inputs: Any, outputs: tuple[torch.Tensor, ...]) -> None:
        for output in outputs:
            # NaN compares false, so the test asks for values in range.
            if not bool(output.abs().amax() < _SATURATED):
                raise PrecisionOverflow

    def stop(self) -> None:
        """Stop checking. The first step has the largest activations, so later ones need no check."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
