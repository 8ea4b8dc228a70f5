from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.raw import RawPicture, matte_pixels, plate_pixels
from void_server.openfx_bridge.pixels.space import PlateSpace

BOX = (0, 0, 4, 3)
AS_IT_COMES = PlateSpace("")
DEPTHS = {"float32": "float", "float16": "half", "uint16": "short", "uint8": "byte"}


def raw(
    folder: Path, bottom_up: np.ndarray, bounds: tuple[int, ...] = BOX, *, pad: int = 0, offset: int = 0
) -> RawPicture:
    rows = b"".join(line.tobytes() + b"\xee" * pad for line in bottom_up)
    (folder / "p.raw").write_bytes(b"\xdd" * offset + (rows[:-pad] if pad else rows))
    message = {
        "file": "p.raw",
        "offset": str(offset),
        "row_bytes": str(bottom_up.shape[1] * bottom_up.shape[2] * bottom_up.itemsize + pad),
        "components": str(bottom_up.shape[2]),
        "depth": DEPTHS[bottom_up.dtype.name],
        **{name: str(value) for name, value in zip(("x1", "y1", "x2", "y2"), bounds, strict=True)},
    }
    return RawPicture.of(Fields(message), folder)


def ramp(components: int, dtype: Any = np.float32, height: int = 3, width: int = 4) -> np.ndarray:
    return (
        (np.arange(height * width * components, dtype=np.float32) / 8)
        .reshape(height, width, components)
        .astype(dtype)
    )


@pytest.mark.parametrize("pad", [0, 4, 7])
@pytest.mark.parametrize("offset", [0, 16])
@pytest.mark.parametrize(("components", "names"), [(4, "RGB"), (3, "RGB")])
def test_rows_are_turned_over_and_padding_is_left_out(
    tmp_path: Path, pad: int, offset: int, components: int, names: str
) -> None:
    host = ramp(components)
    channels, pixels = plate_pixels(raw(tmp_path, host, pad=pad, offset=offset), BOX, AS_IT_COMES)

    assert channels == tuple(names)
    assert pixels.dtype == np.float16
    assert (pixels == host[::-1, :, :3].astype(np.float16)).all()


def test_alpha_goes_along_where_colours_are_multiplied_by_it(tmp_path: Path) -> None:
    host = ramp(4)
    channels, pixels = plate_pixels(raw(tmp_path, host), BOX, PlateSpace("", is_premultiplied=True))

    assert channels == ("R", "G", "B", "A")
    assert (pixels == host[::-1].astype(np.float16)).all()


