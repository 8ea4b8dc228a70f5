"""Prompts become tokens and embeddings, as the denoiser was trained with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from void_engine.diffusion.errors import ModelFolderError


class PromptTokenizer:
    """T5's tokenizer from the model folder; it never uses the network."""

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError) as error:
            raise ModelFolderError(f"{folder}: no usable tokenizer ({error})") from error

    def tokenize(self, prompt: str, length: int) -> torch.Tensor:
        """Turn a prompt into (1, length) int64: its tokens, the end token 1, then padding 0.

        Longer prompts are cut.
        """
        ids: torch.Tensor = self._tokenizer(
            [prompt],
            padding="max_length",
            max_length=length,
            truncation=True,
            add_special_tokens=True,
            return_tensors="pt",
        ).input_ids
        return ids

    def count(self, prompt: str) -> int:
        """The number of tokens of a prompt, uncut, with its end token."""
        return len(self._tokenizer([prompt], add_special_tokens=True).input_ids[0])


@torch.no_grad()
def encode_tokens(encoder: Any, ids: torch.Tensor) -> torch.Tensor:
    """Encode tokens (1, S) to embeddings (1, S, D), without an attention mask, as in training."""
    embeds: torch.Tensor = encoder(ids)[0]
    return embeds
