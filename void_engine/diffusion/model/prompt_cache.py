"""Keeps the embeddings of prompts on disk, so that the 9 GiB text encoder is loaded only for new prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from void_engine.caches import cache_folder
from void_engine.diffusion.model.folder import ModelFolder
from void_engine.diffusion.model.weights import weight_files
from void_engine.plates.storage.durable import temporary_for


class PromptCache:
    """A cache of embeddings with one file for each prompt, text encoder and precision."""

    def __init__(self, folder: ModelFolder, dtype: torch.dtype, root: Path | None = None) -> None:
        self._root = (root or cache_folder()) / "prompts"
        stamps = [
            f"{path.name}/{path.stat().st_size}/{path.stat().st_mtime_ns}"
            for path in weight_files(folder.text_encoder / "model.safetensors")
        ]
        self._encoder = "|".join([*stamps, str(dtype)])

    def get(
        self, prompts: list[str], encode: Callable[[list[str]], list[torch.Tensor]]
    ) -> list[torch.Tensor]:
        """The embeddings (1, S, D) of prompts.

        ``encode`` is called at most once, with the prompts that are not on disk. A cache that cannot be read
        or written is no error, since the prompt can always be encoded again.
        """
        stored = {prompt: self._read(prompt) for prompt in prompts}
        found = {prompt: embedding for prompt, embedding in stored.items() if embedding is not None}
        missing = [prompt for prompt in stored if prompt not in found]
        if missing:
            for prompt, embedding in zip(missing, encode(missing), strict=True):
                found[prompt] = embedding
                self._write(prompt, embedding)
        return [found[prompt] for prompt in prompts]

    def _path(self, prompt: str) -> Path:
        name = hashlib.sha256(f"{self._encoder}\n{prompt}".encode()).hexdigest()
        return self._root / f"{name}.safetensors"

    def _read(self, prompt: str) -> torch.Tensor | None:
        path = self._path(prompt)
        try:
            if not path.is_file():
                return None
            embedding = load_file(path)["embedding"]
            with suppress(OSError):
                path.touch()  # Where caches are too large, the least recently used go first.
            return embedding
        except (OSError, SafetensorError, KeyError):
            return None

    def _write(self, prompt: str, embedding: torch.Tensor) -> None:
        path = self._path(prompt)
        # Without the file, the prompt is encoded again the next time.
        with suppress(OSError, SafetensorError):
            self._root.mkdir(parents=True, exist_ok=True)
            with temporary_for(path) as temporary:
                save_file({"embedding": embedding.contiguous()}, temporary)
