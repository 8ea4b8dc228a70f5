from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.propagation import inpainting
from void_engine.propagation.fill import synthesis
from void_engine.propagation.in_memory import SilentMonitor


def test_a_smooth_fill_bridges_a_ramp_in_any_range() -> None:
    ramp = np.tile(np.linspace(-0.2, 2.0, 60, dtype=np.float32)[None, :, None], (40, 1, 3))
    hole = np.zeros((40, 60), bool)
    hole[15:25, 25:35] = True
    filled = inpainting.inpaint(np.where(hole[:, :, None], 0, ramp).astype(np.float32), hole)
    assert np.array_equal(filled[~hole], ramp[~hole])
    assert float(np.abs(filled - ramp)[hole].max()) < 0.15


def stripes() -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(96)
    picture = np.broadcast_to(((x // 4) % 2)[None, :, None], (72, 96, 3)).astype(np.float32)
    hole = np.zeros((72, 96), bool)
    hole[24:48, 36:60] = True
    return np.ascontiguousarray(picture), hole


def test_patches_continue_a_pattern_that_a_smooth_fill_cannot() -> None:
    picture, hole = stripes()
    spoilt = np.where(hole[:, :, None], 0.5, picture).astype(np.float32)
    nothing = np.zeros_like(hole)
    made = synthesis.patch_fill(spoilt, hole, nothing, 1, SilentMonitor())
    assert np.array_equal(made[~hole], picture[~hole])
    # This is the least detail that a clean plate must have.
    assert float(made[hole].std()) > 0.85 * float(picture[hole].std())
    smooth = inpainting.inpaint(spoilt, hole)
    error, smooth_error = (float(np.square(p - picture)[hole].mean()) for p in (made, smooth))
    assert error < smooth_error


def test_a_texture_that_cannot_be_predicted_is_held_back() -> None:
    generator = np.random.default_rng(4)
    blots = generator.normal(0, 1, (72, 96, 1)).astype(np.float32)
    picture = np.repeat(0.5 + 0.5 * opencv.gaussian_blur(blots, 2.0)[:, :, None], 3, axis=2).astype(
        np.float32
    )
    _, hole = stripes()
    spoilt = np.where(hole[:, :, None], 0.5, picture).astype(np.float32)
    made = synthesis.patch_fill(spoilt, hole, np.zeros_like(hole), 1, SilentMonitor())
    simple = [fill(spoilt, hole) for fill in (inpainting.inpaint, inpainting.telea)]
    error, *others = (float(np.square(p - picture)[hole].mean()) for p in (made, *simple))
    assert error < 1.1 * min(others)
    smooth = inpainting.smooth_fill(spoilt, hole)
    assert float(np.diff(made, axis=1)[hole[:, 1:]].std()) > float(np.diff(smooth, axis=1)[hole[:, 1:]].std())


def test_telea_keeps_the_steps_between_any_two_levels() -> None:
    ramp = np.tile(np.linspace(-0.2, 0.1, 60, dtype=np.float32)[None, :, None], (40, 1, 3))
    hole = np.zeros((40, 60), bool)
    hole[15:25, 25:35] = True
    filled = inpainting.telea(np.where(hole[:, :, None], 9, ramp).astype(np.float32), hole)
    assert np.array_equal(filled[~hole], ramp[~hole])
    assert float(np.abs(filled - ramp)[hole].max()) < 0.03
    assert np.array_equal(inpainting.telea(ramp, np.zeros_like(hole)), ramp)
    assert not inpainting.telea(ramp, np.ones_like(hole)).any()


def test_the_same_seed_gives_the_same_picture_and_nothing_forbidden_is_copied() -> None:
    picture, hole = stripes()
    forbidden = np.zeros_like(hole)
    forbidden[:, :16] = True
    picture[:, :16] = 50.0
    first, again = (synthesis.patch_fill(picture, hole, forbidden, 5, SilentMonitor()) for _ in range(2))
    assert np.array_equal(first, again)
    assert float(first[hole].max()) < 1.5


def test_texture_finer_than_the_search_comes_through_at_full_size() -> None:
    generator = np.random.default_rng(2)
    rows, columns = 300, 900
    slow = np.tile(np.linspace(0.2, 0.8, columns, dtype=np.float32)[None, :, None], (rows, 1, 3))
    picture = slow + generator.normal(0, 0.05, (rows, columns, 1)).astype(np.float32)
    hole = np.zeros((rows, columns), bool)
    hole[110:190, 400:500] = True
    spoilt = np.where(hole[:, :, None], 3.0, picture).astype(np.float32)
    made = synthesis.patch_fill(spoilt, hole, np.zeros_like(hole), 1, SilentMonitor())
    assert np.array_equal(made[~hole], picture[~hole])
    fine, true = (np.diff(p[..., 0], axis=1)[120:180, 410:490].std() for p in (made, picture))
    assert 0.7 < fine / true < 1.1
    assert float(np.abs((made - slow)[hole]).mean()) < 0.06


def test_where_nothing_can_be_copied_a_smooth_fill_answers() -> None:
    picture = np.full((40, 40, 3), 0.3, np.float32)
    hole = np.ones((40, 40), bool)
    hole[:, :3] = False
    made = synthesis.patch_fill(picture, hole, np.zeros_like(hole), 1, SilentMonitor())
    assert np.allclose(made, 0.3, atol=1e-3)


def test_a_structure_that_ends_at_the_hole_is_continued() -> None:
    picture = np.full((96, 96, 3), 0.2, np.float32)
    picture[:, 44:52] = 0.9
    hole = np.zeros((96, 96), bool)
    hole[34:62, 34:62] = True
    spoilt = np.where(hole[:, :, None], 0.0, picture).astype(np.float32)
    made = synthesis.patch_fill(spoilt, hole, np.zeros_like(hole), 3, SilentMonitor())
    middle = made[44:52, :, 0].mean(axis=0)
    assert float(middle[46:50].min()) > 0.6
    assert float(middle[36:42].max()) < 0.4
