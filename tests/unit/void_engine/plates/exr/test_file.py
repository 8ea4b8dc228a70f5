from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from numpy.typing import NDArray

from tests.unit.void_engine.plates.conftest import WriteFile
from void_engine.errors import MissingFrameError, OutputExistsError, PlateError, RefusedFileError
from void_engine.geometry import Box
from void_engine.plates.exr import encoding
from void_engine.plates.exr.file import (
    COMPRESSIONS,
    LOSSLESS_COMPRESSIONS,
    read_frame,
    read_header,
    write_frame,
)
from void_engine.plates.frame.frame import Frame, PixelBlock
from void_engine.plates.frame.header import FLOAT, HALF, UINT, Channel


def _same_bits(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


def _ramp(height: int = 32, width: int = 40, channels: int = 4) -> NDArray[np.float16]:
    return np.linspace(-1, 20, height * width * channels).astype(np.float16).reshape(height, width, channels)


@pytest.mark.parametrize("compression", LOSSLESS_COMPRESSIONS)
def test_every_half_survives(
    tmp_path: Path, all_half_patterns: NDArray[np.float16], compression: str
) -> None:
    frame = Frame.from_pixels(7, "RGBA", all_half_patterns)
    write_frame(frame, tmp_path / "a.exr", compression)
    back = read_frame(tmp_path / "a.exr", 7)
    assert back.header.compression == compression
    assert _same_bits(back.blocks[0].pixels, all_half_patterns)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_writes_every_compression(tmp_path: Path, compression: str) -> None:
    write_frame(Frame.from_pixels(7, "RGBA", _ramp()), tmp_path / "a.exr", compression)
    back = read_frame(tmp_path / "a.exr", 7)
    assert back.header.compression == compression
    np.testing.assert_allclose(back.blocks[0].pixels, _ramp(), atol=0.5)


def test_refuses_an_unknown_compression(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match=r"no compression 'lzma'.*zip"):
        write_frame(Frame.from_pixels(7, "RGBA", _ramp()), tmp_path / "a.exr", "lzma")


def test_keeps_a_plates_lossless_compression_and_replaces_a_lossy_one(tmp_path: Path) -> None:
    for own, kept in (("piz", "piz"), ("dwaa", "zip")):
        write_frame(Frame.from_pixels(7, "RGBA", _ramp(), compression=own), tmp_path / f"{own}.exr")
        assert read_header(tmp_path / f"{own}.exr", 7).compression == kept


def test_channels_keep_their_own_data_types(tmp_path: Path, all_half_patterns: NDArray[np.float16]) -> None:
    random = np.random.default_rng(5)
    depth = random.integers(0, 2**32, (128, 128), dtype=np.uint32).view(np.float32)
    ids = random.integers(0, 2**32, (128, 128), dtype=np.uint32)
    frame = Frame.from_pixels(
        7,
        "RGBA",
        all_half_patterns,
        data_window=Box(-3, -2, 125, 126),
        display_size=(50, 60),
        pixel_aspect=2.0,
    ).with_metadata({"show": "a"})
    header = frame.header
    blocks = (
        *frame.blocks,
        PixelBlock(("depth.Z",), depth[..., None].copy()),
        PixelBlock(("a_channel_with_a_name_of_more_than_31_letters",), ids[..., None].copy()),
    )
    types = (HALF,) * 4 + (FLOAT, UINT)
    names = [name for block in blocks for name in block.names]
    object.__setattr__(header, "channels", tuple(map(Channel, names, types)))
    write_frame(Frame(header, blocks), tmp_path / "mixed.exr", "zip")

    back = read_frame(tmp_path / "mixed.exr", 7)
    assert {channel.name: channel.dtype for channel in back.header.channels} == dict(
        zip(names, types, strict=True)
    )
    for index, name in enumerate("RGBA"):
        assert _same_bits(back.native(name).copy(), all_half_patterns[..., index].copy())
    assert _same_bits(back.native("depth.Z").copy(), depth)
    assert _same_bits(back.native(names[-1]).copy(), ids)
    assert (back.data_window, back.display_size) == (Box(-3, -2, 125, 126), (50, 60))
    assert (back.pixel_aspect, back.metadata["show"]) == (2.0, "a")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mixed.exr"]


@pytest.mark.parametrize("dtype", [np.float32, np.uint32])
def test_files_of_one_other_type_survive(tmp_path: Path, dtype: type) -> None:
    bits = np.random.default_rng(6).integers(0, 2**32, (8, 9, 2), dtype=np.uint32).view(dtype)
    write_frame(Frame.from_pixels(7, ("x", "y"), bits), tmp_path / "a.exr")
    assert _same_bits(read_frame(tmp_path / "a.exr", 7).blocks[0].pixels, bits)


@pytest.mark.parametrize(
    ("data", "display"),
    [
        (Box(0, 0, 40, 32), Box(0, 0, 40, 32)),
        (Box(-10, -6, 30, 26), Box(0, 0, 20, 20)),
        (Box(4, 5, 44, 37), Box(0, 0, 100, 90)),
        (Box(200, 300, 240, 332), Box(0, 0, 100, 90)),
        (Box(-50, -40, -10, -8), Box(0, 0, 100, 90)),
        (Box(110, 25, 150, 57), Box(100, 20, 200, 110)),
        (Box(-20, -30, 20, 2), Box(-15, -25, 10, 0)),
    ],
)
def test_windows_survive(write_with_library: WriteFile, tmp_path: Path, data: Box, display: Box) -> None:
    path = write_with_library("plate.exr", _ramp(), "RGBA", data=data, display=display)
    frame = read_frame(path, 7)
    assert frame.display_size == (display.width, display.height)
    assert frame.data_window == data.moved(-display.x0, -display.y0)
    write_frame(frame, tmp_path / "copy.exr")
    spec = oiio.ImageInput.open(str(tmp_path / "copy.exr")).spec()
    assert Box(spec.x, spec.y, spec.x + spec.width, spec.y + spec.height) == data
    assert Box.from_size(spec.full_width, spec.full_height).moved(spec.full_x, spec.full_y) == display


def test_metadata_survive(write_with_library: WriteFile, tmp_path: Path) -> None:
    path = write_with_library(
        "plate.exr", _ramp(), "RGBA", DateTime="2024:01:02 03:04:05", PixelAspectRatio=2.0
    )
    source = read_frame(path, 7)
    attributes = source.header.attributes
    attributes.attribute("smpte:TimeCode", oiio.TypeTimeCode, (0x01020304, 5))
    attributes.attribute("FramesPerSecond", oiio.TypeRational, (24000, 1001))
    attributes.attribute("worldToCamera", oiio.TypeMatrix, tuple(float(value) for value in range(16)))
    attributes.attribute("arri/camera", "Alexa")
    attributes.attribute("exposure", 0.25)
    write_frame(source, tmp_path / "copy.exr")
    back = read_header(tmp_path / "copy.exr", 7).metadata
    assert back["DateTime"] == "2024:01:02 03:04:05"
    assert back["smpte:TimeCode"] == (0x01020304, 5)
    assert back["FramesPerSecond"] == (24000, 1001)
    assert back["worldToCamera"] == tuple(range(16))
    assert (back["arri/camera"], back["exposure"], back["PixelAspectRatio"]) == ("Alexa", 0.25, 2.0)


@pytest.mark.parametrize("has_depth", [False, True])
def test_text_that_is_not_utf8_goes_through(tmp_path: Path, has_depth: bool) -> None:
    frame = Frame.from_pixels(7, "RGBA", _ramp()).with_metadata({"artist": "cafe"})
    if has_depth:
        frame = frame.with_layer("", {"Z": _ramp()[..., 0].astype(np.float32)}, dtype=np.dtype(np.float32))
    write_frame(frame, tmp_path / "a.exr", "none")
    written = (tmp_path / "a.exr").read_bytes()
    assert written.count(b"cafe") == 1
    (tmp_path / "a.exr").write_bytes(written.replace(b"cafe", b"caf\xe9"))
    source = read_frame(tmp_path / "a.exr", 7)
    assert source.header.metadata["artist"] == "caf\udce9"
    write_frame(source, tmp_path / "b.exr", "none")
    assert (tmp_path / "b.exr").read_bytes() == (tmp_path / "a.exr").read_bytes()


def test_the_same_frame_gives_the_same_bytes(tmp_path: Path) -> None:
    frame = Frame.from_pixels(7, "RGBA", _ramp())
    for name in ("a.exr", "b.exr"):
        write_frame(frame, tmp_path / name)
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()
    assert "DateTime" not in read_header(tmp_path / "a.exr", 7).metadata


def test_a_header_is_that_of_the_frame(tmp_path: Path) -> None:
    write_frame(Frame.from_pixels(7, ("B", "G", "R", "spec.Y"), _ramp()), tmp_path / "a.exr")
    header = read_header(tmp_path / "a.exr", 7)
    assert header == read_frame(tmp_path / "a.exr", 7).header
    assert header.rgb_names() == ("R", "G", "B")
    assert header.layer_names == ["", "spec"]


def test_layers_are_written_beside_the_plate(tmp_path: Path) -> None:
    frame = Frame.from_pixels(7, "RGBA", _ramp())
    matte = np.linspace(0, 1, 32 * 40, dtype=np.float32).reshape(32, 40)
    layered = frame.with_layer("clean", dict.fromkeys("RGB", matte)).with_layer("matte", {"A": matte})
    write_frame(layered, tmp_path / "a.exr")
    back = read_frame(tmp_path / "a.exr", 7)
    assert set(back.channel_names) == {"R", "G", "B", "A", "clean.R", "clean.G", "clean.B", "matte.A"}
    np.testing.assert_array_equal(back.native("matte.A"), matte.astype(np.float16))
    np.testing.assert_array_equal(back.native("A"), _ramp()[..., 3])


def test_tiles_are_read_and_written_as_scan_lines(write_with_library: WriteFile, tmp_path: Path) -> None:
    path = write_with_library("tiled.exr", _ramp(), "RGBA", tile=16)
    frame = read_frame(path, 7)
    assert _same_bits(frame.blocks[0].pixels, _ramp())
    write_frame(frame, tmp_path / "flat.exr")
    assert oiio.ImageInput.open(str(tmp_path / "flat.exr")).spec().tile_width == 0
    assert _same_bits(read_frame(tmp_path / "flat.exr", 7).blocks[0].pixels, _ramp())


def test_luminance_only_is_a_grey_plate(write_with_library: WriteFile) -> None:
    path = write_with_library("grey.exr", _ramp(channels=1), ("Y",))
    picture = read_frame(path, 7).read_rgb(Box(0, 0, 40, 32))
    np.testing.assert_array_equal(picture, np.repeat(_ramp(channels=1).astype(np.float32), 3, axis=2))


@pytest.mark.parametrize("tile", [0, 16])
def test_some_lines_are_those_of_the_whole_frame(write_with_library: WriteFile, tile: int) -> None:
    data, display = Box(-3, 5, 37, 37), Box(-8, 2, 40, 60)
    path = write_with_library("lines.exr", _ramp(), "RGBA", data=data, display=display, tile=tile)
    whole = read_frame(path, 7)
    top = whole.data_window.y0
    for first, end in ((top + 4, top + 9), (top - 9, top + 1), (top + 31, top + 99)):
        some = read_frame(path, 7, (first, end))
        rows = slice(max(0, first - top), max(0, end - top))
        assert _same_bits(some.blocks[0].pixels, np.ascontiguousarray(whole.blocks[0].pixels[rows]))
        assert some.data_window.y0 == max(first, top)
        box = Box(0, first, some.display_size[0], end)
        np.testing.assert_array_equal(some.read_rgb(box), whole.read_rgb(box))
    nothing = read_frame(path, 7, (top + 40, top + 50))
    assert not nothing.read_rgb(whole.display_window).any()


# --- files that cannot be read


def _expect(path: Path, kind: type[PlateError], *says: str) -> None:
    for read in (read_frame, read_header):
        with pytest.raises(kind) as caught:
            read(path, 1003)
        for part in ("frame 1003", str(path), *says):
            assert part in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    _expect(tmp_path / "plate.1003.exr", MissingFrameError, "missing")


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plate.1003.exr"
    folder.mkdir()
    _expect(folder, PlateError, "cannot be opened")


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "plate.1003.exr"
    path.touch()
    _expect(path, PlateError, "0 bytes", "render or copy it again")


@pytest.mark.parametrize("content", [b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100), b"SDPX" + bytes(2048)])
def test_what_is_no_exr(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plate.1003.exr"
    path.write_bytes(content)
    _expect(path, PlateError, "not an EXR", "convert it")


@pytest.mark.parametrize("kept", [2, 4, 8, 60, 250])
def test_a_header_cut_short(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "plate.1003.exr"
    write_frame(Frame.from_pixels(1003, "RGBA", _ramp()), tmp_path / "whole.exr")
    path.write_bytes((tmp_path / "whole.exr").read_bytes()[:kept])
    _expect(path, PlateError, "damaged or cut short", "render or copy it again")


@pytest.mark.parametrize("compression", ["none", "zip", "zips", "piz", "rle"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_pixels_cut_short(tmp_path: Path, compression: str, share: float) -> None:
    path = tmp_path / "plate.1003.exr"
    write_frame(Frame.from_pixels(1003, "RGBA", _ramp(200, 100)), tmp_path / "whole.exr", compression)
    whole = (tmp_path / "whole.exr").read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PlateError, match=r"frame 1003 \(.*plate.1003.exr\) is damaged or cut short; render"):
        read_frame(path, 1003)


@pytest.mark.parametrize("compression", ["zip", "zips"])
def test_damaged_pixels(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "plate.1003.exr"
    write_frame(Frame.from_pixels(1003, "RGBA", _ramp(200, 100)), path, compression)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(byte ^ 0x5A for byte in content[middle : middle + 400])
    path.write_bytes(content)
    with pytest.raises(PlateError, match=r"frame 1003 \(.*plate.1003.exr\) is damaged"):
        read_frame(path, 1003)


def test_a_deep_file(tmp_path: Path) -> None:
    path = tmp_path / "plate.1003.exr"
    spec = oiio.ImageSpec(4, 4, 2, "half")
    spec.channelnames = ("A", "Z")
    spec.channelformats = (oiio.TypeDesc("half"), oiio.TypeDesc("float"))
    spec.deep = True
    samples = oiio.DeepData()
    samples.init(16, 2, spec.channelformats, spec.channelnames)
    target = oiio.ImageOutput.create("openexr")
    assert target.open(str(path), spec), target.geterror()
    assert target.write_deep_image(samples), target.geterror()
    target.close()
    _expect(path, PlateError, "deep", "DeepToImage")


def _subsampled(path: Path) -> None:
    """Write a black luma-chroma file as the OpenEXR tools do, uncompressed, with chroma at half the size."""

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value

    channels = b"".join(
        name + b"\0" + struct.pack("<iBxxxii", 1, 0, step, step)
        for name, step in ((b"BY", 2), (b"RY", 2), (b"Y", 1))
    )
    window = struct.pack("<4i", 0, 0, 3, 3)
    header = (
        struct.pack("<II", 20000630, 2)
        + attribute("channels", "chlist", channels + b"\0")
        + attribute("compression", "compression", b"\0")
        + attribute("dataWindow", "box2i", window)
        + attribute("displayWindow", "box2i", window)
        + attribute("lineOrder", "lineOrder", b"\0")
        + attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
        + attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0))
        + attribute("screenWindowWidth", "float", struct.pack("<f", 1))
        + b"\0"
    )
    rows = [struct.pack("<ii", y, size) + bytes(size) for y, size in ((0, 16), (1, 8), (2, 16), (3, 8))]
    starts = [len(header) + 32 + sum(map(len, rows[:index])) for index in range(4)]
    path.write_bytes(header + struct.pack("<4Q", *starts) + b"".join(rows))


@pytest.mark.parametrize("name", ["matte.1003.png", "plate.1003.DPX", "clip.mov"])
def test_what_is_no_exr_names_the_command_that_makes_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    _expect(tmp_path / name, RefusedFileError, "is no EXR", "void ingest")


def test_subsampled_luma_chroma(tmp_path: Path) -> None:
    path = tmp_path / "plate.1003.exr"
    _subsampled(path)
    _expect(path, PlateError, "luma and chroma", "convert it to RGB")


def test_luma_chroma_at_full_size(write_with_library: WriteFile) -> None:
    path = write_with_library("plate.1003.exr", _ramp(channels=3), ("Y", "RY", "BY"))
    _expect(path, PlateError, "luma and chroma", "convert it to RGB")


# --- frames that cannot be written


def test_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match="not overwritten"):
        write_frame(Frame.from_pixels(7, "RGBA", _ramp()), path)
    assert path.read_bytes() == b"precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.exr"]
    write_frame(Frame.from_pixels(7, "RGBA", _ramp()), path, overwrite=True)
    assert read_header(path, 7).channel_names == tuple("RGBA")


def test_makes_the_folder(tmp_path: Path) -> None:
    write_frame(Frame.from_pixels(7, "RGBA", _ramp()), tmp_path / "new" / "folder" / "a.exr")
    assert read_header(tmp_path / "new" / "folder" / "a.exr", 7).number == 7


def test_says_why_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PlateError, match=r"frame 7 cannot be written to .*a.exr: .*; check the folder"):
        write_frame(Frame.from_pixels(7, "RGBA", _ramp()), tmp_path / "file" / "a.exr")


def test_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = encoding._write_parts

    def fails_at_the_end(*arguments: Any) -> None:
        real(*arguments)
        assert any(entry.suffix == ".part" for entry in tmp_path.iterdir()), "not under a temporary name"
        assert not (tmp_path / "a.exr").exists()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(encoding, "_write_parts", fails_at_the_end)
    with pytest.raises(PlateError, match="No space left on device"):
        write_frame(Frame.from_pixels(7, "RGBA", _ramp()), tmp_path / "a.exr")
    assert list(tmp_path.iterdir()) == []
