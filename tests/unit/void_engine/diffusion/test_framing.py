from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.compression import latent_frames, pixel_frames  # noqa: E402
from void_engine.diffusion.framing import (  # noqa: E402
    load_clip_as_published,
    padded_length,
    padding_indices,
    quantise_quadmask,
)


@pytest.mark.parametrize(
    ("frames", "window", "padded"),
    [(1, 5, 5), (5, 5, 5), (6, 5, 13), (13, 5, 13), (14, 85, 85), (85, 85, 85), (86, 85, 93), (197, 85, 197)],
)
def test_lengths_are_the_shortest_legal_ones(frames: int, window: int, padded: int) -> None:
    assert padded_length(frames, window) == padded
    assert latent_frames(padded) % 2 == 0
    assert pixel_frames(latent_frames(padded)) == padded


def test_no_length_is_too_long_unless_a_limit_is_given() -> None:
    assert padded_length(400, 85) == 405
    assert padded_length(400, 85, 197) == 197


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        padded_length(0, 85)


def test_padding_is_a_palindrome_with_repeated_ends() -> None:
    assert padding_indices(3, 13) == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("value", "removal"),
    [(0, 1.0), (31, 1.0), (31.5, 192 / 255), (95, 192 / 255), (96, 128 / 255), (191, 128 / 255), (192, 0.0)],
)
def test_levels_are_quantised_at_the_loaders_thresholds(value: float, removal: float) -> None:
    assert quantise_quadmask(torch.tensor([value])).item() == pytest.approx(removal, abs=1e-7)


def test_the_published_loader_cuts_resizes_and_pads() -> None:
    video = torch.randint(0, 256, (30, 20, 24, 3), dtype=torch.uint8)
    quadmask = torch.full((30, 20, 24), 255, dtype=torch.uint8)
    quadmask[:, :10] = 0
    clip, mask = load_clip_as_published(video, quadmask, (16, 32), 5, 21)
    assert clip.shape == (1, 3, 21, 16, 32)
    assert mask.shape == (1, 1, 21, 16, 32)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
