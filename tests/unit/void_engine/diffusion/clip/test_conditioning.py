from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.clip import conditioning  # noqa: E402

LEVELS = [0.0, 128 / 255, 192 / 255, 1.0]


def test_pass_1_keeps_affected_apart_and_lets_overlap_go() -> None:
    mask = conditioning.three_level_mask(torch.tensor(LEVELS))
    assert torch.equal(mask, torch.tensor([0.0, 127 / 255, 1.0, 1.0]))


def test_the_published_pass_2_lets_affected_go() -> None:
    assert conditioning.binary_mask(torch.tensor(LEVELS)).tolist() == [0, 1, 1, 1]


def test_blanking_touches_only_what_goes() -> None:
    video = torch.full((4,), 0.25)
    assert conditioning.blanked(video, torch.tensor(LEVELS)).tolist() == [0.25, 0.25, -1, -1]


def test_noise_spares_true_black() -> None:
    video = torch.tensor([-1.0, 0.0, 1.0])
    noised = conditioning.noised(video, torch.ones(3), 0.5)
    assert noised.tolist() == [-1.0, 0.5, 1.5]


def test_the_mask_comes_before_the_plate() -> None:
    mask, video = torch.zeros(1, 16, 4, 2, 2), torch.ones(1, 16, 4, 2, 2)
    condition = conditioning.join_condition(mask, video)
    assert condition.shape == (1, 4, 32, 2, 2)
    assert condition[:, :, :16].sum() == 0
    assert condition[:, :, 16:].min() == 1
