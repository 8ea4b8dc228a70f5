from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.errors import OutputError
from void_engine.geometry import Box
from void_engine.plates.exr.encoding import fitting_compression
from void_engine.plates.exr.file import check_end, read_frame, read_header, try_to_write, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.picture import resolve_picture

DISPLAY = Box(0, 0, 12, 8)


def part(
    name: str, channels: str, kind: str = "half", *, data: Box = DISPLAY, **attributes: Any
) -> oiio.ImageSpec:
    names = channels.split()
    spec = oiio.ImageSpec(data.width, data.height, len(names), kind)
    spec.x, spec.y, spec.channelnames = data.x0, data.y0, names
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, DISPLAY.width, DISPLAY.height
    spec.attribute("oiio:subimagename", name)
    spec.attribute("compression", "zips")
    for key, value in attributes.items():
        if isinstance(value, tuple):
            spec.attribute(key, oiio.TypeDesc(f"string[{len(value)}]"), value)
        else:
            spec.attribute(key, value)
    return spec


def write_parts(path: Path, *parts: oiio.ImageSpec) -> Path:
    """Write a file whose part k is filled with noise around k + 1."""
    target = oiio.ImageOutput.create("openexr")
    assert target.open(str(path), list(parts) if len(parts) > 1 else parts[0]), target.geterror()
    for index, spec in enumerate(parts):
        if index:
            assert target.open(str(path), spec, "AppendSubimage"), target.geterror()
        kind = {"half": np.float16, "float": np.float32, "uint": np.uint32}[str(spec.format)]
        noise = np.random.default_rng(index).random((spec.height, spec.width, spec.nchannels))
        assert target.write_image((noise + index + 1).astype(kind))
    target.close()
    return path


def stored(path: Path) -> list[tuple[str, str, dict[str, bytes], tuple[int, int, int, int]]]:
    """Each part of a file: name, view, the bytes of its channels, and its data window."""
    source, found, index = oiio.ImageInput.open(str(path)), [], 0
    while source.seek_subimage(index, 0):
        spec = source.spec()
        formats = [str(kind) for kind in spec.channelformats] or [str(spec.format)] * spec.nchannels
        channels = {
            name: source.read_image(index, 0, place, place + 1, kind).tobytes()
            for place, (name, kind) in enumerate(zip(spec.channelnames, formats, strict=True))
        }
        window = (spec.x, spec.y, spec.width, spec.height)
        found.append((spec.get_string_attribute("name"), spec.get_string_attribute("view"), channels, window))
        index += 1
    return found


def test_parts_are_written_back_as_they_were(tmp_path: Path) -> None:
    path = write_parts(
        tmp_path / "a.exr",
        part("rgba_right", "R G B A", view="right", data=Box(2, 1, 9, 7), by="me"),
        part("depth_left", "Z", "float", view="left"),
        part("forward_left", "forward.u forward.v", view="left"),
        part("rgba_left", "R G B A", view="left", note="kept"),
        part("ids", "crypto.id", "uint"),
    )
    frame = read_frame(path, 7)
    assert frame.header.views == ("right", "left")
    assert set(frame.channel_names) == {
        *"RGBA", "left.depth.Z", "left.forward.u", "left.forward.v", *(f"left.{name}" for name in "RGBA"),
        "crypto.id"
    }  # fmt: skip
    write_frame(frame, tmp_path / "b.exr")
    assert stored(tmp_path / "b.exr") == stored(path)
    again = read_header(tmp_path / "b.exr", 7)
    assert again.metadata["by"] == "me"
    assert again.parts[3].attributes.get_string_attribute("note") == "kept"


