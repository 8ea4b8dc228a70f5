"""Plans memory before anything is loaded: how much each memory mode needs for a canvas and a length.

Weights are counted from the configurations. Activations are measured by running the real classes on fake
tensors, so the numbers hold for any model size and any release of diffusers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from torch._subclasses.fake_tensor import FakeTensorMode

from void_engine.diffusion.framing import SPATIAL_COMPRESSION, latent_frames
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.live_memory import peak_bytes
from void_engine.diffusion.model.vae import DECODE_GROUP, drop_useless_caches, encode_groups
from void_engine.diffusion.model.weights import (
    build_text_encoder,
    build_transformer,
    build_vae,
    read_json,
    transformer_config,
)
from void_engine.diffusion.sampling.denoise import predict_velocity

MODES = ("full", "model", "group")
"""The memory modes that give the same pictures, fastest first. ``fp8`` is not among them, because it changes
the picture; it is used only on request."""
# The reserve is for allocator rounding, convolution workspaces and whatever else the driver holds.
_RESERVE = 1.10
_RESERVE_BYTES = 600 << 20
MOST_TILES = 4
"""The most tiles along a side; more of them save hardly any memory."""
# Group offload holds the block at work and the one that is being loaded.
_BLOCKS_HELD = 2


@dataclass(frozen=True, slots=True)
class ModelNeeds:
    """The bytes that the model's parts need for weights and activations."""

    denoiser_weights: int
    denoiser_block: int
    """The weights of one transformer block."""
    denoiser_activations: int
    vae_weights: int
    encode_activations: int
    decode_activations: int
    text_weights: int
    text_largest: int
    """The text encoder's largest single tensor, which is the least that streaming it needs."""

    def device_bytes(self, mode: str) -> int:
        """The peak of bytes on the device in a memory mode, with a reserve."""
        coding = self.vae_weights + max(self.encode_activations, self.decode_activations)
        whole = self.denoiser_weights + self.denoiser_activations
        text = self.text_weights
        if mode == "full":
            # The text encoder is released before the denoiser is loaded.
            peak = max(
                text, self.denoiser_weights + self.vae_weights
                + max(self.denoiser_activations, self.encode_activations, self.decode_activations),
            )  # fmt: skip
        elif mode == "model":
            peak = max(text, coding, whole)
        elif mode == "fp8":
            peak = max(text, coding, whole - self.denoiser_weights // 2)
        else:
            blocks = _BLOCKS_HELD * self.denoiser_block
            peak = max(2 * self.text_largest, coding, blocks + self.denoiser_activations)
        return round(peak * _RESERVE) + _RESERVE_BYTES


def plan_vae_tiles(needs: ModelNeeds, free: int) -> int:
    """Choose how many tiles each side is cut into so that encoding and decoding fit into ``free`` bytes."""
    most = max(needs.encode_activations, needs.decode_activations)
    for tiles in range(1, MOST_TILES):
        # The convolutions keep caches for all tiles at once, about a third of the whole.
        peak = needs.vae_weights + most / 3 + 2 * most / 3 * (1.0 if tiles == 1 else 1.5 / tiles**2)
        if round(peak * _RESERVE) + _RESERVE_BYTES <= free:
            return tiles
    return MOST_TILES


def plan_mode(needs: ModelNeeds, free: int) -> str:
    """The fastest mode that fits into ``free`` bytes, or the smallest where none does."""
    for mode in MODES:
        if needs.device_bytes(mode) <= free:
            return mode
    return MODES[-1]


def measure_needs(
    folder: ModelFolder,
    canvas: tuple[int, int],
    frames: int,
    window: int,
    dtype: torch.dtype,
    *,
    guided: bool = False,
) -> ModelNeeds:
    """Measure the memory that a run needs.

    Args:
        folder: the models, of which only the configurations are read.
        canvas: height and width in pixels.
        frames: number of padded frames.
        window: latent frames that the denoiser sees at once.
        dtype: type of weights and activations.
        guided: whether a pass runs both branches of guidance in one call.
    """
    configs = {
        "transformer": transformer_config(folder.base),
        "vae": read_json(folder.vae / "config.json"),
        "text": read_json(folder.text_encoder / "config.json"),
    }
    latents = min(window, latent_frames(frames))
    return needs_of(configs, canvas, frames, latents, dtype, branches=2 if guided else 1)


def needs_of(
    configs: Mapping[str, Mapping[str, Any]],
    canvas: tuple[int, int],
    frames: int,
    latents: int,
    dtype: torch.dtype,
    *,
    branches: int = 1,
) -> ModelNeeds:
    """Measure the memory that a run needs, from the models' configurations."""
    texts = {name: json.dumps(dict(config), sort_keys=True) for name, config in configs.items()}
    return _measured(
        texts["transformer"], texts["vae"], texts["text"], canvas, frames, latents, dtype, branches
    )


@lru_cache(maxsize=16)
def _measured(
    transformer: str,
    vae: str,
    text: str,
    canvas: tuple[int, int],
    frames: int,
    latents: int,
    dtype: torch.dtype,
    branches: int,
) -> ModelNeeds:
    size = torch.finfo(dtype).bits // 8
    denoiser = build_transformer(json.loads(transformer))
    encoder = build_text_encoder(json.loads(text))
    encode, decode = _vae_peaks(json.loads(vae), canvas, frames, dtype)
    return ModelNeeds(
        denoiser_weights=_parameters(denoiser) * size,
        denoiser_block=_parameters(denoiser.transformer_blocks[0]) * size,
        denoiser_activations=_denoiser_peak(json.loads(transformer), canvas, latents, dtype, branches),
        vae_weights=_parameters(build_vae(json.loads(vae))) * size,
        encode_activations=encode,
        decode_activations=decode,
        text_weights=_parameters(encoder) * size,
        text_largest=max(parameter.numel() for parameter in encoder.parameters()) * size,
    )


def _parameters(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@contextmanager
def _fake(dtype: torch.dtype) -> Any:
    """Within this context tensors are fake: they have the type ``dtype`` and take no memory."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True):
            yield
    finally:
        torch.set_default_dtype(before)


def _denoiser_peak(
    config: dict[str, Any], canvas: tuple[int, int], latents: int, dtype: torch.dtype, branches: int
) -> int:
    height, width = (side // SPATIAL_COMPRESSION for side in canvas)
    # Blocks run one after another in the same memory, so two of them show the peak of any number.
    small: Any = {**config, "num_layers": min(2, config["num_layers"])}
    model_class: Any = CogVideoXTransformer3DModel
    with _fake(dtype):
        model = model_class.from_config(small).eval()
        shape = (branches, latents, model.config.out_channels, height, width)
        noisy = torch.empty(shape)
        condition = torch.empty(branches, latents, config["in_channels"] - shape[2], height, width)
        text = torch.empty(branches, config["max_text_seq_length"], config["text_embed_dim"])
        times = torch.full((branches,), 999)
        return peak_bytes(lambda: predict_velocity(model, noisy, condition, text, times))


def _vae_peaks(
    config: dict[str, Any], canvas: tuple[int, int], frames: int, dtype: torch.dtype
) -> tuple[int, int]:
    """The peaks of encoding and of decoding one temporal group, with the caches of the groups before it."""
    height, width = canvas
    model_class: Any = AutoencoderKLCogVideoX
    with _fake(dtype):
        vae = model_class.from_config(config).eval()
        drop_useless_caches(vae)
        first = encode_groups(frames)[0][1]
        pixels = torch.empty(1, 3, first, height, width)
        encode = peak_bytes(lambda: vae.encoder(pixels))

        def decode_three_groups() -> None:
            cache = None
            for count in (1, DECODE_GROUP, DECODE_GROUP):
                group = torch.empty(
                    1,
                    config["latent_channels"],
                    count,
                    height // SPATIAL_COMPRESSION,
                    width // SPATIAL_COMPRESSION,
                )
                _, cache = vae.decoder(group, conv_cache=cache)

        return encode, peak_bytes(decode_three_groups)
