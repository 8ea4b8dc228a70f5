"""A language model that sees: Qwen3-VL (Bai et al. 2025), in the classes of transformers, on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from void_engine.arrays import Uint8Array
from void_engine.engines.interface import Monitor
from void_engine.segmentation.reasoning.asking import Turn
from void_engine.segmentation.reasoning.question import SYSTEM

_LONGEST_ANSWER = 3072
"""The most tokens of an answer."""
_TEMPERATURE = 0.7
_IMAGE = "<|image_pad|>"
_PROCESSOR_VALUES = (
    "size", "min_pixels", "max_pixels", "patch_size", "temporal_patch_size", "merge_size", "image_mean",
    "image_std",
)  # fmt: skip
"""What a model folder says about its pictures."""


class QwenVision:
    """A loaded Qwen3-VL with its tokenizer and its processor of pictures, which needs no torchvision."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any, device: torch.device) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._images = image_processor
        self._device = device

    @classmethod
    def load(cls, folder: Path, device: torch.device) -> QwenVision:
        """Load a model folder. Nothing is fetched, and no code of the folder is run."""
        from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        model: Any = Qwen3VLForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=dtype
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return cls(model.eval().to(device), tokenizer, image_processor(folder), device)

    def answer(
        self, pictures: Sequence[Uint8Array], turns: Sequence[Turn], seed: int | None, monitor: Monitor
    ) -> str:
        """Give the model's next turn, as :class:`void_engine.segmentation.reasoning.asking.SeeingModel` says.

        Without a seed the likeliest token is taken each time, so the same question has the same answer.
        """
        from transformers import StoppingCriteriaList

        inputs = self.inputs(pictures, turns)

        def stop(ids: Any, scores: Any, **about: Any) -> Any:
            monitor.check_cancelled()
            return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

        how: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if seed is not None:
            how = {"do_sample": True, "temperature": _TEMPERATURE, "top_p": 0.9, "top_k": 50}
        on_device = [self._device] if self._device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=on_device):
            torch.manual_seed(seed or 0)
            made = self._model.generate(
                **inputs,
                **how,
                max_new_tokens=_LONGEST_ANSWER,
                stopping_criteria=StoppingCriteriaList([stop]),
            )
        said = made[0, inputs["input_ids"].shape[1] :]
        return str(self._tokenizer.decode(said, skip_special_tokens=True))

    def inputs(self, pictures: Sequence[Uint8Array], turns: Sequence[Turn]) -> dict[str, Any]:
        """What the model is given: the conversation as tokens, with as many places for each picture as it has
        merged patches, and the pictures as patches."""
        seen = self._images(images=[np.asarray(each) for each in pictures], return_tensors="pt")
        merged = int(self._images.merge_size) ** 2
        places = [int(grid.prod()) // merged for grid in seen["image_grid_thw"]]
        text = self._conversation(len(pictures), turns)
        parts = text.split(_IMAGE)
        text = parts[0] + "".join(
            _IMAGE * count + part for count, part in zip(places, parts[1:], strict=True)
        )
        tokens = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        ids = tokens["input_ids"]
        image_id = self._tokenizer.convert_tokens_to_ids(_IMAGE)
        found = {
            "input_ids": ids,
            "attention_mask": tokens["attention_mask"],
            "mm_token_type_ids": (ids == image_id).int(),
            "pixel_values": seen["pixel_values"].to(self._model.dtype),
            "image_grid_thw": seen["image_grid_thw"],
        }
        return {name: value.to(self._device) for name, value in found.items()}

    def _conversation(self, count: int, turns: Sequence[Turn]) -> str:
        """The conversation as the model's template writes it; the pictures come before the question."""
        first, *rest = turns
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
            {
                "role": "user",
                "content": [*({"type": "image"} for _ in range(count)), {"type": "text", "text": first.text}],
            },
        ]
        # Marks in what was said would end the turn, or stand for pictures.
        for turn in rest:
            text = turn.text.replace("<|", "< |")
            messages.append({"role": turn.who, "content": [{"type": "text", "text": text}]})
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def image_processor(folder: Path) -> Any:
    """The processor of pictures that needs no torchvision, with the values of a model folder.

    Raises:
        OSError, ValueError: when the folder has none.
    """
    from transformers import Qwen2VLImageProcessorPil

    found = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))
    return Qwen2VLImageProcessorPil(**{name: found[name] for name in _PROCESSOR_VALUES if name in found})
