from __future__ import annotations

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.colour.processors import read_config
from void_engine.colour.view import DisplayView
from void_engine.errors import SettingError
from void_engine.plates.ingest.light import SCENE_LINEAR, light_of


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def test_a_configuration_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(SettingError, match=r"/nowhere/a\.ocio cannot be read.*environment variable OCIO"):
        read_config("/nowhere/a.ocio")


def test_parts_of_a_large_picture_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    view = DisplayView.named()
    light = np.random.default_rng(1).uniform(0, 4, (30, 21, 3)).astype(np.float32)
    kept = light.copy()
    whole = view.encode(light)
    monkeypatch.setattr("void_engine.colour.processors._PART_PIXELS", 100)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert view.encode(light).tobytes() == whole.tobytes()
    assert view.encode(light[::2, ::3]).tobytes() == np.ascontiguousarray(whole[::2, ::3]).tobytes()
    assert view.encode(light[:0]).shape == (0, 21, 3)
    assert np.array_equal(light, kept)


@pytest.mark.parametrize("space", ["ACEScct", "srgb_tx", "lin_rec709"])
def test_light_from_a_colour_space_has_the_bits_that_openimageio_gives_and_reads_the_configuration_once(
    space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = np.random.default_rng(2).normal(0.4, 0.5, (8, 9, 3)).astype(np.float32)
    config = DisplayView.named().config
    expected = oiio.ImageBufAlgo.colorconvert(
        oiio.ImageBuf(codes), space, SCENE_LINEAR, unpremult=False, colorconfig=config
    )
    light = light_of(space, lambda: "srgb", None)
    monkeypatch.setattr("void_engine.plates.ingest.light.read_config", None)
    for _ in range(2):
        assert light.of(codes).tobytes() == np.asarray(expected.get_pixels(oiio.FLOAT)).tobytes()
