from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from void_engine.errors import EngineError, PlateError
from void_engine.geometry import Box
from void_engine.plates.frame.frame import HALF_MAX, Frame
from void_engine.plates.frame.header import FLOAT
from void_engine.plates.frame.timecode import Timecode


def _frame(
    pixels: NDArray[Any],
    names: Sequence[str] = "RGB",
    data: Box | None = None,
    display: tuple[int, int] = (6, 4),
) -> Frame:
    return Frame.from_pixels(1001, names, pixels, data_window=data, display_size=display)


def _ramp(width: int = 6, height: int = 4, channels: int = 3) -> NDArray[np.float16]:
    return np.arange(height * width * channels, dtype=np.float16).reshape(height, width, channels)


def test_reads_colours_of_a_box() -> None:
    ramp = _ramp()
    picture = _frame(ramp).read_rgb(Box(1, 2, 4, 4))
    assert picture.dtype == np.float32
    np.testing.assert_array_equal(picture, ramp[2:4, 1:4].astype(np.float32))


def test_reads_colours_whatever_the_order_of_channels() -> None:
    ramp = _ramp(channels=4)
    picture = _frame(ramp, ("A", "B", "G", "R")).read_rgb(Box(0, 0, 6, 4))
    np.testing.assert_array_equal(picture, ramp[..., [3, 2, 1]].astype(np.float32))


def test_is_zero_outside_the_data_window() -> None:
    frame = _frame(np.ones((2, 2, 3), np.float16), data=Box(1, 1, 3, 3))
    plane = frame.plane("G", Box(-1, 0, 4, 3))
    np.testing.assert_array_equal(plane, [[0, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0]])
    assert not frame.read_rgb(Box(10, 10, 12, 12)).any()
    assert frame.read_rgb(Box(2, 2, 2, 2)).shape == (0, 0, 3)


def test_a_grey_plate_has_three_equal_colours() -> None:
    picture = _frame(_ramp(channels=1), ("Y",)).read_rgb(Box(0, 0, 6, 4))
    np.testing.assert_array_equal(picture[..., 0], _ramp(channels=1)[..., 0])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])


def test_names_what_it_does_not_have() -> None:
    frame = _frame(_ramp())
    with pytest.raises(PlateError, match=r"frame 1001 has no channel 'Z'; it has R, G, B"):
        frame.plane("Z", Box(0, 0, 1, 1))
    with pytest.raises(PlateError, match=r"frame 1001: the layer 'clean' has no red.*R, G, B"):
        frame.read_rgb(Box(0, 0, 1, 1), "clean")


def test_replaces_only_where_the_mask_is_true(all_half_patterns: NDArray[np.float16]) -> None:
    frame = Frame.from_pixels(1, "RGBA", all_half_patterns.copy())
    box = Box(10, 20, 50, 60)
    mask = np.random.default_rng(3).random(box.shape) > 0.5
    picture = np.full((*box.shape, 3), -1.25, np.float32)
    edited = frame.with_rgb(picture, box, mask)

    inside = np.zeros((128, 128), np.bool_)
    inside[20:60, 10:50] = mask
    for name in "RGB":
        assert (edited.native(name)[inside] == np.float16(-1.25)).all()
    for name in "RGBA":
        chosen = ~inside if name != "A" else np.ones_like(inside)
        before, after = (one.native(name)[chosen].view(np.uint16) for one in (frame, edited))
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(
        frame.blocks[0].pixels.view(np.uint16), all_half_patterns.view(np.uint16), "the first frame changed"
    )


def test_an_empty_mask_changes_nothing() -> None:
    frame = _frame(_ramp())
    assert (
        frame.with_rgb(np.ones((4, 6, 3), np.float32), Box(0, 0, 6, 4), np.zeros((4, 6), np.bool_)) is frame
    )


