"""Loads weights strictly: every tensor of a file has a place in the model, and every place is filled.

Models are built on the meta device and take the tensors one by one, so a checkpoint is never in memory twice,
nor in a second precision.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from safetensors import SafetensorError, safe_open
from transformers import T5Config, T5EncoderModel

from void_engine.diffusion.errors import ModelFolderError
from void_engine.diffusion.model.vae import drop_useless_caches

# VOID's denoiser takes 16 noisy, 16 mask and 16 plate channels, unlike the base model.
INPUT_CHANNELS = 48
# The text encoder's file holds its embedding once; transformers has it under two names.
T5_ALIASES = {"encoder.embed_tokens.weight": "shared.weight"}
_SHOWN = 6

Shapes = dict[str, tuple[int, ...]]
"""Shapes of tensors by their names."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        ModelFolderError: when the file is missing or holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFolderError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ModelFolderError(f"{path}: is not JSON ({error}); fetch it again") from error
    if not isinstance(value, dict):
        raise ModelFolderError(f"{path}: holds no JSON object; fetch it again")
    return value


def weight_files(path: Path) -> list[Path]:
    """The files of a checkpoint: a ``.safetensors`` file, or the shards that its ``.index.json`` lists."""
    if path.is_file():
        return [path]
    index = path.with_name(path.name + ".index.json")
    if not index.is_file():
        raise ModelFolderError(f"{path}: not there; `void models fetch` brings it")
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict):
        raise ModelFolderError(f"{index}: has no weight_map; fetch it again")
    return [path.with_name(name) for name in sorted({str(value) for value in shards.values()})]


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt", device="cpu")
    except FileNotFoundError as error:
        raise ModelFolderError(f"{path}: not there; `void models fetch` brings it") from error
    except (SafetensorError, OSError) as error:
        raise ModelFolderError(f"{path}: is no whole safetensors file ({error}); fetch it again") from error


def read_header(files: Iterable[Path]) -> tuple[Shapes, dict[str, str]]:
    """Read the shapes and types (``F32``, ``BF16``...) of all tensors, without reading any values."""
    shapes: Shapes = {}
    dtypes: dict[str, str] = {}
    for path in files:
        with _open(path) as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                piece = file.get_slice(name)
                shapes[name] = tuple(piece.get_shape())
                dtypes[name] = piece.get_dtype()
    return shapes, dtypes


def expected_shapes(model: torch.nn.Module) -> Shapes:
    """The shapes of a model's tensors, by name."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def check_shapes(found: Shapes, model: torch.nn.Module, where: str, aliases: Mapping[str, str]) -> None:
    """Compare the shapes found in a file with those of a model.

    Raises:
        ModelFolderError: when tensors are missing, unexpected or of another shape; the message names them.
    """
    expected = expected_shapes(model)
    for alias, name in aliases.items():
        if alias not in found and name in found:
            expected.pop(alias, None)
    problems = []
    if missing := sorted(expected.keys() - found.keys()):
        problems.append(f"missing {_some(missing)}")
    if extra := sorted(found.keys() - expected.keys()):
        problems.append(f"unexpected {_some(extra)}")
    misshapen = [
        f"{name} is {list(found[name])}, not {list(expected[name])}"
        for name in sorted(expected.keys() & found.keys())
        if found[name] != expected[name]
    ]
    if misshapen:
        problems.append(f"misshapen {_some(misshapen)}")
    if problems:
        raise ModelFolderError(f"{where}: does not fit its model: {'; '.join(problems)}")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def load_into(
    model: torch.nn.Module,
    files: list[Path],
    dtype: torch.dtype,
    aliases: Mapping[str, str] | None = None,
    keep_float32: Iterable[str] = (),
) -> None:
    """Fill a model on the meta device from safetensors files, converting to ``dtype``.

    Args:
        model: the model to fill.
        files: the files of the checkpoint.
        dtype: the type of the loaded weights.
        aliases: tensors that the files hold under another name, as ``{name in the model: name in the file}``.
        keep_float32: parts of tensor names that stay float32 whatever ``dtype`` is.

    Raises:
        ModelFolderError: when a tensor is missing, unexpected or misshapen, before any is read.
    """
    aliases = aliases or {}
    shapes, _ = read_header(files)
    check_shapes(shapes, model, str(files[0]), aliases)
    tensors: dict[str, torch.Tensor] = {}
    for path in files:
        with _open(path) as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                wanted = torch.float32 if any(part in name for part in keep_float32) else dtype
                tensors[name] = file.get_tensor(name).to(wanted)
    for alias, name in aliases.items():
        tensors.setdefault(alias, tensors[name])
    model.load_state_dict(tensors, strict=True, assign=True)
    model.eval().requires_grad_(False)


def transformer_config(base: Path) -> dict[str, Any]:
    """Read the base model's transformer configuration and change it to VOID's."""
    config = read_json(base / "transformer" / "config.json")
    # This switch of the training code is in the file, but diffusers' class does not know it.
    config.pop("add_noise_in_inpaint_model", None)
    return {**config, "in_channels": INPUT_CHANNELS}


def _from_config(model_class: Any, config: Mapping[str, Any]) -> Any:
    return model_class.from_config(dict(config))


def build_transformer(config: Mapping[str, Any]) -> Any:
    """Build the denoiser without weights, on the meta device."""
    with torch.device("meta"):
        return _from_config(CogVideoXTransformer3DModel, config)


def build_vae(config: Mapping[str, Any]) -> Any:
    """Build the VAE without weights, on the meta device."""
    with torch.device("meta"):
        return _from_config(AutoencoderKLCogVideoX, config)


def build_text_encoder(config: Mapping[str, Any]) -> Any:
    """Build the text encoder without weights, on the meta device."""
    with torch.device("meta"):
        return T5EncoderModel(T5Config.from_dict(dict(config)))


def load_transformer(config: Mapping[str, Any], path: Path, dtype: torch.dtype = torch.float32) -> Any:
    """Load VOID's denoiser from one safetensors file, on the CPU."""
    model = build_transformer(config)
    load_into(model, weight_files(path), dtype)
    return model


def load_vae(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """Load the VAE from its folder, on the CPU."""
    model = build_vae(read_json(folder / "config.json"))
    load_into(model, weight_files(folder / "diffusion_pytorch_model.safetensors"), dtype)
    drop_useless_caches(model)
    return model


def load_text_encoder(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """Load the T5 text encoder from its folder, on the CPU."""
    model = build_text_encoder(read_json(folder / "config.json"))
    # T5's output projections overflow in float16; transformers keeps them in float32 as well.
    keep = ["wo"] if dtype == torch.float16 else []
    load_into(model, weight_files(folder / "model.safetensors"), dtype, T5_ALIASES, keep)
    return model
