"""The measures that find what an eye finds: single wrong pixels, fine streaks along an outline, flicker."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.propagation_metrics import Score, display, score, true_flows
from void_engine.arrays import BoolArray, Float32Array

_SHAPE = (6, 40, 60)


def _scene() -> tuple[Float32Array, Float32Array]:
    generator = np.random.default_rng(1)
    truth = np.repeat(generator.uniform(0.1, 0.4, (1, *_SHAPE[1:], 3)), _SHAPE[0], axis=0).astype(np.float32)
    matte = np.zeros(_SHAPE, np.float32)
    matte[:, 10:30, 15:45] = 1
    return truth, matte


def _score(
    clean: Float32Array, truth: Float32Array, matte: Float32Array, region: BoolArray | None = None
) -> Score:
    return score(truth, matte, truth, clean, true_flows(display(truth)), region)


def test_the_truth_has_no_error() -> None:
    truth, matte = _scene()
    found = _score(truth, truth, matte)
    assert (found.p99, found.rim, found.thin, found.flicker, found.temporal, found.leak) == (0,) * 6
    assert found.detail == pytest.approx(1)


def test_a_steady_error_does_not_flicker_and_one_in_every_other_frame_does() -> None:
    truth, matte = _scene()
    steady, switching = truth.copy(), truth.copy()
    steady[:, 10:30, 15:45] *= 1.2
    switching[::2, 10:30, 15:45] *= 1.2
    assert _score(steady, truth, matte).flicker == pytest.approx(0, abs=1e-4)
    assert _score(switching, truth, matte).flicker > 2


def test_few_very_wrong_pixels_raise_the_99th_percentile_and_hardly_the_psnr() -> None:
    truth, matte = _scene()
    spots, even = truth.copy(), truth.copy()
    spots[:, 12:14, 20:26] = 1.0
    even[:, 10:30, 15:45] *= 1.25
    assert _score(spots, truth, matte).p99 > 0.3
    assert _score(even, truth, matte).p99 < 0.1


def test_a_streak_along_the_outline_counts_and_one_in_the_middle_does_not() -> None:
    truth, matte = _scene()
    outer, middle = truth.copy(), truth.copy()
    outer[:, 10, 15:45] += 0.1
    middle[:, 20, 22:38] += 0.1
    assert _score(outer, truth, matte).rim > 1
    assert _score(middle, truth, matte).rim < 0.01


def test_a_slow_error_that_fades_at_the_outline_is_not_fine() -> None:
    truth, matte = _scene()
    slow = truth.copy()
    bump = np.sin(np.linspace(0, np.pi, 20))[:, None] * np.sin(np.linspace(0, np.pi, 30))
    slow[:, 10:30, 15:45] += 0.1 * bump[None, :, :, None].astype(np.float32) ** 2
    assert _score(slow, truth, matte).rim < 0.3


def test_the_pixels_just_outside_a_matte_that_is_too_tight_are_measured() -> None:
    truth, matte = _scene()
    region = np.zeros(_SHAPE, bool)
    region[:, 8:32, 13:47] = True
    clean = truth.copy()
    clean[:, 8:10, 13:47] += 0.2
    assert _score(clean, truth, matte).leak == pytest.approx(0.2, abs=1e-6)
    found = _score(clean, truth, matte, region)
    assert found.leak == 0
    assert found.psnr_db < 40


def test_thin_is_what_is_at_most_17_pixels_across() -> None:
    truth, wide = _scene()
    wire = np.zeros(_SHAPE, np.float32)
    wire[:, 20:25] = 1
    clean = truth.copy()
    clean[:, 22] += 0.1
    assert _score(clean, truth, wire).thin > 0
    wide[:, 10:30] = 1
    assert _score(clean, truth, wide).thin == 0
