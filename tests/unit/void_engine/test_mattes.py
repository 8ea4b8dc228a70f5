from __future__ import annotations

import dataclasses

import numpy as np

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.geometry import Box
from void_engine.mattes import ShotMattes
from void_engine.roto.matte import rasterise
from void_engine.roto.shapes import ShapeAtFrame

FRAME = Box(0, 0, 100, 80)


def rectangle(name: str, x0: float, y0: float, x1: float, y1: float, opacity: float = 1.0) -> ShapeAtFrame:
    return ShapeAtFrame(name, without_feather([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), opacity=opacity)


def remove_matte(keep: list[ShapeAtFrame], hold: list[ShapeAtFrame]) -> np.ndarray:
    return ShotMattes({"remove": lambda _: keep, "ignore": lambda _: hold}).at(1001, FRAME).remove


def test_holdouts_are_taken_away() -> None:
    keep, hold = rectangle("a", 10, 10, 60, 60), rectangle("b", 40, 0, 99, 80, opacity=0.75)
    matte = remove_matte([keep], [hold])
    assert matte[30, 20] == 1
    assert matte[30, 50] == 0.25
    assert matte[30, 70] == 0
    alone = rasterise([keep], FRAME)
    np.testing.assert_array_equal(remove_matte([keep], []), alone)
    np.testing.assert_array_equal(remove_matte([keep], [dataclasses.replace(hold, visible=False)]), alone)
    assert not remove_matte([], [hold]).any()


def test_a_holdout_is_kept_for_what_is_grown() -> None:
    hold = rectangle("b", 40, 0, 99, 80, opacity=0.75)
    mattes = ShotMattes({"ignore": lambda _: [hold]}).at(1001, FRAME)
    assert mattes.held_out is not None
    np.testing.assert_array_equal(mattes.held_out, rasterise([hold], FRAME))
    assert ShotMattes().at(1001, FRAME).held_out is None
