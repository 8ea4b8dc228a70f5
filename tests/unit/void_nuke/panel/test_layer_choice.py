from __future__ import annotations

import pytest

from void_nuke.panel.layer_choice import colour_layers


@pytest.mark.parametrize(
    ("channels", "layers"),
    [
        ("rgba.red rgba.green rgba.blue rgba.alpha", [""]),
        ("rgba.red rgba.green rgba.blue N.red N.green N.blue depth.Z", ["", "N"]),
        ("a.red a.green a.blue b.red b.green b.blue c.red", ["", "a", "b"]),
        ("", [""]),
    ],
)
def test_layers_of_colours_are_offered(channels: str, layers: list[str]) -> None:
    assert colour_layers(channels.split()) == tuple(layers)
