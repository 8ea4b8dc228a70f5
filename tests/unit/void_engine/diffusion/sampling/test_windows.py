from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="the diffusion extra is not installed")

from void_engine.diffusion.sampling.windows import Window, WindowBlend, plan_windows, ramp_weights  # noqa: E402


def test_published_windows_of_197_frames() -> None:
    assert plan_windows(50, 22, 4) == [Window(0, 22), Window(18, 40), Window(36, 50)]


def test_a_last_window_is_moved_back_to_full_length() -> None:
    assert plan_windows(50, 22, 4, full_last=True)[-1] == Window(28, 50)


def test_a_short_shot_is_one_window() -> None:
    assert plan_windows(22, 22, 4) == [Window(0, 22)]
    assert plan_windows(2, 22, 30) == [Window(0, 2)]


@pytest.mark.parametrize("full_last", [False, True])
def test_windows_of_every_length_cover_every_latent_and_start_even(full_last: bool) -> None:
    for latents in range(24, 140, 2):
        windows = plan_windows(latents, 22, 4, full_last=full_last)
        assert windows[0].start == 0, latents
        assert windows[-1].stop == latents
        assert all(window.start % 2 == 0 and window.length % 2 == 0 for window in windows), latents
        assert all(after.start < before.stop for before, after in pairwise(windows)), latents


@pytest.mark.parametrize(("window", "overlap"), [(22, 22), (22, 23), (1, 1), (4, -1)])
def test_windows_that_never_get_on_are_refused(window: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        plan_windows(50, window, overlap)


def test_ramps_rise_over_inner_borders_only() -> None:
    windows = plan_windows(50, 22, 4)
    first, last = ramp_weights(windows, 0), ramp_weights(windows, 2)
    assert first[:18].tolist() == [1.0] * 18
    assert first[18:].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert last[:4].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize("full_last", [False, True])
def test_what_all_windows_agree_on_is_kept(full_last: bool) -> None:
    latents = torch.randn(1, 50, 16, 2, 3)
    windows = plan_windows(50, 22, 4, full_last=full_last)
    blend = WindowBlend(windows, latents)
    for index, window in enumerate(windows):
        blend.add(index, latents[:, window.start : window.stop])
    torch.testing.assert_close(blend.result(), latents)


def test_windows_that_share_nothing_are_put_side_by_side() -> None:
    windows = plan_windows(8, 4, 0)
    assert windows == [Window(0, 4), Window(4, 8)]
    blend = WindowBlend(windows, torch.zeros(1, 8, 1, 1, 1))
    for index, value in enumerate((1.0, 2.0)):
        blend.add(index, torch.full((1, 4, 1, 1, 1), value))
    assert blend.result().flatten().tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
