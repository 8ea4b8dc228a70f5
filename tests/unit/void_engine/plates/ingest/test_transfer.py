from __future__ import annotations

import numpy as np
import pytest

from void_engine.errors import SettingError
from void_engine.plates.ingest.light import light_of
from void_engine.plates.ingest.transfer import TRANSFERS, Transfer, decode, transfer_of_movie


@pytest.mark.parametrize("transfer", [name for name in TRANSFERS if name != "cineon"])
def test_every_curve_rises_from_black_to_one(transfer: Transfer) -> None:
    light = decode(np.linspace(0, 1, 1001), transfer)
    assert light[0] == 0
    assert light[-1] == pytest.approx(1)
    assert (np.diff(light) > 0).all()


@pytest.mark.parametrize(
    ("transfer", "code", "light"),
    [
        # The published forward curves are applied to light here, and the code under test inverts them.
        ("srgb", 12.92 * 0.002, 0.002),
        ("srgb", 1.055 * 0.18 ** (1 / 2.4) - 0.055, 0.18),
        ("rec709", 4.5 * 0.01, 0.01),
        ("rec709", 1.099 * 0.18**0.45 - 0.099, 0.18),
        ("bt1886", 0.5, 0.18946),
        ("linear", 0.3, 0.3),
        ("gamma22", 0.5, 0.21764),
        ("gamma28", 0.5, 0.14359),
    ],
)
def test_inverts_the_published_curve(transfer: Transfer, code: float, light: float) -> None:
    assert decode(np.array([code]), transfer)[0] == pytest.approx(light, rel=1e-4)


@pytest.mark.parametrize(
    ("colour", "tag", "chosen"),
    [
        ("auto", 2, "srgb"),
        ("auto", 0, "srgb"),
        ("auto", 1, "bt1886"),
        ("auto", 6, "bt1886"),
        ("auto", 13, "srgb"),
        ("auto", 8, "linear"),
        ("rec709", 13, "rec709"),
        ("srgb", 16, "srgb"),
    ],
)
def test_auto_follows_the_tag_and_a_name_overrides_it(colour: str, tag: int, chosen: str) -> None:
    assert light_of(colour, lambda: transfer_of_movie(tag), None).transfer == chosen


def test_film_has_its_black_and_white_inside_the_codes() -> None:
    codes = np.array([0, 95, 445, 685, 1023]) / 1023
    light = decode(codes, "cineon")
    assert light[0] < 0
    assert light[1:4] == pytest.approx([0, 0.148, 1], abs=5e-3)
    assert light[4] == pytest.approx(13.53, abs=0.01)
    assert (np.diff(decode(np.linspace(0, 1, 1001), "cineon")) > 0).all()


@pytest.mark.parametrize(("tag", "says"), [(16, "PQ"), (18, "HLG"), (9, "code 9")])
def test_refuses_what_has_no_single_way_to_light(tag: int, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        transfer_of_movie(tag)


def test_refuses_an_unknown_name() -> None:
    with pytest.raises(SettingError, match="choose auto, srgb"):
        light_of("magic", lambda: "srgb", None)
