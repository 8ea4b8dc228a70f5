"""Checkpoints: the latents of an unfinished run on disk, so that a killed worker resumes where it was."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from void_engine.plates.storage.durable import put_in_place

# A checkpoint that was not used for this long belongs to a job that will not be run again.
_KEPT_S = 14 * 24 * 3600.0


def fingerprint(*parts: object) -> str:
    """A hash of everything that a run's latents depend on; tensors count by their bytes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, torch.Tensor):
            digest.update(part.contiguous().view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


class Checkpoint:
    """The checkpoint file of one pass of one run; without a folder nothing is written or found."""

    def __init__(
        self, folder: Path | None, name: str, log: Callable[[str], None] = lambda line: None
    ) -> None:
        """Name the checkpoint.

        Args:
            folder: the folder of checkpoints; None for no checkpoints.
            name: the :func:`fingerprint` of the run.
            log: called once if the folder cannot be written, which does not stop the run.
        """
        self._path = folder / f"void-{name[:32]}.safetensors" if folder is not None else None
        self._log = log

    def load(self) -> tuple[int, torch.Tensor] | None:
        """Read the next step and the latents before it; None when this run has no complete checkpoint."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                return int(file.metadata()["next_step"]), file.get_tensor("latents")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None

    def save(self, next_step: int, latents: torch.Tensor) -> None:
        """Replace the checkpoint; the old one stays until the new one is complete."""
        if self._path is None:
            return
        part = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._drop_forgotten()
            save_file({"latents": latents.cpu().contiguous()}, part, {"next_step": str(next_step)})
            put_in_place(part, self._path)
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            self._log(f"no checkpoints are kept: {self._path.parent} cannot be written ({error})")
            self._path = None

    def discard(self) -> None:
        """Delete the checkpoint, because the run is done."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _drop_forgotten(self) -> None:
        assert self._path is not None
        oldest = time.time() - _KEPT_S
        for other in self._path.parent.glob("void-*"):
            with suppress(OSError):
                if other != self._path and other.stat().st_mtime < oldest:
                    other.unlink()
