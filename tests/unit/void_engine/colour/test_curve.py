from __future__ import annotations

import numpy as np
import pytest

from void_engine.colour import srgb
from void_engine.colour.curve import AcesCct, ShoulderCurve

CEILINGS = [1.0, 1.2, 2.0, 8.0, 64.0, 4096.0]


def halves_up_to(ceiling: float) -> np.ndarray:
    every = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    return every[every <= ceiling]


@pytest.mark.parametrize("ceiling", CEILINGS)
def test_every_half_float_up_to_the_ceiling_comes_back(ceiling: float) -> None:
    curve = ShoulderCurve.reaching(ceiling)
    light = halves_up_to(ceiling)
    code = curve.encode(light)
    assert (np.diff(code) >= 0).all()
    assert code[0] == 0
    assert code[-1] <= 1
    back = curve.decode(code)
    np.testing.assert_allclose(back[1:], light[1:], rtol=1e-3)


@pytest.mark.parametrize("ceiling", CEILINGS)
def test_code_one_is_the_ceiling(ceiling: float) -> None:
    curve = ShoulderCurve.reaching(ceiling)
    assert float(curve.encode(np.float32([ceiling]))[0]) == pytest.approx(1, abs=1e-6)
    assert float(curve.decode(np.float32([1]))[0]) == pytest.approx(ceiling, rel=1e-6)


@pytest.mark.parametrize("ceiling", CEILINGS)
def test_below_the_shoulder_it_is_srgb(ceiling: float) -> None:
    curve = ShoulderCurve.reaching(ceiling)
    light = np.linspace(0, curve.shoulder, 200, dtype=np.float32)
    expected = [srgb.encode_value(float(value)) for value in light]
    np.testing.assert_allclose(curve.encode(light), expected, atol=1e-6)


@pytest.mark.parametrize("ceiling", [1.2, 8.0, 64.0])
def test_there_is_no_kink_at_the_shoulder(ceiling: float) -> None:
    curve = ShoulderCurve.reaching(ceiling)
    step = 1e-3
    light = np.array([curve.shoulder - step, curve.shoulder, curve.shoulder + step])
    code = curve.encode(light.astype(np.float32)).astype(np.float64)
    assert (code[2] - code[1]) / (code[1] - code[0]) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("ceiling", [ceiling for ceiling in CEILINGS if ceiling <= 64])
def test_a_hundredth_of_code_is_never_more_than_a_fifth_of_light(ceiling: float) -> None:
    curve = ShoulderCurve.reaching(ceiling)
    light = np.geomspace(0.18, ceiling, 100).astype(np.float32)
    code = curve.encode(light)
    wrong = curve.decode(np.minimum(code + np.float32(0.01), 1))
    assert (wrong / light - 1).max() < 0.2


def test_a_shot_without_highlights_is_plain_srgb() -> None:
    curve = ShoulderCurve.reaching(1.0)
    assert curve.shoulder == 1
    assert float(curve.encode(np.float32([0.18]))[0]) == pytest.approx(0.4613561, abs=1e-6)


def test_a_chosen_shoulder_is_kept_or_refused() -> None:
    assert ShoulderCurve.reaching(64, 0.5).shoulder == 0.5
    with pytest.raises(ValueError, match="shoulder"):
        ShoulderCurve.reaching(64, 0.1)
    with pytest.raises(ValueError, match="ceiling"):
        ShoulderCurve.reaching(0.5)


def test_acescct_has_its_published_values() -> None:
    curve = AcesCct()
    code = curve.encode(np.float32([0, 0.18, 1.0, 222.875]))
    np.testing.assert_allclose(code, [0.0729055, 0.4135884, 0.5547945, 1.0], atol=2e-5)
    light = halves_up_to(200)
    np.testing.assert_allclose(curve.decode(curve.encode(light)), light, rtol=1e-3, atol=1e-7)
