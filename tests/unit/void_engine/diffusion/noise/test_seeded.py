from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.noise.seeded import condition_noise, initial_noise, initial_noise_as_published  # noqa: E402


def test_a_frame_has_the_same_noise_whatever_the_length_of_the_shot() -> None:
    assert torch.equal(initial_noise(42, 4, 6, 8), initial_noise(42, 10, 6, 8)[:, :4])


def test_conditioning_noise_does_not_depend_on_how_it_is_grouped() -> None:
    whole = condition_noise(42, 0, 13, 16, 24)
    parts = torch.cat([condition_noise(42, 0, 8, 16, 24), condition_noise(42, 8, 13, 16, 24)], dim=2)
    assert torch.equal(whole, parts)


def test_purposes_seeds_and_frames_are_independent() -> None:
    assert not torch.equal(initial_noise(1, 2, 6, 8), initial_noise(2, 2, 6, 8))
    two = initial_noise(1, 2, 6, 8)
    assert not torch.equal(two[:, 0], two[:, 1])


def test_other_random_numbers_do_not_disturb_it() -> None:
    before = initial_noise(5, 2, 6, 8)
    torch.manual_seed(99)
    torch.rand(10)
    assert torch.equal(initial_noise(5, 2, 6, 8), before)


def test_the_published_noise_is_one_draw() -> None:
    expected = torch.randn(1, 6, 16, 4, 6, generator=torch.Generator().manual_seed(42))
    assert torch.equal(initial_noise_as_published(42, 6, 4, 6), expected)
