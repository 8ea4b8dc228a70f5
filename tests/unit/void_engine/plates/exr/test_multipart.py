from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame, read_header, write_frame
from void_engine.plates.exr.multipart import merge_parts, part_of

DISPLAY = Box(0, 0, 12, 8)


def _part(
    name: str,
    channels: tuple[str, ...],
    kind: str = "half",
    *,
    data: Box = DISPLAY,
    **attributes: Any,
) -> oiio.ImageSpec:
    spec = oiio.ImageSpec(data.width, data.height, len(channels), kind)
    spec.x, spec.y, spec.channelnames = data.x0, data.y0, channels
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, DISPLAY.width, DISPLAY.height
    spec.attribute("oiio:subimagename", name)
    for key, value in attributes.items():
        spec.attribute(key, value)
    return spec


def _write(path: Path, *parts: oiio.ImageSpec) -> Path:
    """Write a multi-part file whose part k is filled with k + 1."""
    target = oiio.ImageOutput.create("openexr")
    assert target.open(str(path), list(parts)), target.geterror()
    for index, part in enumerate(parts):
        if index:
            assert target.open(str(path), part, "AppendSubimage"), target.geterror()
        kind = {"half": np.float16, "float": np.float32, "uint": np.uint32}[str(part.format)]
        assert target.write_image(np.full((part.height, part.width, part.nchannels), index + 1, kind))
    target.close()
    return path


def test_channels_of_further_parts_are_named_after_their_part(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "parts.exr",
        _part("rgba", ("R", "G", "B", "A")),
        _part("depth", ("Z",), "float"),
        _part("spec", ("R", "G", "B")),
        _part("crypto", ("crypto.id",), "uint"),
    )
    frame = read_frame(path, 7)
    assert frame.channel_names == ("R", "G", "B", "A", "depth.Z", "spec.R", "spec.G", "spec.B", "crypto.id")
    for name, value, dtype in (
        ("G", 1, "float16"),
        ("depth.Z", 2, "float32"),
        ("spec.B", 3, "float16"),
        ("crypto.id", 4, "uint32"),
    ):
        assert (frame.native(name) == value).all()
        assert frame.native(name).dtype == dtype
    assert frame.header.notes == ()
    assert read_header(path, 7) == frame.header

    write_frame(frame, tmp_path / "flat.exr")
    flat = read_frame(tmp_path / "flat.exr", 7)
    assert set(flat.channel_names) == set(frame.channel_names)
    assert (flat.native("crypto.id") == 4).all()


def test_parts_with_other_data_windows_share_one(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "parts.exr",
        _part("rgba", ("R", "G", "B"), data=Box(2, 2, 6, 6)),
        _part("spec", ("R", "G", "B"), data=Box(4, 1, 8, 5)),
    )
    frame = read_frame(path, 7)
    assert frame.data_window == Box(2, 1, 8, 6)
    np.testing.assert_array_equal(frame.plane("R", DISPLAY)[2], [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(frame.plane("spec.R", DISPLAY)[2], [0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0])


def test_a_deep_part_is_left_out_and_named() -> None:
    # OpenImageIO cannot write a file that mixes deep and flat parts, as other programs do.
    flat, deep = _part("rgba", ("R", "G", "B")), _part("deep", ("A", "Z"), "float")
    deep.deep = True
    parts = [part_of(spec, index, Path("a.exr"), 7) for index, spec in enumerate((flat, deep))]
    merged = merge_parts(parts, Path("a.exr"), 7)
    assert merged.header.channel_names == ("R", "G", "B")
    assert len(merged.parts) == 1
    assert merged.header.notes == ("part 'deep' was left out: it is deep",)


def test_a_second_view_is_named_after_the_view(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "stereo.exr",
        _part("rgb.left", ("R", "G", "B"), view="left"),
        _part("rgb.right", ("R", "G", "B"), view="right"),
    )
    frame = read_frame(path, 7)
    assert frame.channel_names == ("R", "G", "B", "right.R", "right.G", "right.B")
    assert (frame.read_rgb(DISPLAY, "right") == 2).all()


@pytest.mark.parametrize("second", [("spec.R", "spec.G"), ("R", "spec.G")])
def test_no_name_is_there_twice(tmp_path: Path, second: tuple[str, str]) -> None:
    path = _write(
        tmp_path / "parts.exr",
        _part("all", ("spec.R", "spec.G")),
        _part("spec", second),
        _part("spec2", ("Z",)),
    )
    frame = read_frame(path, 7)
    assert len(set(frame.channel_names)) == 5
    assert frame.channel_names[2].startswith("part2.")
    assert frame.channel_names[4] == "spec2.Z"
