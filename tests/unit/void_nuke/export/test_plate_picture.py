"""The small EXR reader, beside OpenImageIO's writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from void_engine.colour import srgb
from void_nuke.errors import ExportError
from void_nuke.export.plate_picture import read_plate_picture

np = pytest.importorskip("numpy")
oiio = pytest.importorskip("OpenImageIO")


def write(
    path: Path, compression: str, *, overscan: int = 0, depth: str = "half", channels: int = 4
) -> object:
    height, width = 24, 33
    light = np.random.default_rng(1).uniform(-0.1, 1.3, (height, width, channels)).astype(np.float32)
    light[3, 5] = np.nan
    spec = oiio.ImageSpec(width, height, channels, oiio.HALF if depth == "half" else oiio.FLOAT)
    spec.attribute("compression", compression)
    if overscan:
        spec.x = spec.y = -overscan
        spec.full_x, spec.full_y = 0, 0
        spec.full_width, spec.full_height = width - 2 * overscan, height - 2 * overscan
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    output.write_image(light)
    output.close()
    return light


def shown(light: object) -> object:
    half = np.nan_to_num(light[..., :3].astype(np.float16).astype(np.float64)).clip(0, 1)  # type: ignore[index]
    return np.floor(255 * srgb.encode(half) + 0.5).astype(np.uint8)


@pytest.mark.parametrize("compression", ["none", "zips"])
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_are_those_that_were_written(tmp_path: Path, compression: str, channels: int) -> None:
    light = write(tmp_path / "a.exr", compression, channels=channels)

    picture = read_plate_picture(tmp_path / "a.exr")

    assert (picture.width, picture.height) == (33, 24)
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(24, 33, 3)
    assert np.array_equal(pixels, shown(light))


def test_the_display_window_is_what_is_shown(tmp_path: Path) -> None:
    light = write(tmp_path / "a.exr", "zips", overscan=4)

    picture = read_plate_picture(tmp_path / "a.exr")

    assert (picture.width, picture.height) == (25, 16)
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(16, 25, 3)
    assert np.array_equal(pixels, shown(light)[4:-4, 4:-4])  # type: ignore[index]


@pytest.mark.parametrize("compression", ["zip", "piz"])
def test_what_the_host_was_not_told_to_write_is_refused(tmp_path: Path, compression: str) -> None:
    write(tmp_path / "a.exr", compression)

    with pytest.raises(ExportError, match=r"a\.exr cannot be shown \(its compression"):
        read_plate_picture(tmp_path / "a.exr")


def test_floats_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.exr", "zips", depth="float")

    with pytest.raises(ExportError, match="half floats"):
        read_plate_picture(tmp_path / "a.exr")


@pytest.mark.parametrize("length", [0, 3, 20, 200, -40])
def test_a_damaged_file_is_an_error_and_nothing_else(tmp_path: Path, length: int) -> None:
    write(tmp_path / "a.exr", "zips")
    (tmp_path / "a.exr").write_bytes((tmp_path / "a.exr").read_bytes()[:length])

    with pytest.raises(ExportError, match="cannot be shown"):
        read_plate_picture(tmp_path / "a.exr")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be shown"):
        read_plate_picture(tmp_path / "none.exr")
