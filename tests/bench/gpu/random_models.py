"""Models of random weights in their real size, drawn on the device whenever the engine loads one.

The folder that the engine is given is complete but for the weights: its configurations are those of the size
asked for, and its files of weights are those of the tiny model, so nothing large is ever written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from void_engine.diffusion.model import offload
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.tiny import (
    TINY,
    ModelSize,
    make_tiny,
    random_weights,
    text_encoder_settings,
    transformer_settings,
    vae_settings,
)
from void_engine.diffusion.model.vae import drop_useless_caches
from void_engine.diffusion.model.weights import (
    INPUT_CHANNELS,
    T5_ALIASES,
    build_text_encoder,
    build_transformer,
    build_vae,
    read_json,
)

REAL = ModelSize(
    layers=42, heads=48, text_width=4096, text_layers=24, time_width=512,
    vae_channels=(128, 256, 256, 512), vae_layers=3, vae_groups=32,
)  # fmt: skip
"""The dimensions of the real model: 5.57 B parameters of the denoiser, 4.76 B of T5, 0.22 B of the VAE."""
_REAL_VOCABULARY = 32128


def configs_of(size: ModelSize, vocabulary: int = _REAL_VOCABULARY) -> dict[str, dict[str, Any]]:
    """The configurations of the denoiser, the VAE and the text encoder of a model of this size."""
    transformer = {**transformer_settings(size), "in_channels": INPUT_CHANNELS}
    del transformer["add_noise_in_inpaint_model"]
    text = text_encoder_settings(size, vocabulary)
    if size == REAL:
        text |= {"d_ff": 10240, "d_kv": 64, "num_heads": 64}
    return {"transformer": transformer, "vae": vae_settings(size), "text": text}


def make_folder(root: Path, size: ModelSize) -> ModelFolder:
    """Make a model folder whose configurations are of ``size`` and whose weights are to be drawn."""
    folder = make_tiny(root)
    if size != TINY:
        configs = configs_of(size)
        described = {
            folder.transformer_config: transformer_settings(size),
            folder.vae / "config.json": configs["vae"],
            folder.text_encoder / "config.json": configs["text"],
        }
        for path, values in described.items():
            path.write_text(json.dumps(values), encoding="utf-8")
    return folder


def filled(model: Any, seed: int, dtype: torch.dtype, device: torch.device | str) -> Any:
    """Fill a model on the meta device with weights that are drawn on ``device``; it lies on the CPU then."""
    tensors = random_weights(model, seed, dtype, device)
    for alias, name in T5_ALIASES.items():
        if name in tensors:
            tensors[alias] = tensors[name]
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def _vae(config: Any, dtype: torch.dtype, device: torch.device) -> Any:
    vae = filled(build_vae(config), 3, dtype, device)
    drop_useless_caches(vae)
    return vae


def _text_encoder(config: Any, dtype: torch.dtype, device: torch.device) -> Any:
    encoder = filled(build_text_encoder(config), 4, dtype, device)
    if dtype == torch.float16:
        for name, parameter in encoder.named_parameters():
            if "wo" in name:
                parameter.data = parameter.data.float()
    return encoder


@contextmanager
def drawn_on(device: torch.device) -> Iterator[None]:
    """Within this context the engine draws the weights of its models on ``device``; it reads no file."""
    loaders = {
        "load_transformer": lambda config, path, dtype: filled(
            build_transformer(config), 1 if "pass1" in path.name else 2, dtype, device
        ),
        "load_vae": lambda folder, dtype: _vae(read_json(folder / "config.json"), dtype, device),
        "load_text_encoder": lambda folder, dtype: _text_encoder(
            read_json(folder / "config.json"), dtype, device
        ),
    }
    with ExitStack() as patches:
        for name, loader in loaders.items():
            patches.enter_context(mock.patch.object(offload, name, loader))
        yield
