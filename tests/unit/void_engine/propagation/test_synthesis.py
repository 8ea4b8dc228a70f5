from __future__ import annotations

import numpy as np

from void_engine.propagation import synthesis
from void_engine.propagation.arrays import SilentMonitor


def test_a_smooth_fill_bridges_a_ramp_in_any_range() -> None:
    ramp = np.tile(np.linspace(-0.2, 2.0, 60, dtype=np.float32)[None, :, None], (40, 1, 3))
    hole = np.zeros((40, 60), bool)
    hole[15:25, 25:35] = True
    filled = synthesis.spatial(np.where(hole[:, :, None], 0, ramp).astype(np.float32), hole)
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
    assert float(made[hole].std()) > 0.35
    smooth = synthesis.spatial(spoilt, hole)
    error, smooth_error = (float(np.square(p - picture)[hole].mean()) for p in (made, smooth))
    assert error < smooth_error


def test_the_same_seed_gives_the_same_picture_and_nothing_forbidden_is_copied() -> None:
    picture, hole = stripes()
    forbidden = np.zeros_like(hole)
    forbidden[:, :16] = True
    picture[:, :16] = 50.0
    first, again = (synthesis.patch_fill(picture, hole, forbidden, 5, SilentMonitor()) for _ in range(2))
    assert np.array_equal(first, again)
    assert float(first[hole].max()) < 1.5
