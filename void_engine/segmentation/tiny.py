"""Models of random weights in the real classes and layout, for tests: stages are real, mattes are noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_SIZE = 64
_HIDDEN = 128
"""The width of the features. The model's memory has 64 channels, and projections between the two are only
exercised where the width is another."""


def tiny_tracker_config() -> Any:
    """The configuration of a small SAM 2.1 video model, whose memory is short too."""
    from transformers import Sam2VideoConfig

    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 16,
        "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "blocks_per_stage": [1, 1, 2, 1],
        "image_size": [_SIZE, _SIZE],
        "global_attention_blocks": [3],
        "window_size_per_stage": [4, 4, 4, 4],
        "window_positional_embedding_background_size": [4, 4],
    }
    return Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[_SIZE // 4] * 2, [_SIZE // 8] * 2, [_SIZE // 16] * 2],
            "fpn_hidden_size": _HIDDEN,
        },
        prompt_encoder_config={"hidden_size": _HIDDEN, "image_size": _SIZE, "patch_size": 16},
        mask_decoder_config={
            "hidden_size": _HIDDEN,
            "mlp_dim": 64,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 64,
        },
        image_size=_SIZE,
        num_maskmem=3,
        max_object_pointers_in_encoder=3,
        memory_attention_hidden_size=_HIDDEN,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[_SIZE // 16, _SIZE // 16],
        memory_encoder_hidden_size=_HIDDEN,
        mask_downsampler_embed_dim=_HIDDEN,
        memory_fuser_embed_dim=_HIDDEN,
        memory_fuser_intermediate_dim=64,
        memory_fuser_num_layers=1,
    )


def make_tiny_tracker(folder: Path, seed: int = 0) -> Path:
    """Write a small tracker into ``folder``/sam2.1-hiera-tiny, and return that."""
    from transformers import Sam2VideoModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Sam2VideoModel(tiny_tracker_config())
        _stir(model)
    path = folder / "sam2.1-hiera-tiny"
    model.save_pretrained(path)
    return path


def tiny_sam3_config() -> Any:
    """The configuration of a small SAM 3: what finds by words and what follows, in one folder."""
    from transformers import Sam3VideoConfig

    size, patch = 112, 14
    cells = size // patch
    small = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32}
    wide = {"hidden_size": _HIDDEN, "num_attention_heads": 2, "intermediate_size": 32}
    vision = {
        "backbone_config": {
            "model_type": "sam3_vit_model",
            **small,
            "num_hidden_layers": 2,
            "image_size": size,
            "patch_size": patch,
            "window_size": 4,
            "global_attn_indexes": [1],
            "pretrain_image_size": size,
        },
        "fpn_hidden_size": _HIDDEN,
        "backbone_feature_sizes": [[4 * cells] * 2, [2 * cells] * 2, [cells] * 2],
    }
    text = {**small, "num_hidden_layers": 1, "vocab_size": 300, "max_position_embeddings": 32}
    config = Sam3VideoConfig(
        detector_config={
            "vision_config": vision,
            "text_config": {**text, "projection_dim": 32, "bos_token_id": 1, "eos_token_id": 2},
            "geometry_encoder_config": {**wide, "num_layers": 1},
            "detr_encoder_config": {**wide, "num_layers": 1},
            "detr_decoder_config": {**wide, "num_layers": 1, "num_queries": 4},
            "mask_decoder_config": {"hidden_size": _HIDDEN, "num_attention_heads": 2},
        },
        tracker_config={
            "vision_config": {**vision, "model_type": "sam3_vision_model"},
            "prompt_encoder_config": {"hidden_size": _HIDDEN, "image_size": size, "patch_size": patch},
            "mask_decoder_config": {
                "hidden_size": _HIDDEN,
                "mlp_dim": 64,
                "num_attention_heads": 2,
                "iou_head_hidden_dim": 64,
            },
            "num_maskmem": 3,
            "max_object_pointers_in_encoder": 3,
            "memory_attention_hidden_size": _HIDDEN,
            "memory_attention_num_layers": 1,
            "memory_attention_feed_forward_hidden_size": 64,
            "memory_encoder_hidden_size": _HIDDEN,
            "mask_downsampler_embed_dim": _HIDDEN,
            "memory_fuser_embed_dim": _HIDDEN,
            "memory_fuser_intermediate_dim": 64,
            "memory_fuser_num_layers": 1,
        },
    )
    # What depends on the size of the picture follows from this.
    tracker: Any = config.tracker_config
    tracker.image_size = size
    return config


def make_tiny_sam3(folder: Path, seed: int = 0) -> Path:
    """Write a small SAM 3 as it is published, both of its models together, into ``folder``/sam3."""
    from transformers import Sam3VideoModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Sam3VideoModel(tiny_sam3_config())
        _stir(model.tracker_model)
        for parameter in model.detector_model.vision_encoder.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.08)
    path = folder / "sam3"
    model.save_pretrained(path)
    return path


def _stir(model: Any) -> None:
    """Make the random weights of a tracker tell: fresh ones are so small that every mask would be flat, and
    what a memory does could not be seen."""
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.08)
    # An object that is nowhere would have no mask either.
    torch.nn.init.constant_(model.mask_decoder.pred_obj_score_head.proj_out.bias, 50.0)
