from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

from tests.golden.replay import load_clip_as_published  # noqa: E402


def test_the_published_loader_cuts_resizes_and_pads() -> None:
    video = torch.randint(0, 256, (30, 20, 24, 3), dtype=torch.uint8)
    quadmask = torch.full((30, 20, 24), 255, dtype=torch.uint8)
    quadmask[:, :10] = 0
    clip, mask = load_clip_as_published(video, quadmask, (16, 32), 5, 21)
    assert clip.shape == (1, 3, 21, 16, 32)
    assert mask.shape == (1, 1, 21, 16, 32)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