def test_a_change_and_a_layer_go_into_the_pictures_part(tmp_path: Path) -> None:
    path = write_parts(
        tmp_path / "a.exr",
        part("left", "R G B", view="left", multiView=("left", "right")),
        part("right", "R G B", view="right", data=Box(3, 2, 6, 6), multiView=("left", "right")),
    )
    frame = read_frame(path, 7)
    picture = resolve_picture(frame.header, "right")
    box = Box(5, 3, 8, 5)
    red = np.full((*box.shape, 3), 9.0, np.float32)
    changed = frame.with_rgb(red, box, np.ones(box.shape, np.bool_), picture.rgb)
    changed = changed.with_layer(
        picture.added("matte"), {"A": np.ones(box.shape, np.float32)}, box, beside=picture.rgb[0]
    )
    write_frame(changed, tmp_path / "b.exr")
    left, right = stored(tmp_path / "b.exr")
    assert left == stored(path)[0]
    assert (right[0], right[1], set(right[2])) == ("right", "right", {"R", "G", "B", "matte.A"})
    assert right[3] == (3, 2, 5, 4), "the part must have grown by what was replaced beside its picture"
    again = read_frame(tmp_path / "b.exr", 7)
    assert again.header.metadata["multiView"] == ("left", "right")
    np.testing.assert_array_equal(again.plane("right.R", box), 9.0)
    np.testing.assert_array_equal(again.plane("right.matte.A", box), 1.0)


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ([("N", "R G B"), ("rgba", "R G B A")], "N.R N.G N.B R G B A"),
        ([("N", "R G B"), ("beauty", "R G B")], "N.R N.G N.B R G B"),
        ([("N", "R G B"), ("albedo", "R G B")], "R G B albedo.R albedo.G albedo.B"),
        ([("C", "R G B"), ("depth", "Z")], "R G B depth.Z"),
        ([("rgba", "R G B"), ("rgb", "R G B")], "R G B part2.R part2.G part2.B"),
        (
            [("left", "R G B"), ("right", "R G B"), ("depth.right", "Z")],
            "R G B right.R right.G right.B right.depth.Z",
        ),
    ],
)
def test_the_part_that_is_called_as_a_picture_keeps_its_names(
    tmp_path: Path, parts: list[tuple[str, str]], names: str
) -> None:
    path = write_parts(tmp_path / "a.exr", *(part(name, channels) for name, channels in parts))
    assert read_header(path, 7).channel_names == tuple(names.split())


def test_a_proxy_of_parts_has_parts(tmp_path: Path) -> None:
    path = write_parts(
        tmp_path / "a.exr", part("l", "R G B", view="l"), part("r", "R G B", view="r", data=Box(4, 2, 8, 6))
    )
    write_frame(read_frame(path, 7).scaled(0.5), tmp_path / "b.exr")
    assert [(view, window) for _, view, _, window in stored(tmp_path / "b.exr")] == [
        ("l", (0, 0, 6, 4)),
        ("r", (2, 1, 2, 2)),
    ]


def test_the_end_of_the_last_part_is_looked_for(tmp_path: Path) -> None:
    path = write_parts(tmp_path / "a.exr", part("l", "R G B", view="l"), part("r", "R G B", view="r"))
    check_end(path, 7)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(Exception, match="damaged or cut short"):
        check_end(path, 7)


def test_name_and_view_of_a_single_part_are_kept(tmp_path: Path) -> None:
    path = write_parts(tmp_path / "a.exr", part("rgba", "R G B", view="right"))
    write_frame(read_frame(path, 7), tmp_path / "b.exr")
    assert stored(tmp_path / "b.exr") == stored(path)


def test_channels_whose_names_are_not_utf8_are_written_back(tmp_path: Path) -> None:
    written = write_parts(tmp_path / "a.exr", part("", "R G B XXXX.Z")).read_bytes()
    path = tmp_path / "b.exr"
    path.write_bytes(written.replace(b"XXXX.Z", b"caf\xe9.Z"))
    frame = read_frame(path, 7)
    write_frame(frame, tmp_path / "c.exr")
    assert b"caf\xe9.Z\0" in (tmp_path / "c.exr").read_bytes()
    assert stored(tmp_path / "c.exr") == stored(path)


def _frame(values: float, names: tuple[str, ...] = ("R", "G", "B"), dtype: Any = np.float16) -> Frame:
    pixels = np.random.default_rng(1).random((32, 32, len(names))).astype(dtype)
    pixels[8:12, 8:12] = values
    return Frame.from_pixels(7, names, pixels)


@pytest.mark.parametrize("compression", ["dwaa", "dwab", "b44", "b44a"])
@pytest.mark.parametrize("value", [65504.0, -65504.0, 30000.0, np.inf, np.nan])
def test_no_compression_makes_infinity_of_a_finite_plate(
    tmp_path: Path, compression: str, value: float
) -> None:
    frame = _frame(value)
    write_frame(frame, tmp_path / "a.exr", compression)
    header, result = read_header(tmp_path / "a.exr", 7), read_frame(tmp_path / "a.exr", 7)
    assert header.compression == (compression if value == 30000.0 else "zip")
    for name in "RGB":
        np.testing.assert_array_equal(np.isfinite(result.native(name)), np.isfinite(frame.native(name)))


def test_depth_does_not_decide_the_compression_of_colours() -> None:
    assert fitting_compression(_frame(1e9, ("depth.Z",), np.float32), "dwaa") == "dwaa"
    assert fitting_compression(_frame(1e9, ("R", "G", "B"), np.float32), "dwaa") == "zip"
    assert fitting_compression(_frame(65504.0, ("depth.Z",)), "b44") == "zip"
    assert fitting_compression(_frame(65504.0), "pxr24") == "pxr24"