def test_an_alpha_image_is_a_grey_plate(tmp_path: Path) -> None:
    host = ramp(1)
    channels, pixels = plate_pixels(raw(tmp_path, host), BOX, PlateSpace("", is_premultiplied=True))

    assert channels == ("R", "G", "B")
    assert (pixels == np.repeat(host[::-1], 3, axis=2).astype(np.float16)).all()


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65535)])
def test_codes_are_fractions_of_the_largest(tmp_path: Path, dtype: Any, most: int) -> None:
    host = np.full((3, 4, 3), 0, dtype)
    host[0, 0] = (most, most // 2, 1)
    _, pixels = plate_pixels(raw(tmp_path, host), BOX, AS_IT_COMES)

    assert pixels[2, 0] == pytest.approx([1.0, (most // 2) / most, 1 / most], rel=1e-3)
    assert not pixels[:2].any()


def test_values_that_a_half_does_not_hold(tmp_path: Path) -> None:
    host = ramp(3)
    host[0, :, 0] = (np.nan, np.inf, -np.inf, 1e9)
    host[0, 0, 1] = -0.25
    _, pixels = plate_pixels(raw(tmp_path, host), BOX, AS_IT_COMES)

    assert pixels[2, :, 0].tolist() == [0.0, 65504.0, -65504.0, 65504.0]
    assert pixels[2, 0, 1] == -0.25
    assert (pixels[:2] == host[:0:-1].astype(np.float16)).all()


@pytest.mark.parametrize(
    ("bounds", "rows", "columns"),
    [
        ((-1, -2, 3, 1), slice(2, 3), slice(0, 3)),
        ((1, 1, 5, 4), slice(0, 2), slice(1, 4)),
        ((2, 0, 6, 3), slice(0, 3), slice(2, 4)),
    ],
)
def test_bounds_beside_the_box_leave_black(
    tmp_path: Path, bounds: tuple[int, ...], rows: slice, columns: slice
) -> None:
    host = ramp(3) + 1
    _, pixels = plate_pixels(raw(tmp_path, host, bounds), BOX, AS_IT_COMES)

    x1, y1, _, _ = bounds
    expected = np.zeros((3, 4, 3), np.float16)
    for y in range(3):
        for x in range(4):
            if 0 <= y - y1 < 3 and 0 <= x - x1 < 4:
                expected[2 - y, x] = host[y - y1, x - x1]
    assert (pixels == expected).all()
    assert pixels[rows, columns].all()


def test_bounds_larger_than_the_box_are_cropped_and_distant_ones_are_black(tmp_path: Path) -> None:
    host = ramp(3, height=9, width=12) + 1
    _, inside = plate_pixels(raw(tmp_path, host, (-4, -3, 8, 6)), BOX, AS_IT_COMES)
    _, outside = plate_pixels(raw(tmp_path, host, (100, 3, 112, 12)), BOX, AS_IT_COMES)

    assert (inside == host[3:6, 4:8][::-1].astype(np.float16)).all()
    assert outside.shape == (3, 4, 3)
    assert not outside.any()


def test_mattes_are_alpha_luminance_or_the_only_component(tmp_path: Path) -> None:
    four, three, one = ramp(4), ramp(3), ramp(1)
    weights = np.array([0.2126, 0.7152, 0.0722], np.float32)

    expected = np.clip(four[::-1, :, 3], 0, 1)
    assert (matte_pixels(raw(tmp_path, four), BOX)[..., 0] == expected.astype(np.float16)).all()
    expected = np.clip(three[::-1] @ weights, 0, 1)
    assert matte_pixels(raw(tmp_path, three), BOX)[..., 0] == pytest.approx(expected, abs=1e-3)
    expected = np.clip(one[::-1, :, 0], 0, 1)
    assert (matte_pixels(raw(tmp_path, one), BOX)[..., 0] == expected.astype(np.float16)).all()


def test_a_broken_matte_marks_nothing_where_it_is_broken(tmp_path: Path) -> None:
    host = np.full((3, 4, 1), np.nan, np.float32)
    host[0, 0], host[0, 1], host[0, 2] = np.inf, -5, 7
    assert matte_pixels(raw(tmp_path, host), BOX)[2, :, 0].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_plate_in_a_curve_becomes_light(tmp_path: Path) -> None:
    host = np.full((3, 4, 4), 128, np.uint8)
    _, pixels = plate_pixels(raw(tmp_path, host), BOX, PlateSpace("srgb"))
    assert pixels == pytest.approx(np.full((3, 4, 3), 0.21586), abs=1e-3)

    half = ramp(4, np.float16)
    half[..., :3], half[..., 3] = 0.25, 0.5
    _, pixels = plate_pixels(raw(tmp_path, half), BOX, PlateSpace("srgb", is_premultiplied=True))
    assert pixels[0, 0] == pytest.approx([0.10702, 0.10702, 0.10702, 0.5], abs=1e-3)


@pytest.mark.parametrize(
    "name", ["../p.raw", "/etc/passwd", "", ".", "..", "a/b", "a\\b", "c:p", ".hidden", "ü.raw"]
)
def test_only_plain_names_are_read(tmp_path: Path, name: str) -> None:
    message = {"file": name, "x1": "0", "y1": "0", "x2": "4", "y2": "3"}
    with pytest.raises(BridgeError, match="plain name"):
        RawPicture.of(Fields(message), tmp_path)


def test_a_file_may_be_longer_than_its_picture(tmp_path: Path) -> None:
    picture = raw(tmp_path, ramp(4))
    _, expected = plate_pixels(picture, BOX, AS_IT_COMES)
    with (tmp_path / "p.raw").open("ab") as file:
        file.write(b"\xcc" * 200)
    _, pixels = plate_pixels(picture, BOX, AS_IT_COMES)
    assert np.array_equal(pixels, expected)


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    picture = raw(tmp_path, ramp(4))
    (tmp_path / "p.raw").write_bytes(b"short")
    with pytest.raises(BridgeError, match="too short"):
        plate_pixels(picture, BOX, AS_IT_COMES)
    (tmp_path / "p.raw").unlink()
    with pytest.raises(BridgeError, match="cannot be read"):
        plate_pixels(picture, BOX, AS_IT_COMES)
    (tmp_path / "secret").write_bytes(b"\0" * 1000)
    (tmp_path / "p.raw").symlink_to(tmp_path / "secret")
    with pytest.raises(BridgeError, match="cannot be read"):
        plate_pixels(picture, BOX, AS_IT_COMES)
    with pytest.raises(BridgeError, match="row_bytes"):
        RawPicture.of(
            Fields({"file": "p", "x1": "0", "y1": "0", "x2": "4", "y2": "3", "row_bytes": "63"}), tmp_path
        )
