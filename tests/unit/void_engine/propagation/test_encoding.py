from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from void_engine.propagation import encoding


@given(st.lists(st.floats(-500, 60000, width=32), min_size=1, max_size=20))
def test_there_and_back(values: list[float]) -> None:
    linear = np.array(values, np.float32)
    assert np.allclose(encoding.decode(encoding.encode(linear)), linear, rtol=2e-5, atol=1e-7)


def test_one_is_about_one_and_signs_are_kept() -> None:
    encoded = encoding.encode(np.array([1.0, 0.0, -1.0], np.float32))
    assert abs(float(encoded[0]) - 1) < 0.01
    assert encoded[1] == 0
    assert encoded[2] == -encoded[0]


def test_magnitudes_beyond_half_float_are_clipped_both_ways() -> None:
    assert np.isfinite(encoding.encode(np.array([3e38], np.float32))).all()
    assert float(encoding.decode(np.array([50.0], np.float32))[0]) <= encoding.LARGEST * 1.001


def test_the_stretch_uses_visible_pixels_only() -> None:
    brightness = np.tile(np.linspace(0.2, 0.8, 64, dtype=np.float32), (64, 1))
    visible = np.ones((64, 64), bool)
    plain = encoding.eight_bit(brightness, visible)
    brightness[:, :20] = 5.0
    visible[:, :20] = False
    again = encoding.eight_bit(brightness, visible)
    assert int(plain.min()) < 15
    assert int(plain.max()) > 240
    assert int(again[:, 20:].max()) > 240
    assert int(again[:, 20:].min()) < 20


def test_noise_on_a_flat_picture_is_not_blown_up() -> None:
    flat = np.full((32, 32), 0.5, np.float32) + np.random.default_rng(0).normal(0, 1e-4, (32, 32)).astype(
        np.float32
    )
    assert float(encoding.eight_bit(flat, np.ones((32, 32), bool)).std()) < 2


@given(st.lists(st.floats(-2.0, 64.0, width=32), min_size=1))
def test_codes_of_a_display_and_back(values: list[float]) -> None:
    encoded = encoding.encode(np.array(values, np.float32))
    assert np.allclose(encoding.from_display(encoding.to_display(encoded)), encoded, atol=1e-5)


def test_the_mean_of_codes_is_near_the_middle_that_a_display_shows() -> None:
    """Black and white; the middle code of the sRGB curve is 0.214 in linear light."""
    ends = encoding.encode(np.array([0.0, 1.0], np.float32))
    middle = encoding.from_display(np.array([encoding.to_display(ends).mean()], np.float32))
    assert abs(float(encoding.decode(middle)[0]) - 0.214) < 0.04
    assert float(encoding.decode(np.array([ends.mean()], np.float32))[0]) < 0.13, "the encoding's own mean"
