from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tests.unit.void_engine.roto.bezier import without_feather
from void_engine.geometry import Box
from void_engine.mattes import MatteFiles, ShotMattes
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.sequence import PlateSequence
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


def test_one_matte_is_grown_by_itself_also_from_beyond_the_box(tmp_path: Path) -> None:
    pixels = np.zeros((80, 100, 2), np.float16)
    pixels[30:50, 30:50, 0] = pixels[60:, 60:, 1] = 1
    write_frame(Frame.from_pixels(1, ("a.A", "b.A"), pixels), tmp_path / "m.0001.exr")
    with PlateSequence(str(tmp_path / "m.%04d.exr"), 1, 1) as frames:

        def at(a: float, b: float, box: Box = FRAME) -> np.ndarray:
            files = [MatteFiles("remove", frames, "a.A", growth_px=a)]
            files.append(MatteFiles("remove", frames, "b.A", growth_px=b))
            return ShotMattes(files=files).at(1, box).remove

        plain, grown = at(0, 0), at(5, 0)
        assert (plain[25:55, 25:55] > 0).sum() == 400
        assert grown[40, 54] == 1
        assert grown[40, 56] == 0
        assert grown[58, 70] == 0
        np.testing.assert_array_equal(at(5, 0, Box(52, 30, 70, 50)), grown[30:50, 52:70])
        shrunk = at(0, -4)
        assert shrunk[62, 70] == 0
        assert shrunk[70, 99] == 1  # the picture's border is no edge
        half = ShotMattes(files=[MatteFiles("remove", frames, "a.A", growth_px=5)], scale=0.5)
        assert half.at(1, FRAME).remove[40, 51] == 1
        assert half.at(1, FRAME).remove[40, 53] == 0
        assert ShotMattes(files=[MatteFiles("remove", frames, "a.A", growth_px=5)]).bounds(1, FRAME) == Box(
            25, 25, 55, 55
        )


def test_a_matte_counts_on_its_frames_only(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        pixels = np.zeros((80, 100, 1), np.float16)
        pixels[30:50, 30:50] = 1
        write_frame(Frame.from_pixels(number, ("A",), pixels), tmp_path / f"m.{number:04d}.exr")
    with PlateSequence(str(tmp_path / "m.%04d.exr"), 1, 3) as frames:
        mattes = ShotMattes(files=[MatteFiles("affected", frames, "A", counts_on=(2, 3))])
        assert [int(mattes.at(number, FRAME).affected.sum()) for number in (1, 2, 3)] == [0, 400, 400]
        assert mattes.bounds(1, FRAME).is_empty
        assert mattes.bounds(2, FRAME) == Box(30, 30, 50, 50)
