from __future__ import annotations

import numpy as np
import pytest

from void_engine.plates.ingest.transfer import TRANSFERS
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.space import PlateSpace

SPACES = [*TRANSFERS, "ACEScct", "sRGB - Texture", "", "scene_linear"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("premultiplied", [False, True])
def test_what_goes_to_light_comes_back(name: str, premultiplied: bool) -> None:
    space = PlateSpace(name, premultiplied)
    space.check()
    chance = np.random.default_rng(3)
    colours = chance.random((5, 7, 3)).astype(np.float32)
    alpha = chance.random((5, 7)).astype(np.float32)
    alpha[0, 0], alpha[1, 1] = 0, 1
    if premultiplied:
        colours[alpha > 0] *= alpha[alpha > 0, None]

    light = space.to_linear(colours, alpha)
    assert light.dtype == np.float32
    assert space.from_linear(light, alpha) == pytest.approx(colours, abs=2e-4)
    if name not in ("", "linear", "scene_linear"):
        assert abs(light - colours).max() > 0.01
        assert (abs(space.to_linear(colours, None) - light).max() > 0.01) == premultiplied


@pytest.mark.parametrize("name", ["no such space", "auto", "srgb2"])
def test_unknown_names_are_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(BridgeError, match="Plate colour space"):
        PlateSpace(name).check()


def test_a_space_that_this_machine_does_not_have_names_itself() -> None:
    with pytest.raises(BridgeError, match="Studio log"):
        PlateSpace("Studio log").from_linear(np.zeros((1, 1, 3), np.float32), None)
