from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import pytest

from void_engine.errors import PlateError, RefusedFileError
from void_engine.plates.exr import header_limits
from void_engine.plates.exr.file import read_frame, read_header
from void_engine.plates.exr.header_limits import check_header

Attribute = tuple[bytes, bytes, bytes]
USUAL: list[Attribute] = [
    (
        b"channels", b"chlist",
        b"".join(name + b"\0" + struct.pack("<iBxxxii", 1, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0",
    ),
    (b"compression", b"compression", b"\0"),
    (b"dataWindow", b"box2i", struct.pack("<4i", 0, 0, 3, 3)),
    (b"displayWindow", b"box2i", struct.pack("<4i", 0, 0, 3, 3)),
    (b"lineOrder", b"lineOrder", b"\0"),
    (b"pixelAspectRatio", b"float", struct.pack("<f", 1.0)),
    (b"screenWindowCenter", b"v2f", struct.pack("<2f", 0.0, 0.0)),
    (b"screenWindowWidth", b"float", struct.pack("<f", 1.0)),
]  # fmt: skip


def header(attributes: list[Attribute]) -> bytes:
    packed = (
        name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in attributes
    )
    return b"".join(packed) + b"\0"


def exr(*more: Attribute) -> bytes:
    """A whole file of 4x4 black pixels with these attributes beside the usual ones."""
    begin = struct.pack("<II", 20000630, 2) + header([*USUAL, *more])
    first = len(begin) + 4 * 8
    rows = [struct.pack("<ii", y, 24) + bytes(24) for y in range(4)]
    return begin + b"".join(struct.pack("<Q", first + 32 * y) for y in range(4)) + b"".join(rows)


def multi_part(parts: list[list[Attribute]]) -> bytes:
    return struct.pack("<II", 20000630, 2 | 0x1000) + b"".join(map(header, parts)) + b"\0"


def check(content: bytes) -> None:
    check_header(io.BytesIO(content), "frame 1")


def many(count: int, kind: bytes = b"string", value: bytes = b"x") -> list[Attribute]:
    return [(b"a%d" % number, kind, value) for number in range(count)]


def test_a_header_of_many_attributes_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(exr(*many(100_000)))
    began = time.monotonic()
    for read in (read_header, read_frame):
        with pytest.raises(RefusedFileError, match=r"frame 1 \(.*a\.exr\) has more than 2048 attributes"):
            read(tmp_path / "a.exr", 1)
    assert time.monotonic() - began < 5


def test_what_real_files_have_is_read(tmp_path: Path) -> None:
    """Some hundreds of attributes of a camera, and a renderer's list of names of several megabytes."""
    names = (b"cryptomatte/0/manifest", b"string", b"{" + b"n" * (5 << 20) + b"}")
    (tmp_path / "a.exr").write_bytes(exr(*many(900), names))
    assert float(read_frame(tmp_path / "a.exr", 1).native("R")[3, 3]) == 0.0
    check(exr(*many(2048 - len(USUAL))))
    with pytest.raises(RefusedFileError, match="2048 attributes"):
        check(exr(*many(2049 - len(USUAL))))


def test_all_parts_count_together() -> None:
    check(multi_part([many(2000)] * 8))
    with pytest.raises(RefusedFileError, match="16384 in all"):
        check(multi_part([many(2000)] * 9))
    check(multi_part([many(3)] * 256))
    with pytest.raises(RefusedFileError, match="more than 256 parts"):
        check(multi_part([many(3)] * 257))


def test_bytes_are_bounded_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_limits, "MOST_HEADER_BYTES", 1 << 20)
    check(exr((b"a", b"string", bytes(900_000))))
    with pytest.raises(RefusedFileError, match="a header of more than 1 MiB"):
        check(exr((b"a", b"string", bytes(1 << 20))))
    with pytest.raises(PlateError, match="its header does not end"):  # the file ends before
        check(exr()[:8] + b"a\0string\0" + struct.pack("<i", 2**31 - 1))


def test_lists_are_bounded() -> None:
    with pytest.raises(RefusedFileError, match="a list of texts of 1048580 bytes"):
        check(exr((b"a", b"stringvector", bytes((1 << 20) + 4))))
    with pytest.raises(RefusedFileError, match="more than 1024 channels"):
        check(exr((b"a", b"chlist", bytes(1 << 20))))


@pytest.mark.parametrize("cut", [4, 8, 9, 20, 40, 200])
def test_a_header_that_does_not_end_is_damaged(cut: int) -> None:
    with pytest.raises(PlateError, match="frame 1 is damaged or cut short"):
        check(exr()[:cut])


def test_nonsense_is_damaged_too() -> None:
    for content in (
        exr()[:8] + b"a\0string\0" + struct.pack("<i", -1) + bytes(9),
        exr()[:8] + b"n" * 1000,
        exr()[:8] + b"name\0" + b"t" * 1000,
        multi_part([many(2)])[:-1],
    ):
        with pytest.raises(PlateError, match="damaged or cut short"):
            check(content)


@pytest.mark.parametrize("length", [63 * 1024, 64 * 1024 - 30, 64 * 1024, 200 * 1024])
def test_values_of_any_length_are_skipped(length: int) -> None:
    """Also where the pieces in which the header is read end in the middle of a value or of a name."""
    for more in range(40):
        check(exr((b"a", b"string", bytes(length + more)), *many(3)))


def _channels(*names: str, share: int = 1) -> Attribute:
    entries = (name.encode() + b"\0" + struct.pack("<i4x2i", 1, share, share) for name in names)
    return (b"channels", b"chlist", b"".join(entries) + b"\0")


def test_too_many_channels_are_a_limit_and_counted() -> None:
    content = struct.pack("<II", 20000630, 2) + header([_channels(*(f"c{number}" for number in range(1203)))])
    with pytest.raises(RefusedFileError, match="has 1203 channels, at most 1024 are read"):
        check(content)


def test_a_value_beyond_the_end_of_the_file_is_damage_and_no_limit() -> None:
    for kind in (b"string", b"chlist", b"stringvector"):
        content = (
            struct.pack("<II", 20000630, 2) + b"a\0" + kind + b"\0" + struct.pack("<i", 1 << 30) + bytes(50)
        )
        with pytest.raises(PlateError, match="damaged or cut short") as failure:
            check(content)
        assert not isinstance(failure.value, RefusedFileError)
