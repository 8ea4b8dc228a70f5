"""A language model that sees: Qwen3-VL (Bai et al. 2025), in the classes of transformers, on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from void_engine import opencv
from void_engine.engines.interface import Monitor
from void_engine.segmentation.reasoning.asking import Turn
from void_engine.segmentation.reasoning.question import SYSTEM
from void_engine.segmentation.reasoning.stills import Movie, Stills

_LONGEST_ANSWER = 3072
"""The most tokens of an answer."""
_TEMPERATURE = 0.7
_IMAGE, _VIDEO = "<|image_pad|>", "<|video_pad|>"
_START, _END = "<|vision_start|>", "<|vision_end|>"
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

    @property
    def watches(self) -> bool:
        """Whether the model's template of conversations knows movies."""
        return "video" in str(self._tokenizer.chat_template)

    def answer(self, shown: Stills, turns: Sequence[Turn], seed: int | None, monitor: Monitor) -> str:
        """Give the model's next turn, as :class:`void_engine.segmentation.reasoning.asking.SeeingModel` says.

        Without a seed the likeliest token is taken each time, so the same question has the same answer.
        """
        from transformers import StoppingCriteriaList

        inputs = self.inputs(shown, turns)

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

    def inputs(self, shown: Stills, turns: Sequence[Turn]) -> dict[str, Any]:
        """What the model is given: the conversation as tokens, with as many places for each picture, and for
        each moment of the movie, as it has merged patches, and the pictures as patches."""
        seen = self._images(images=[np.asarray(each) for each in shown.pictures], return_tensors="pt")
        merged = int(self._images.merge_size) ** 2
        places = [int(grid.prod()) // merged for grid in seen["image_grid_thw"]]
        text = self._conversation(len(shown.pictures), shown.movie is not None, turns)
        parts = text.split(_IMAGE)
        text = parts[0] + "".join(
            _IMAGE * count + part for count, part in zip(places, parts[1:], strict=True)
        )
        pixels = {"pixel_values": seen["pixel_values"], "image_grid_thw": seen["image_grid_thw"]}
        if shown.movie is not None:
            patches, grid_thw = movie_patches(shown.movie, self._images)
            moments = movie_moments(shown.movie, int(self._images.temporal_patch_size))
            each = f"{_START}{_VIDEO * (int(grid_thw[0, 1:].prod()) // merged)}{_END}"
            told = "".join(f"<{moment:.1f} seconds>{each}" for moment in moments)
            # As in training, each moment is a picture of its own after its time.
            text = text.replace(f"{_START}{_VIDEO}{_END}", told, 1)
            pixels |= {"pixel_values_videos": patches, "video_grid_thw": grid_thw}
        tokens = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        ids = tokens["input_ids"]
        image_id, video_id = (self._tokenizer.convert_tokens_to_ids(word) for word in (_IMAGE, _VIDEO))
        found = {
            "input_ids": ids,
            "attention_mask": tokens["attention_mask"],
            "mm_token_type_ids": (ids == image_id).int() + 2 * (ids == video_id).int(),
            **{
                name: value.to(self._model.dtype) if name.startswith("pixel") else value
                for name, value in pixels.items()
            },
        }
        return {name: value.to(self._device) for name, value in found.items()}

    def _conversation(self, count: int, has_movie: bool, turns: Sequence[Turn]) -> str:
        """The conversation as the model's template writes it; pictures and movie come before the question."""
        first, *rest = turns
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
            {
                "role": "user",
                "content": [
                    *({"type": "image"} for _ in range(count)),
                    *([{"type": "video"}] if has_movie else []),
                    {"type": "text", "text": first.text},
                ],
            },
        ]
        # Marks in what was said would end the turn, or stand for pictures.
        for turn in rest:
            text = turn.text.replace("<|", "< |")
            messages.append({"role": turn.who, "content": [{"type": "text", "text": text}]})
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def movie_patches(movie: Movie, images: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """A movie as patches, and its patches in time, down and across (1, 3), with the values of a processor of
    pictures. A picture's height and width become the nearest multiples of a merged patch."""
    patch, merge, deep = (
        int(value) for value in (images.patch_size, images.merge_size, images.temporal_patch_size)
    )
    factor = patch * merge
    shape = [max(1, round(side / factor)) * factor for side in movie.pictures[0].shape[:2]]
    frames = np.stack(
        [opencv.resize(each.astype(np.float32), (shape[0], shape[1]), opencv.AREA) for each in movie.pictures]
    )
    # The last one is held until a patch is full.
    frames = np.concatenate([frames, *[frames[-1:]] * (-len(frames) % deep)])
    mean, std = (np.asarray(values, np.float32) for values in (images.image_mean, images.image_std))
    light = (np.rint(frames) * np.float32(1 / 255) - mean) / std
    times, down, across = len(light) // deep, shape[0] // patch, shape[1] // patch
    patches = light.reshape(
        times, deep, down // merge, merge, patch, across // merge, merge, patch, light.shape[-1]
    ).transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)
    flat = np.ascontiguousarray(patches.reshape(times * down * across, -1), np.float32)
    return torch.from_numpy(flat), torch.tensor([[times, down, across]])


def movie_moments(movie: Movie, deep: int) -> list[float]:
    """When each of the movie's patches in time is shown, in seconds: the middle of its first and last."""
    seconds = [*movie.seconds]
    seconds += [seconds[-1]] * (-len(seconds) % deep)
    return [(seconds[at] + seconds[at + deep - 1]) / 2 for at in range(0, len(seconds), deep)]


def image_processor(folder: Path) -> Any:
    """The processor of pictures that needs no torchvision, with the values of a model folder.

    Raises:
        OSError, ValueError: when the folder has none.
    """
    from transformers import Qwen2VLImageProcessorPil

    found = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))
    return Qwen2VLImageProcessorPil(**{name: found[name] for name in _PROCESSOR_VALUES if name in found})
