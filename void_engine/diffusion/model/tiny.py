"""Makes models of random weights in exactly the layout of the real folder, for tests, demos and measurements.

The pictures that they make are noise, but every stage that makes them is the real one.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from safetensors.torch import save_file

from void_engine.diffusion.errors import ModelFolderError
from void_engine.diffusion.model.fetch import write_record
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.folder_check import sha256_of
from void_engine.diffusion.model.weights import (
    INPUT_CHANNELS,
    T5_ALIASES,
    build_text_encoder,
    build_transformer,
    build_vae,
)

_SENTENCES = (
    "A lime falls on the table.",
    "A ball rolls off the table and comes to rest on the wooden floor.",
    "A video of water with a floating object, calm and clear in the morning light.",
    "Two pillows placed on the bed of a quiet hotel room.",
    "An empty street in the rain, wet asphalt, reflections of red and blue signs.",
    "A gymnasium with a white trampoline, blue padding and nobody in it.",
    "The background remains as it was: trees, hills, a fence and the sky.",
    "Jumping foxes quickly vex a dozen big wizards; HDR plates keep every value.",
)
_EXTRA_IDS = 100


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The dimensions of a random model; everything else is as in the real configuration."""

    layers: int = 2
    heads: int = 2
    text_width: int = 32
    text_layers: int = 2
    text_tokens: int = 226
    time_width: int = 16
    vae_channels: tuple[int, int, int, int] = (8, 16, 16, 16)
    vae_layers: int = 1
    vae_groups: int = 4


TINY = ModelSize()


def transformer_settings(size: ModelSize) -> dict[str, Any]:
    """Return the configuration of a transformer of this size, as in the base folder (33 input channels)."""
    return {
        "_class_name": "CogVideoXTransformer3DModel",
        "_diffusers_version": "0.32.0.dev0",
        "activation_fn": "gelu-approximate",
        "add_noise_in_inpaint_model": True,
        "attention_bias": True,
        "attention_head_dim": 64,
        "dropout": 0.0,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 33,
        "max_text_seq_length": size.text_tokens,
        "norm_elementwise_affine": True,
        "norm_eps": 1e-05,
        "num_attention_heads": size.heads,
        "num_layers": size.layers,
        "out_channels": 16,
        "patch_bias": False,
        "patch_size": 2,
        "patch_size_t": 2,
        "sample_frames": 85,
        "sample_height": 384,
        "sample_width": 680,
        "spatial_interpolation_scale": 1.875,
        "temporal_compression_ratio": 4,
        "temporal_interpolation_scale": 1.0,
        "text_embed_dim": size.text_width,
        "time_embed_dim": size.time_width,
        "timestep_activation_fn": "silu",
        "use_learned_positional_embeddings": False,
        "use_rotary_positional_embeddings": True,
    }


def vae_settings(size: ModelSize) -> dict[str, Any]:
    """Return the configuration of a VAE of this size."""
    return {
        "_class_name": "AutoencoderKLCogVideoX",
        "_diffusers_version": "0.31.0.dev0",
        "act_fn": "silu",
        "block_out_channels": list(size.vae_channels),
        "down_block_types": ["CogVideoXDownBlock3D"] * 4,
        "force_upcast": True,
        "in_channels": 3,
        "latent_channels": 16,
        "latents_mean": None,
        "latents_std": None,
        "layers_per_block": size.vae_layers,
        "norm_eps": 1e-06,
        "norm_num_groups": size.vae_groups,
        "out_channels": 3,
        "sample_height": 480,
        "sample_width": 720,
        "scaling_factor": 0.7,
        "shift_factor": None,
        "temporal_compression_ratio": 4,
        "up_block_types": ["CogVideoXUpBlock3D"] * 4,
        "use_post_quant_conv": False,
        "use_quant_conv": False,
    }


def text_encoder_settings(size: ModelSize, vocabulary: int) -> dict[str, Any]:
    """Return the configuration of a text encoder of this size."""
    return {
        "architectures": ["T5EncoderModel"],
        "classifier_dropout": 0.0,
        "d_ff": 2 * size.text_width,
        "d_kv": 8,
        "d_model": size.text_width,
        "decoder_start_token_id": 0,
        "dense_act_fn": "gelu_new",
        "dropout_rate": 0.1,
        "eos_token_id": 1,
        "feed_forward_proj": "gated-gelu",
        "initializer_factor": 1.0,
        "is_encoder_decoder": True,
        "is_gated_act": True,
        "layer_norm_epsilon": 1e-06,
        "model_type": "t5",
        "num_decoder_layers": size.text_layers,
        "num_heads": 4,
        "num_layers": size.text_layers,
        "output_past": True,
        "pad_token_id": 0,
        "relative_attention_max_distance": 128,
        "relative_attention_num_buckets": 32,
        "tie_word_embeddings": False,
        "use_cache": True,
        "vocab_size": vocabulary,
    }