def test_what_a_half_cannot_hold_becomes_its_largest() -> None:
    frame = _frame(np.zeros((1, 6, 1), np.float16), ("Y",), display=(6, 1))
    values = np.array([[65503, 65519, 1e6, np.inf, -np.inf, -7e4]], np.float32)
    stored = frame.with_pixels({"Y": values}, Box(0, 0, 6, 1), np.ones((1, 6), np.bool_)).native("Y")
    np.testing.assert_array_equal(
        stored, np.float16([[65504, HALF_MAX, HALF_MAX, HALF_MAX, -HALF_MAX, -HALF_MAX]])
    )


def test_a_float_channel_takes_more_than_a_half() -> None:
    frame = _frame(np.zeros((1, 2, 1), np.float32), ("Y",), display=(2, 1))
    values = np.array([[1e6, np.inf]], np.float32)
    stored = frame.with_pixels({"Y": values}, Box(0, 0, 2, 1), np.ones((1, 2), np.bool_)).native("Y")
    np.testing.assert_array_equal(stored, [[1e6, np.finfo(np.float32).max]])


def test_whole_numbers_are_rounded_and_clamped() -> None:
    frame = _frame(np.zeros((1, 3, 1), np.uint32), ("id",), display=(3, 1))
    values = np.array([[2.6, -4, 1e20]], np.float32)
    stored = frame.with_pixels({"id": values}, Box(0, 0, 3, 1), np.ones((1, 3), np.bool_)).native("id")
    np.testing.assert_array_equal(stored, [[3, 0, 2**32 - 256]])


def test_nan_of_an_engine_is_an_error_only_where_it_would_be_stored() -> None:
    frame = _frame(_ramp())
    picture = np.ones((2, 3, 3), np.float32)
    picture[1, 2, 1] = np.nan
    mask = np.ones((2, 3), np.bool_)
    with pytest.raises(EngineError, match=r"frame 1001.*'G' at pixel \(4, 2\) is not a number"):
        frame.with_rgb(picture, Box(2, 1, 5, 3), mask)
    mask[1, 2] = False
    edited = frame.with_rgb(picture, Box(2, 1, 5, 3), mask)
    assert edited.native("G")[2, 4] == frame.native("G")[2, 4]
    assert edited.native("G")[1, 2] == 1


def test_a_grey_plate_gets_the_mean() -> None:
    frame = _frame(np.zeros((4, 6, 1), np.float16), ("Y",))
    picture = np.broadcast_to(np.float32([0.0, 0.25, 0.5]), (4, 6, 3))
    edited = frame.with_rgb(picture, Box(0, 0, 6, 4), np.ones((4, 6), np.bool_))
    assert (edited.native("Y") == np.float16(0.25)).all()


def test_the_data_window_grows_to_what_is_replaced() -> None:
    frame = _frame(np.full((2, 2, 3), 7, np.float16), data=Box(0, 0, 2, 2))
    mask = np.zeros((4, 6), np.bool_)
    mask[2, 3] = True
    edited = frame.with_rgb(np.ones((4, 6, 3), np.float32), Box(0, 0, 6, 4), mask)
    assert edited.data_window == Box(0, 0, 4, 3)
    np.testing.assert_array_equal(edited.native("R"), [[7, 7, 0, 0], [7, 7, 0, 0], [0, 0, 0, 1]])
    assert frame.data_window == Box(0, 0, 2, 2)


def test_arrays_must_cover_their_box() -> None:
    frame = _frame(_ramp())
    with pytest.raises(ValueError, match="does not cover"):
        frame.with_rgb(np.ones((2, 2, 3), np.float32), Box(0, 0, 3, 2), np.ones((2, 3), np.bool_))
    with pytest.raises(ValueError, match="does not cover"):
        frame.with_layer("matte", {"A": np.ones((2, 2), np.float32)})


