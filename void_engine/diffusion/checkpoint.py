"""The latents of an unfinished run on disk, so that a killed worker goes on where it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file


def fingerprint(*parts: object) -> str:
    """A name for everything that a run's latents depend on; tensors count by their bytes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, torch.Tensor):
            digest.update(part.contiguous().view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


class Checkpoint:
    """One file for one pass of one run; without a folder nothing is written or found."""

    def __init__(self, folder: str, name: str) -> None:
        self._path = Path(folder) / f"void-{name[:32]}.safetensors" if folder else None

    def load(self) -> tuple[int, torch.Tensor] | None:
        """The next step and the latents before it; None where there is no (whole) checkpoint of this run."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                return int(file.metadata()["next_step"]), file.get_tensor("latents")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None

    def save(self, next_step: int, latents: torch.Tensor) -> None:
        """Replace the checkpoint; the old one stays until the new one is whole."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        save_file({"latents": latents.cpu().contiguous()}, part, {"next_step": str(next_step)})
        part.replace(self._path)

    def discard(self) -> None:
        """The run is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