@pytest.mark.parametrize("adds", [False, True])
def test_an_aces_container_stays_one_where_it_can(tmp_path: Path, adds: bool) -> None:
    path = write_parts(tmp_path / "a.exr", part("", "R G B", acesImageContainerFlag=1, compression="none"))
    frame = read_frame(path, 7)
    if adds:
        frame = frame.with_layer("matte", {"A": np.ones((8, 12), np.float32)})
    write_frame(frame, tmp_path / "b.exr", "zip")
    result = read_header(tmp_path / "b.exr", 7)
    assert result.compression == ("zip" if adds else "none")
    assert ("acesImageContainerFlag" in result.metadata) is not adds
    before, after = read_frame(path, 7), read_frame(tmp_path / "b.exr", 7)
    assert all((before.native(name) == after.native(name)).all() for name in "RGB")


def test_trying_tells_that_there_is_no_room_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = _frame(1.0)
    assert try_to_write(frame, tmp_path / "a.exr", "none", 3) == ""
    assert "written with zip" in try_to_write(_frame(65504.0), tmp_path / "a.exr", "dwaa")
    with pytest.raises(OutputError, match=r"10000000000 frames of about .* do not fit") as caught:
        try_to_write(frame, tmp_path / "a.exr", "none", 10**10)
    assert caught.value.obstacle.startswith("output volume full")
    assert list(tmp_path.iterdir()) == []


def test_large_frames_are_written_without_a_copy_of_the_whole(tmp_path: Path) -> None:
    pixels = np.zeros((2000, 500, 3), np.float16)
    frame = Frame.from_pixels(1, "RGB", pixels)
    frame = frame.with_layer("clean", {name: np.ones((2000, 500), np.float32) for name in "RGB"})
    mixed = frame.with_layer("z", {"Z": np.ones((2000, 500), np.float32)}, dtype=np.dtype(np.float32))
    for name, each in (("a", frame), ("b", mixed)):
        tracemalloc.start()
        try:
            write_frame(each, tmp_path / f"{name}.exr", "zips")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < each.size_bytes / 2
        again = read_frame(tmp_path / f"{name}.exr", 1)
        assert all(
            np.array_equal(again.native(channel), each.native(channel)) for channel in each.channel_names
        )


@pytest.mark.parametrize("views", [("", ""), ("XXXX", "right")])
def test_parts_and_views_whose_names_are_not_utf8_are_written_back(
    tmp_path: Path, views: tuple[str, str]
) -> None:
    first = part("XXXX", "R G B", **({"view": views[0]} if views[0] else {}))
    second = part("rgba", "R G B A", **({"view": views[1]} if views[1] else {}))
    path = write_parts(tmp_path / "a.exr", first, second)
    path.write_bytes(path.read_bytes().replace(b"XXXX", b"caf\xe9"))
    frame = read_frame(path, 7)
    assert resolve_picture(frame.header, layer="" if views[0] else "caf\\xe9")
    write_frame(frame, tmp_path / "b.exr")
    assert stored(tmp_path / "b.exr") == stored(path)
    assert b"caf\xe9" in (tmp_path / "b.exr").read_bytes()


def test_of_two_parts_that_are_called_alike_each_can_be_chosen(tmp_path: Path) -> None:
    header = read_header(write_parts(tmp_path / "a.exr", part("rgba", "R G B"), part("rgb", "R G B")), 7)
    assert resolve_picture(header).rgb == ("R", "G", "B")
    assert resolve_picture(header, layer="part2").rgb == ("part2.R", "part2.G", "part2.B")


def test_eyes_that_only_the_names_of_parts_tell_are_views(tmp_path: Path) -> None:
    path = write_parts(tmp_path / "a.exr", part("left", "R G B"), part("right", "R G B"))
    frame = read_frame(path, 7)
    assert resolve_picture(frame.header, "right").rgb == ("right.R", "right.G", "right.B")
    assert resolve_picture(frame.header, "left").rgb == ("R", "G", "B")
    write_frame(frame, tmp_path / "b.exr")
    assert stored(tmp_path / "b.exr") == stored(path)


def test_a_part_of_another_view_without_a_picture_keeps_its_layer(tmp_path: Path) -> None:
    path = write_parts(
        tmp_path / "a.exr", part("rgba", "R G B", view="left"), part("depth_right", "Z", view="right")
    )
    assert read_header(path, 7).channel_names == ("R", "G", "B", "right.depth.Z")
