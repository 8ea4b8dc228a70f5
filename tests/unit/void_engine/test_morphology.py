from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_engine.errors import MatteError, SettingError
from void_engine.geometry import Box
from void_engine.morphology import MATTE_EPSILON, grow, matte_bounds, replacement_weight


def brute_dilation(matte: np.ndarray, radius: float) -> np.ndarray:
    height, width = matte.shape
    ys, xs = np.mgrid[:height, :width]
    grown = np.empty_like(matte)
    for y in range(height):
        for x in range(width):
            grown[y, x] = matte[(ys - y) ** 2 + (xs - x) ** 2 <= radius * radius].max()
    return grown


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.integers(1, 17), st.integers(0, 20))
def test_grow_is_a_grey_dilation_by_a_disc(seed: int, height: int, width: int, radius: int) -> None:
    matte = np.random.default_rng(seed).random((height, width)).astype(np.float32) ** 4
    np.testing.assert_array_equal(grow(matte, radius), brute_dilation(matte, radius))
    np.testing.assert_allclose(grow(matte, -radius), 1 - brute_dilation(1 - matte, radius), atol=1e-7)


def test_fractional_growth_lies_between() -> None:
    matte = np.zeros((21, 21), np.float32)
    matte[10, 10] = 0.8
    between = grow(matte, 2.25)
    np.testing.assert_allclose(between, 0.75 * grow(matte, 2) + 0.25 * grow(matte, 3), atol=1e-6)
    assert between[10, 13] == pytest.approx(0.2)


def test_soft_edges_are_moved_as_they_are() -> None:
    columns = np.clip((20 - np.arange(60)) / 8, 0, 1).astype(np.float32)
    matte = np.tile(columns, (9, 1))
    np.testing.assert_allclose(grow(matte, 5)[:, 5:], matte[:, :-5])
    np.testing.assert_allclose(grow(matte, -5)[:, :-5], matte[:, 5:], atol=1e-7)


def test_the_picture_border_is_no_edge() -> None:
    matte = np.ones((8, 9), np.float32)
    np.testing.assert_array_equal(grow(matte, -3), matte)
    np.testing.assert_array_equal(replacement_weight(matte, matte, -3, 2), matte)


def test_zero_is_a_copy() -> None:
    matte = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    result = grow(matte, 0)
    np.testing.assert_array_equal(result, matte)
    assert not np.shares_memory(result, matte)


def weight_of(matte: np.ndarray, growth: float, softness: float) -> np.ndarray:
    return replacement_weight(matte, np.zeros_like(matte), growth, softness)


@pytest.mark.parametrize(("growth", "softness"), [(0.0, 0.0), (3.0, 0.0), (0.0, 6.0), (4.0, 8.0), (2.5, 3.5)])
def test_weight_is_one_then_a_ramp_then_exactly_zero(growth: float, softness: float) -> None:
    matte = np.zeros((61, 71), np.float32)
    matte[30, 35] = 0.01
    weight = weight_of(matte, growth, softness)
    ys, xs = np.mgrid[:61, :71]
    distance = np.hypot(ys - 30, xs - 35)
    assert (weight[distance <= growth] == 1).all()
    assert (weight[distance >= max(growth + softness, growth + 1e-3)] == 0).all()
    ramp = (distance > growth) & (distance < growth + softness)
    t = 1 - (distance[ramp] - growth) / (softness or 1)
    np.testing.assert_allclose(weight[ramp], t * t * (3 - 2 * t), atol=1e-5)
    assert ramp.any() == (softness > 0)


def test_shrunk_weight_keeps_its_ramp() -> None:
    matte = np.zeros((41, 41), np.float32)
    matte[10:31, 10:31] = 1
    weight = weight_of(matte, -3, 4)
    np.testing.assert_array_equal(weight[20, :10], 0)
    assert weight[20, 13] == 1
    assert 0 < weight[20, 12] < 1
    assert weight[20, 10] > 0
    np.testing.assert_array_equal(weight_of(matte, -30, 4), 0)


def test_tiny_values_of_a_matte_are_nothing_and_small_ones_are_something() -> None:
    matte = np.zeros((9, 9), np.float32)
    matte[4, 4] = MATTE_EPSILON
    assert not weight_of(matte, 2, 2).any()
    matte[4, 4] = 1.5 * MATTE_EPSILON
    assert weight_of(matte, 2, 2)[4, 6] == 1
    matte[:] = np.nan
    assert not weight_of(matte, 2, 2).any()


def test_affected_counts_like_removed() -> None:
    remove, affected = np.zeros((2, 20, 30), np.float32)
    remove[5, 5] = 1
    affected[12, 22] = 0.02
    both = replacement_weight(remove, affected, 1, 3)
    np.testing.assert_array_equal(both, np.maximum(weight_of(remove, 1, 3), weight_of(affected, 1, 3)))
    np.testing.assert_array_equal(both, replacement_weight(affected, remove, 1, 3))


def test_bad_settings_and_sizes() -> None:
    matte = np.zeros((4, 4), np.float32)
    for growth, softness in ((np.nan, 1), (np.inf, 1), (1, -1), (1, np.nan)):
        with pytest.raises(SettingError, match="pixels"):
            replacement_weight(matte, matte, growth, softness)
    with pytest.raises(SettingError, match="nan"):
        grow(matte, np.nan)
    with pytest.raises(SettingError, match="-2"):
        replacement_weight(matte, matte, 1, -2)
    with pytest.raises(MatteError, match="shape"):
        replacement_weight(matte, matte[:2], 1, 1)


def test_bounds() -> None:
    matte = np.zeros((10, 20), np.float32)
    assert matte_bounds(matte).is_empty
    matte[3, 4] = 0.5
    matte[7, 11] = 1
    matte[0, 0] = MATTE_EPSILON / 2
    assert matte_bounds(matte) == Box(4, 3, 12, 8)
