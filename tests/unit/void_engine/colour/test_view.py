from __future__ import annotations

import numpy as np
import pytest

from void_engine.colour.exposure import ShotLight
from void_engine.colour.picture import plan_picture
from void_engine.colour.primaries import primaries_of
from void_engine.colour.view import DisplayView
from void_engine.errors import SettingError


def grey(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, np.float32)[None, :, None], 3, axis=2)


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def test_the_default_is_the_configurations_own() -> None:
    view = DisplayView.named()
    assert view.describe() == {
        "curve": "view",
        "display": "sRGB - Display",
        "view": "ACES 1.0 - SDR Video",
        "config": "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4",
    }
    # ACES shows mid grey at 10 % of the display's light, less than the plain curve does.
    assert float(view.encode(grey(0.18))[0, 0, 0]) == pytest.approx(0.356, abs=0.002)


def test_greys_come_back_through_the_view_alone_up_to_its_peak() -> None:
    view = DisplayView.named()
    plate = grey(*np.geomspace(0.0025, 15, 200))
    code = view.encode(plate)
    assert (np.diff(code[0, :, 0]) > 0).all()
    assert code.max() <= 1
    np.testing.assert_allclose(view.decode(code), plate, rtol=1e-3)


def test_what_the_view_loses_is_carried() -> None:
    plate = grey(0.0, 0.001, 64.0)
    plate = np.concatenate([plate, np.array([[[1.5, 0.1, 0.02], [-0.05, 0.2, 0.1]]], np.float32)], axis=1)
    picture = plan_picture(ShotLight(0.18, 64.0), encoding="view", primaries=primaries_of("ACEScg"))
    code, carry = picture.encode(plate)
    np.testing.assert_allclose(picture.decode(code, carry), plate, rtol=1e-3, atol=1e-5)
    alone = picture.decode(code)
    assert np.abs(alone - plate).max() > 10  # A value of 64 is far beyond an SDR view.
    assert 0.05 < np.abs(alone - plate)[0, 3].max() / 1.5 < 0.25  # This pixel is the saturated highlight.


@pytest.mark.parametrize("value", [0.02, 0.18, 1.0, 4.0])
def test_another_view_is_another_picture_and_comes_back(value: float) -> None:
    flat = DisplayView.named("sRGB - Display", "Un-tone-mapped")
    code = flat.encode(grey(value))
    assert float(np.abs(code - DisplayView.named().encode(grey(value))).max()) > 0.01
    np.testing.assert_allclose(flat.decode(code), grey(value), rtol=1e-3)


@pytest.mark.parametrize(
    ("display", "view", "words"),
    [
        ("Lamp", "", "'Lamp' is not in the OCIO configuration.*sRGB - Display"),
        ("", "Sepia", "'Sepia' is not one of display 'sRGB - Display'.*ACES 1.0 - SDR Video"),
    ],
)
def test_unknown_names_are_told_with_the_known_ones(display: str, view: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        DisplayView.named(display, view)


def test_a_configuration_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(
        SettingError, match=r"/nowhere/studio\.ocio cannot be read.*environment variable OCIO"
    ):
        DisplayView.named(config="/nowhere/studio.ocio")


@pytest.mark.slow
def test_an_exposure_goes_before_the_view() -> None:
    plain, lifted = (plan_picture(ShotLight(0.18, 1.0), encoding="view", stops=stops) for stops in (0.0, 2.0))
    np.testing.assert_allclose(lifted.encode(grey(0.1))[0], plain.encode(grey(0.4))[0], atol=1e-6)
    np.testing.assert_allclose(lifted.decode(lifted.encode(grey(0.1))[0]), grey(0.1), rtol=1e-3)


@pytest.mark.parametrize(
    ("config", "encoding", "errors"),
    [
        ("", "shoulder", (0.047, 0.185, 0.196)),
        ("", "acescct", (0.13, 0.13, 0.13)),
        ("", "view", (0.039, 0.21, None)),
        ("ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5", "view", (0.051, 0.124, 0.547)),
    ],
)
def test_the_table_in_the_documentation(
    config: str, encoding: str, errors: tuple[float | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are errors in linear light for +0.01 of code at 0.18, 4 and 16; None is beyond the curve."""
    if config:
        monkeypatch.setenv("OCIO", config)
    picture = plan_picture(ShotLight(0.18, 64.0), encoding=encoding)
    for value, expected in zip((0.18, 4.0, 16.0), errors, strict=True):
        code, _ = picture.encode(grey(value))
        if expected is None:
            assert code.max() > 0.99
            continue
        off = float(picture.decode(code + np.float32(0.01)).max()) / value - 1
        assert off == pytest.approx(expected, rel=0.04)
