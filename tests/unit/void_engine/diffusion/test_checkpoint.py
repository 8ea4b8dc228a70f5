from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.checkpoint import Checkpoint, fingerprint  # noqa: E402


def test_what_was_saved_is_found_until_it_is_discarded(tmp_path: Path) -> None:
    checkpoint = Checkpoint(str(tmp_path / "new"), fingerprint("run"))
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
    Checkpoint(str(tmp_path), fingerprint("run", latents)).save(3, latents)
    assert Checkpoint(str(tmp_path), fingerprint("run", latents + 1)).load() is None


def test_a_broken_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoint = Checkpoint(str(tmp_path), fingerprint("run"))
    checkpoint.save(1, torch.zeros(2))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert checkpoint.load() is None


def test_without_a_folder_nothing_is_written() -> None:
    checkpoint = Checkpoint("", fingerprint("run"))
    checkpoint.save(1, torch.zeros(2))
    assert checkpoint.load() is None
    checkpoint.discard()
