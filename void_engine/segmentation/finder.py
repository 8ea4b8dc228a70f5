"""Finds objects by words on single frames with SAM 3, in the classes of transformers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from void_engine.arrays import BoolArray
from void_engine.engines.interface import Monitor
from void_engine.segmentation.pictures import model_pixels, spread
from void_engine.segmentation.tracker import Pictures

_MEAN = _STD = (0.5, 0.5, 0.5)
_LOOKED_AT = 5
"""On so many frames, spread over the shot, words are looked for."""
_LEAST_SCORE = 0.5
_SAME = 0.6
"""Masks that share this of the smaller one show the same thing."""
MOST_INSTANCES = 8
"""The most that are told apart of what is called alike."""
_LONGEST = 32
"""The length of the words in tokens, to which they are filled up or cut."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is called so on a frame."""

    frame: int
    scores: tuple[float, ...]
    """The score, 0..1, of each of them, the surest first."""
    masks: tuple[BoolArray, ...]
    """(H, W) of each."""

    @property
    def score(self) -> float:
        return self.scores[0]

    @property
    def mask(self) -> BoolArray:
        """(H, W): all of them together."""
        return np.asarray(np.any(np.stack(self.masks), axis=0), bool)


class Sam3Finder:
    """A loaded SAM 3 image model with its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, device: torch.device) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = device
        self._size = int(model.config.vision_config.backbone_config.image_size)

    @classmethod
    def load(cls, folder: Path, device: torch.device) -> Sam3Finder:
        """Load a model folder. Nothing is fetched, and no code of the folder is run."""
        from transformers import AutoTokenizer, Sam3Model

        model: Any = Sam3Model.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return cls(model.eval().to(device), tokenizer, device)

    def find(
        self,
        words: str,
        pictures: Pictures,
        count: int,
        size: tuple[int, int],
        monitor: Monitor,
        frames: list[int] | None = None,
    ) -> list[Found]:
        """Look for what is called ``words`` on some frames.

        Args:
            words: such as "red ball".
            pictures: the frames of the shot.
            count: how many there are.
            size: height and width of the pictures.
            monitor: may stop it.
            frames: the frames to look at; None for some that are spread over the shot.

        Returns:
            What is found on them, the frame with the surest first; empty where nothing is called so.
        """
        all_found: list[Found] = []
        for frame in frames if frames is not None else spread(count, _LOOKED_AT):
            monitor.check_cancelled()
            found = self.on_frame(words, pictures, frame, size)
            if found is not None:
                all_found.append(found)
        return sorted(all_found, key=lambda found: (-found.score, found.frame))

    def on_frame(self, words: str, pictures: Pictures, frame: int, size: tuple[int, int]) -> Found | None:
        """All that is called ``words`` on one frame; None where there is none."""
        pixels = model_pixels(pictures(frame), self._size, _MEAN, _STD)[None].to(self._device)
        text = self._tokenizer(
            [words], return_tensors="pt", padding="max_length", max_length=_LONGEST, truncation=True
        )
        with torch.inference_mode():
            output = self._model(
                pixel_values=pixels,
                input_ids=text["input_ids"].to(self._device),
                attention_mask=text["attention_mask"].to(self._device),
            )
        scores = output.pred_logits[0].sigmoid()
        if output.presence_logits is not None:
            scores = scores * output.presence_logits[0].sigmoid()
        kept = scores > _LEAST_SCORE
        if not bool(kept.any()):
            return None
        masks = functional.interpolate(
            output.pred_masks[0][kept].sigmoid()[None], size=size, mode="bilinear", align_corners=False
        )[0]
        chosen = _distinct(scores[kept].cpu().numpy(), np.asarray((masks > 0.5).cpu().numpy(), bool))
        if not chosen:
            return None
        return Found(frame, tuple(score for score, _ in chosen), tuple(mask for _, mask in chosen))


def _distinct(scores: np.ndarray, masks: BoolArray) -> list[tuple[float, BoolArray]]:
    """The surest masks (n, H, W) of those that show the same thing, the surest first."""
    chosen: list[tuple[float, BoolArray]] = []
    for index in np.argsort(-scores, kind="stable"):
        mask, area = masks[index], int(masks[index].sum())
        shared = [int((mask & other).sum()) / max(1, min(area, int(other.sum()))) for _, other in chosen]
        if area and max(shared, default=0.0) <= _SAME and len(chosen) < MOST_INSTANCES:
            chosen.append((float(scores[index]), mask))
    return chosen
