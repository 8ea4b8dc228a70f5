from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.sampling.latent_checkpoint import Checkpoint, fingerprint  # noqa: E402


def test_what_was_saved_is_found_until_it_is_discarded(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "new", fingerprint("run"))
    assert checkpoint.load() is None
    latents = torch.randn(1, 2, 16, 4, 4)
    checkpoint.save(3, latents)
    checkpoint.save(4, latents + 1)
    step, found = checkpoint.load() or (0, latents)
    assert step == 4
    assert torch.equal(found, latents + 1)
    checkpoint.discard()
    assert checkpoint.load() is None


def test_another_run_has_another_checkpoint(tmp_path: Path) -> None:
    latents = torch.zeros(1, 2, 16, 4, 4)
    Checkpoint(tmp_path, fingerprint("run", latents)).save(3, latents)
    assert Checkpoint(tmp_path, fingerprint("run", latents + 1)).load() is None


def test_a_broken_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, fingerprint("run"))
    checkpoint.save(1, torch.zeros(2))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert checkpoint.load() is None


def test_without_a_folder_nothing_is_written() -> None:
    checkpoint = Checkpoint(None, fingerprint("run"))
    checkpoint.save(1, torch.zeros(2))
    assert checkpoint.load() is None
    checkpoint.discard()


def test_a_folder_that_cannot_be_written_ends_the_checkpoints_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    checkpoint = Checkpoint(tmp_path / "file", fingerprint("run"), said.append)
    checkpoint.save(1, torch.zeros(2))
    checkpoint.save(2, torch.zeros(2))
    assert len(said) == 1
    assert "no checkpoints are kept" in said[0]
    checkpoint.discard()


def test_what_nobody_came_back_for_goes(tmp_path: Path) -> None:
    checkpoint, forgotten = (Checkpoint(tmp_path, fingerprint(name)) for name in ("run", "forgotten"))
    forgotten.save(1, torch.zeros(2))
    (old,) = tmp_path.iterdir()
    checkpoint.save(1, torch.zeros(2))
    assert len(list(tmp_path.iterdir())) == 2
    os.utime(old, (0, 0))
    checkpoint.save(2, torch.zeros(2))
    assert old not in tmp_path.iterdir()
    assert checkpoint.load() is not None