SCHEDULER_SETTINGS: Mapping[str, Any] = {
    "_class_name": "CogVideoXDDIMScheduler",
    "_diffusers_version": "0.32.0.dev0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "clip_sample_range": 1.0,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "sample_max_value": 1.0,
    "set_alpha_to_one": True,
    "snr_shift_scale": 1.0,
    "steps_offset": 0,
    "timestep_spacing": "trailing",
    "trained_betas": None,
}


def random_weights(
    model: Any, seed: int, dtype: torch.dtype, device: torch.device | str = "cpu"
) -> dict[str, torch.Tensor]:
    """Draw values for a model on the meta device; they keep the variance and depend on names and seed.

    They are drawn on ``device``, each kind of which draws other values, and moved to the CPU one by one.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, empty in model.state_dict().items():
        if name in T5_ALIASES:
            continue
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        generator = torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "little"))
        values = torch.randn(empty.shape, generator=generator, device=device)
        if empty.ndim == 1:
            values = 1 + 0.05 * values if name.endswith("weight") else 0.02 * values
        elif "embed" in name or "shared" in name or "relative_attention_bias" in name:
            values = 0.3 * values
        else:
            values = values / math.sqrt(math.prod(empty.shape[1:]))
        tensors[name] = values.to(dtype).cpu()
    return tensors


def make_tiny(
    root: Path, *, size: ModelSize = TINY, seed: int = 0, dtype: torch.dtype = torch.bfloat16
) -> ModelFolder:
    """Write a complete model folder of random weights; the default size takes a few seconds and megabytes.

    Args:
        root: the folder, which is made if necessary and must not hold models yet.
        size: the dimensions of the models.
        seed: the seed of the weights.
        dtype: the type of the stored weights, bfloat16 as in the real files.

    Raises:
        ModelFolderError: when the folder holds models already.
    """
    folder = ModelFolder(root)
    if folder.base.exists() or folder.pass_weights(1).exists():
        raise ModelFolderError(f"{root}: holds models already; choose an empty folder")
    for part in (folder.vae, folder.text_encoder, folder.tokenizer):
        part.mkdir(parents=True)
    vocabulary = _write_tokenizer(folder.tokenizer)
    settings = {
        folder.base / "model_index.json": {
            "_class_name": "CogVideoXPipeline",
            "_diffusers_version": "0.32.0.dev0",
            "scheduler": ["diffusers", "CogVideoXDDIMScheduler"],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "T5Tokenizer"],
            "transformer": ["diffusers", "CogVideoXTransformer3DModel"],
            "vae": ["diffusers", "AutoencoderKLCogVideoX"],
        },
        folder.transformer_config: transformer_settings(size),
        folder.scheduler_config: dict(SCHEDULER_SETTINGS),
        folder.vae / "config.json": vae_settings(size),
        folder.text_encoder / "config.json": text_encoder_settings(size, vocabulary),
    }
    for path, values in settings.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    own = {**settings[folder.transformer_config], "in_channels": INPUT_CHANNELS}
    del own["add_noise_in_inpaint_model"]
    models = {
        folder.vae / "diffusion_pytorch_model.safetensors": build_vae(vae_settings(size)),
        folder.text_encoder / "model.safetensors": build_text_encoder(
            text_encoder_settings(size, vocabulary)
        ),
        folder.pass_weights(1): build_transformer(own),
        folder.pass_weights(2): build_transformer(own),
    }
    for offset, (path, model) in enumerate(models.items()):
        save_file(random_weights(model, seed * len(models) + offset, dtype), path)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    write_record(
        folder, {path.relative_to(root).as_posix(): (path.stat().st_size, sha256_of(path)) for path in paths}
    )
    return folder


def _write_tokenizer(folder: Path) -> int:
    """Train a SentencePiece model like T5's on a few sentences, and return the size of its vocabulary."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES),
        model_writer=model,
        vocab_size=160,
        hard_vocab_limit=False,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).get_piece_size()
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    settings = {
        "eos_token": "</s>",
        "extra_ids": _EXTRA_IDS,
        "legacy": True,
        "model_max_length": 226,
        "pad_token": "<pad>",
        "tokenizer_class": "T5Tokenizer",
        "unk_token": "<unk>",
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=1) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    return int(pieces) + _EXTRA_IDS
