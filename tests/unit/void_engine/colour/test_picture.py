from __future__ import annotations

import numpy as np
import pytest

from void_engine.colour.encodings import ENCODINGS
from void_engine.colour.exposure import ShotLight
from void_engine.colour.picture import ModelPicture, plan_picture
from void_engine.colour.primaries import primaries_of
from void_engine.errors import SettingError


def hdr_plate() -> np.ndarray:
    draw = np.random.default_rng(3)
    plate = 2.0 ** draw.uniform(-12, 6, (48, 64, 3))
    plate[:8] *= -0.02
    plate[0, 0] = (1.5, 0.1, 0.02)
    plate[0, 1] = 64
    return plate.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("stops", [0.0, -3.5, 2.0])
def test_half_float_plates_come_back(encoding: str, stops: float) -> None:
    plate = hdr_plate()
    picture = plan_picture(ShotLight(0.18, float(plate.max())), encoding=encoding, stops=stops)
    code, carry = picture.encode(plate)
    assert code.min() >= 0
    assert code.max() <= 1
    back = picture.decode(code, carry)
    np.testing.assert_allclose(back, plate, rtol=1e-3, atol=1e-6)


def test_saturated_colours_of_wide_primaries_come_back() -> None:
    plate = hdr_plate()
    light = primaries_of("ACEScg").to_model(plate)
    picture = plan_picture(ShotLight(0.18, float(light.max())), primaries=primaries_of("ACEScg"))
    code, carry = picture.encode(plate)
    scale = np.abs(plate).max(axis=-1, keepdims=True)
    assert (np.abs(picture.decode(code, carry) - plate) / scale).max() < 1e-3


def test_nothing_is_carried_for_ordinary_light() -> None:
    plate = np.abs(hdr_plate())
    picture = plan_picture(ShotLight(0.18, float(plate.max())))
    code, carry = picture.encode(plate)
    assert not carry.any()
    np.testing.assert_allclose(picture.decode(code), plate, rtol=1e-3)


def test_an_exposure_brings_a_dark_shot_into_the_picture() -> None:
    dark = plan_picture(ShotLight(0.005, 0.1))
    assert dark.stops == 3.0
    code, _ = dark.encode(np.full((1, 1, 3), 0.005, np.float32))
    assert 0.2 < float(code[0, 0, 0]) < 0.3


def test_one_wrong_code_is_no_firefly() -> None:
    plate = np.full((64, 64, 3), 0.2, np.float32)
    plate[40:44, 40:44] = 30.0
    stays = np.ones((64, 64), np.bool_)
    stays[:20, :20] = False
    picture = plan_picture(ShotLight(0.2, 30.0))
    plate_code, _ = picture.encode(plate)
    wrong = plate_code.copy()
    wrong[8, 8] = 1.0
    held = picture.justified(wrong, plate_code, stays)
    assert picture.decode(held)[8, 8].max() < 1
    np.testing.assert_array_equal(held[40:44, 40:44], plate_code[40:44, 40:44])
    lamp = plate_code.copy()
    lamp[4:12, 4:12] = 0.95
    np.testing.assert_allclose(picture.justified(lamp, plate_code, stays)[6:10, 6:10], 0.95)


def test_the_parameters_are_told() -> None:
    picture = plan_picture(ShotLight(0.18, 20.0))
    assert picture.describe()["curve"] == "srgb-shoulder"
    assert float(picture.describe()["ceiling"]) >= 20
    assert isinstance(picture, ModelPicture)


@pytest.mark.parametrize(("kwargs", "words"), [({"encoding": "log"}, "log"), ({"stops": 99.0}, "99")])
def test_settings_out_of_range_are_refused(kwargs: dict[str, float], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        plan_picture(ShotLight(0.18, 1.0), **kwargs)
