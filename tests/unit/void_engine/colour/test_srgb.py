from __future__ import annotations

import numpy as np
import pytest

from void_engine.colour import srgb


@pytest.mark.parametrize(
    ("linear", "code"),
    # These are the values of IEC 61966-2-1 to six digits.
    [(0.0, 0.0), (0.002, 0.02584), (0.0031308, 0.040450), (0.18, 0.461356), (1.0, 1.0), (-0.001, -0.01292)],
)
def test_known_values(linear: float, code: float) -> None:
    assert srgb.encode(np.array([linear]))[0] == pytest.approx(code, abs=2e-6)
    assert srgb.decode(np.array([code]))[0] == pytest.approx(linear, abs=2e-6)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_there_and_back_in_the_same_type(kind: type) -> None:
    light = np.linspace(-0.1, 2.0, 4001, dtype=kind)
    code = srgb.encode(light)
    back = srgb.decode(code)
    assert code.dtype == back.dtype == kind
    assert (np.diff(code) > 0).all()
    np.testing.assert_allclose(back, light, atol=2e-6 if kind is np.float32 else 1e-14)


def test_one_value_is_as_many() -> None:
    light = np.linspace(0.0, 1.0, 257)
    np.testing.assert_allclose([srgb.encode_value(float(x)) for x in light], srgb.encode(light), rtol=1e-15)


def test_the_slope_is_the_derivative() -> None:
    step = 1e-6
    measured = (srgb.encode_value(0.5 + step) - srgb.encode_value(0.5 - step)) / (2 * step)
    assert srgb.slope(0.5) == pytest.approx(measured, rel=1e-6)
