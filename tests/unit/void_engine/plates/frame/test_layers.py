from __future__ import annotations

import pytest

from void_engine.plates.frame.layers import find_rgb, layer_names


@pytest.mark.parametrize(
    ("channels", "layer", "found"),
    [
        ("R G B A", "", "R G B"),
        ("A B G R Z", "", "R G B"),
        ("red green blue", "", "red green blue"),
        ("r g b", "", "r g b"),
        ("Y A", "", "Y Y Y"),
        ("Z", "", "Z Z Z"),
        ("mask.A", "", "mask.A mask.A mask.A"),
        ("Combined.R Combined.G Combined.B Depth.Z", "", "Combined.R Combined.G Combined.B"),
        ("R G B clean.R clean.G clean.B", "clean", "clean.R clean.G clean.B"),
        ("R G B clean.red clean.green clean.blue", "clean", "clean.red clean.green clean.blue"),
        ("R G B matte.A", "matte", "matte.A matte.A matte.A"),
        ("R G B spec.Y spec.A", "spec", "spec.Y spec.Y spec.Y"),
        ("R G B main.spec.R main.spec.G main.spec.B", "main.spec", "main.spec.R main.spec.G main.spec.B"),
    ],
)
def test_finds_a_layers_colours(channels: str, layer: str, found: str) -> None:
    assert find_rgb(channels.split(), layer) == tuple(found.split())


@pytest.mark.parametrize(
    ("channels", "layer"),
    [
        ("A Z", ""),
        ("R G", ""),
        ("a.R a.G a.B b.R b.G b.B", ""),
        ("R G B", "clean"),
        ("R G B motion.x motion.y", "motion"),
    ],
)
def test_does_not_guess(channels: str, layer: str) -> None:
    assert find_rgb(channels.split(), layer) is None


def test_lists_layers_in_order() -> None:
    assert layer_names(["R", "G", "spec.R", "A", "depth.Z"]) == ["", "spec", "depth"]
