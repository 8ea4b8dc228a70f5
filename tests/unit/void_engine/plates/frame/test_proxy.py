from __future__ import annotations

import numpy as np
import pytest

from void_engine.errors import SettingError
from void_engine.geometry import Box
from void_engine.plates.frame.proxy import area_average, divisor_of, proxy_size, proxy_window


@pytest.mark.parametrize(("scale", "divisor"), [(1, 1), (0.5, 2), (1 / 3, 3), (0.25, 4), (0.125, 8)])
def test_takes_one_over_a_whole_number(scale: float, divisor: int) -> None:
    assert divisor_of(scale) == divisor


@pytest.mark.parametrize("scale", [0, -0.5, 0.3, 2, 1.5, 0.75])
def test_refuses_other_scales(scale: float) -> None:
    with pytest.raises(SettingError, match="proxy scale"):
        divisor_of(scale)


def test_the_proxy_covers_everything() -> None:
    assert proxy_size((1921, 1080), 4) == (481, 270)
    assert proxy_window(Box(-5, 3, 61, 48), 4) == Box(-2, 0, 16, 12)


@pytest.mark.parametrize("divisor", [2, 4, 8])
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_averages_whole_cells(divisor: int, channels: int) -> None:
    pixels = np.random.default_rng(1).random((6 * divisor, 9 * divisor, channels)).astype(np.float32)
    window = Box.from_size(9 * divisor, 6 * divisor)
    small = area_average(pixels, window, window, divisor)
    expected = pixels.reshape(6, divisor, 9, divisor, channels).mean(axis=(1, 3))
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, expected, rtol=1e-5)


def test_a_flat_plate_of_odd_size_stays_flat() -> None:
    window = Box.from_size(13, 7)
    small = area_average(np.full((7, 13, 3), 0.5, np.float16), window, window, 4)
    assert small.shape == (2, 4, 3)
    assert (small == np.float16(0.5)).all()


def test_what_is_not_stored_is_black_inside_the_display_window() -> None:
    display = Box.from_size(8, 8)
    small = area_average(np.ones((4, 3, 1), np.float32), Box(0, 0, 3, 4), display, 4)
    assert small.shape == (1, 1, 1)
    assert small[0, 0, 0] == pytest.approx(12 / 16)


def test_a_data_window_beyond_the_display_window_keeps_its_grid() -> None:
    # The plate has columns -2..5 of a ramp, and cells of two start at even columns.
    ramp = np.arange(-2, 6, dtype=np.float32)[None, :, None].repeat(2, axis=0)
    small = area_average(ramp, Box(-2, 0, 6, 2), Box.from_size(4, 2), 2)
    np.testing.assert_array_equal(small[0, :, 0], [-1.5, 0.5, 2.5, 4.5])


def test_numbers_of_objects_are_picked_not_averaged() -> None:
    ids = np.arange(16, dtype=np.uint32).reshape(4, 4, 1) + np.uint32(2**31)
    window = Box.from_size(4, 4)
    small = area_average(ids, window, window, 2)
    assert small.dtype == np.uint32
    np.testing.assert_array_equal(small[..., 0] - 2**31, [[0, 2], [8, 10]])


def test_one_broken_pixel_does_not_spread_as_nan() -> None:
    pixels = np.ones((2, 4, 1), np.float16)
    pixels[0, 0], pixels[0, 2] = np.nan, np.inf
    window = Box.from_size(4, 2)
    small = area_average(pixels, window, window, 2)
    assert small[0, 0, 0] == np.float16(0.75)
    assert np.isfinite(small).all()
