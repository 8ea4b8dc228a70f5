from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from tests.unit.void_engine.plates.exr.test_header_limits import exr
from void_engine.plates.exr.file import read_frame, read_header, write_frame
from void_engine.plates.exr.kept import put_back
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.parts import RawAttribute


def attributes(path: Path) -> dict[bytes, tuple[bytes, bytes]]:
    """The attributes of the first part of a file, by name: type and value."""
    data, at, found = path.read_bytes(), 8, {}
    while data[at]:
        name, kind, rest = data[at:].split(b"\0", 2)
        at += len(name) + len(kind) + 2
        (size,) = struct.unpack("<i", rest[:4])
        found[name] = (kind, rest[4 : 4 + size])
        at += 4 + size
    return found


def _floats(count: int) -> bytes:
    return struct.pack(f"<{count}f", *range(count))


KEPT = [
    (b"studio/thing", b"studioBlob", b"\0\1\2anything"),
    (b"weird", b"weird", b""),
    (b"ids", b"idmanifest", bytes(5000)),
    (b"nothing", b"string", b""),
    (b"none", b"stringvector", b""),
    *((b"v%d" % count, b"floatvector", _floats(count)) for count in (2, 3, 9, 16)),
]


def test_attributes_that_the_library_drops_or_changes_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(
        exr(*KEPT, (b"owner", b"string", b"me"), (b"v5", b"floatvector", _floats(5)))
    )
    frame = read_frame(tmp_path / "a.exr", 1)
    assert frame.size_bytes > 5000
    write_frame(frame.with_metadata({"void/prompt": "x"}), tmp_path / "b.exr")
    before, after = attributes(tmp_path / "a.exr"), attributes(tmp_path / "b.exr")
    for name, _, _ in (*KEPT, (b"owner", b"", b""), (b"v5", b"", b"")):
        assert after[name] == before[name], name
    assert after[b"void/prompt"] == (b"string", b"x")
    # The file is whole, for our reader and for the library alone.
    assert np.array_equal(read_frame(tmp_path / "b.exr", 1).native("R"), frame.native("R"))
    assert not read_header(tmp_path / "b.exr", 1).kept  # Headers of a whole shot are held at once.


def test_a_latitude_longitude_map_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(exr((b"envmap", b"envmap", b"\0")))
    write_frame(read_frame(tmp_path / "a.exr", 1), tmp_path / "b.exr")
    assert attributes(tmp_path / "b.exr")[b"envmap"] == (b"envmap", b"\0")


def test_a_preview_is_not_kept_because_it_shows_what_has_gone(tmp_path: Path) -> None:
    preview = struct.pack("<II", 1, 1) + b"rgba"
    (tmp_path / "a.exr").write_bytes(exr((b"preview", b"preview", preview)))
    write_frame(read_frame(tmp_path / "a.exr", 1), tmp_path / "b.exr")
    assert b"preview" not in attributes(tmp_path / "b.exr")


def test_a_value_that_was_set_anew_stays(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(exr((b"void/prompt", b"string", b"")))
    write_frame(read_frame(tmp_path / "a.exr", 1).with_metadata({"void/prompt": "new"}), tmp_path / "b.exr")
    assert attributes(tmp_path / "b.exr")[b"void/prompt"] == (b"string", b"new")


@pytest.mark.parametrize("size", [(8, 4), (600, 700)])
def test_every_line_is_found_after_the_header_has_grown(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("void_engine.plates.exr.kept._BLOCK_BYTES", 4096)
    pixels = np.random.default_rng(0).normal(size=(size[1], size[0], 3)).astype(np.float16)
    for compression in ("none", "zip", "piz"):
        path = tmp_path / f"{compression}.exr"
        write_frame(Frame.from_pixels(1, "RGB", pixels), path, compression)
        put_back(path, [[RawAttribute(b"blob", b"blob", bytes(9000))]])
        source = oiio.ImageInput.open(str(path))
        assert np.array_equal(source.read_image(0, 0, 0, 3, "half"), pixels)
        source.close()


def test_each_part_keeps_its_own(tmp_path: Path, write_with_library: Callable[..., Path]) -> None:
    specs = []
    for name in ("rgba", "depth"):
        spec = oiio.ImageSpec(12, 8, 3 if name == "rgba" else 1, "half")
        spec.channelnames = ("R", "G", "B") if name == "rgba" else ("Z",)
        spec.attribute("name", name)
        specs.append(spec)
    path = tmp_path / "a.exr"
    target = oiio.ImageOutput.create("openexr")
    assert target.open(str(path), specs)
    for place, spec in enumerate(specs):
        if place:
            assert target.open(str(path), spec, "AppendSubimage")
        assert target.write_image(np.full((8, 12, spec.nchannels), place + 1, np.float16))
    target.close()
    put_back(path, [[RawAttribute(b"one", b"x", b"1")], [RawAttribute(b"two", b"x", b"22")]])
    frame = read_frame(path, 1)
    write_frame(frame, tmp_path / "b.exr")
    again = read_frame(tmp_path / "b.exr", 1)
    assert [part.kept for part in again.header.parts] == [part.kept for part in frame.header.parts]
    assert [part.kept[0].name for part in again.header.parts] == [b"one", b"two"]
    assert again.native("R").max() == 1
    assert again.native("depth.Z").min() == 2


def test_what_the_library_adds_of_its_own_is_left_out(
    tmp_path: Path, write_with_library: Callable[..., Path]
) -> None:
    pixels = np.zeros((64, 64, 3), np.float16)
    path = write_with_library("tiled.exr", pixels, "RGB", tile=32, XResolution=72.0)
    before = attributes(path)
    write_frame(read_frame(path, 1), tmp_path / "b.exr")
    added = set(attributes(tmp_path / "b.exr")) - set(before)
    assert not added & {b"textureformat", b"ResolutionUnit"}