def test_adds_layers_over_the_whole_data_window() -> None:
    frame = _frame(_ramp(), data=Box(-1, -1, 5, 3))
    matte = np.linspace(0, 1, 4, dtype=np.float32).reshape(2, 2)
    layered = frame.with_layer("matte", {"A": matte}, Box(4, 2, 6, 4))
    assert layered.channel_names == ("R", "G", "B", "matte.A")
    assert layered.native("matte.A").dtype == np.float16
    assert layered.native("matte.A").shape == (4, 6)
    # Only pixel (4, 2) of the box lies in the data window.
    assert layered.native("matte.A")[3, 5] == 0
    assert np.count_nonzero(layered.native("matte.A")) == 0
    again = layered.with_layer("matte", {"A": np.ones((4, 6), np.float32)}, dtype=FLOAT)
    assert again.channel_names == ("R", "G", "B", "matte.A")
    assert again.native("matte.A").dtype == np.float32
    assert (again.native("matte.A") == 1).all()
    np.testing.assert_array_equal(again.native("G"), frame.native("G"))


def test_a_layer_takes_the_place_of_single_channels_of_a_block() -> None:
    frame = _frame(_ramp(channels=4), ("R", "G", "B", "A"))
    changed = frame.with_layer("", {"A": np.ones((4, 6), np.float32)})
    assert sorted(changed.channel_names) == ["A", "B", "G", "R"]
    assert (changed.native("A") == 1).all()
    np.testing.assert_array_equal(changed.native("B"), _ramp(channels=4)[..., 2])


def test_nan_in_a_layer_is_an_error() -> None:
    with pytest.raises(EngineError, match=r"'clean.R' at pixel \(0, 0\)"):
        _frame(_ramp()).with_layer("clean", {"R": np.full((4, 6), np.nan, np.float32)})


def test_metadata_keep_their_types() -> None:
    frame = _frame(_ramp()).with_metadata(
        {
            "void/engine": "identity",
            "void/steps": 30,
            "void/strength": 0.5,
            "void/seed": 2**40,
            "FramesPerSecond": Fraction(24000, 1001),
            "smpte:TimeCode": Timecode(1, 2, 3, 4),
            "chromaticities": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329),
        }
    )
    assert frame.metadata["void/engine"] == "identity"
    assert frame.metadata["void/steps"] == 30
    assert frame.metadata["void/strength"] == 0.5
    assert frame.metadata["void/seed"] == str(2**40)
    assert frame.metadata["FramesPerSecond"] == (24000, 1001)
    assert frame.metadata["smpte:TimeCode"] == (0x01020304, 0)
    assert frame.metadata["chromaticities"] == pytest.approx(
        (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
    )
    renamed = frame.with_metadata({"void/steps": "thirty"})
    assert (frame.metadata["void/steps"], renamed.metadata["void/steps"]) == (30, "thirty")


def test_a_proxy_keeps_everything_but_its_size() -> None:
    frame = Frame.from_pixels(
        1001,
        "RGB",
        np.ones((9, 14, 3), np.float16),
        data_window=Box(-2, -1, 12, 8),
        display_size=(11, 7),
        pixel_aspect=2.0,
    ).with_metadata({"owner": "show"})
    proxy = frame.scaled(0.5)
    assert proxy.display_size == (6, 4)
    assert proxy.data_window == Box(-1, -1, 6, 4)
    assert proxy.pixel_aspect == 2.0
    assert proxy.number == 1001
    assert proxy.metadata["owner"] == "show"
    assert proxy.native("R").dtype == np.float16
    assert (proxy.native("R") == 1).all()
    assert frame.scaled(1.0) is frame


def test_pixels_cannot_be_changed_behind_its_back() -> None:
    with pytest.raises(ValueError, match="read-only"):
        _frame(_ramp()).native("R")[0, 0] = 1


@pytest.mark.parametrize(
    ("shape", "dtype", "names"),
    [((4, 6, 3), np.float16, "RG"), ((4, 6, 3), np.float64, "RGB"), ((4, 6, 3), np.float16, "RGR")],
)
def test_refuses_pixels_that_make_no_frame(shape: tuple[int, ...], dtype: type, names: str) -> None:
    with pytest.raises(ValueError, match=r"fit|type"):
        Frame.from_pixels(1, names, np.zeros(shape, dtype))
