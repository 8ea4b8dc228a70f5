"""Attributes of a header that OpenImageIO drops or changes are put back into the file that it has written.

They are types that a studio has made up, lists of object ids (``idmanifest``), empty texts, and float vectors
of 2, 3, 9 and 16 numbers, which it takes for vectors and matrices. The header grows by them, so everything
behind it moves, and the table of offsets with it. A preview is not put back: it shows what has been removed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from void_engine.errors import PlateError
from void_engine.plates.exr.header_reader import MULTI_PART, HeaderReader
from void_engine.plates.frame.parts import RawAttribute

_CARRIED = frozenset(
    b"box2i box2f double float int keycode m33f m33d m44f m44d".split()
    + b"rational timecode v2i v2f v2d v3i v3f v3d".split()
)
_OF_THE_FILE = frozenset(
    b"chlist compression lineOrder tiledesc envmap deepImageState preview chromaticities".split()
)
"""Types that describe how the file is written, and the preview."""
_MADE_MATRICES = tuple(4 * count for count in (2, 3, 9, 16))
_BLOCK_BYTES = 4 << 20


def is_lost(kind: bytes, size: int) -> bool:
    """Whether OpenImageIO drops or changes an attribute of this type, with a value of ``size`` bytes."""
    if kind in _CARRIED or kind in _OF_THE_FILE:
        return False
    if kind == b"floatvector":
        return size in _MADE_MATRICES
    return not (kind in (b"string", b"stringvector") and size > 0)


def put_back(path: str | Path, parts: Sequence[Sequence[RawAttribute]]) -> None:
    """Add attributes to a scan-line file that is whole.

    An attribute that is there by this name and holds another value stays.

    Args:
        path: the file.
        parts: for each part of the file, in order, what is to be added.

    Raises:
        OSError: when the file cannot be read or written.
    """
    if not any(parts):
        return
    with Path(path).open("r+b") as file:
        old, headers = _read_headers(file)
        new = old[:8] + b"".join(
            _merged(header, parts[place] if place < len(parts) else ())
            for place, header in enumerate(headers)
        )
        if len(headers) > 1:
            new += b"\0"
        grown = len(new) - len(old)
        # The first offset is that of the first line, which follows the tables of all parts.
        file.seek(len(old))
        (first,) = struct.unpack("<Q", file.read(8))
        file.seek(len(old))
        offsets = np.frombuffer(file.read(first - len(old)), "<u8")
        if int(offsets.min()) != first:
            raise OSError("the lines of the file are not in order")
        offsets = offsets + np.uint64(grown)
        _move(file, first, grown)
        file.seek(0)
        file.write(new + offsets.astype("<u8").tobytes())


def _read_headers(file: BinaryIO) -> tuple[bytes, list[list[RawAttribute]]]:
    """The bytes of all headers with what comes before them, and the attributes of each part."""
    reader = HeaderReader(file, "the file")
    headers: list[list[RawAttribute]] = []
    try:
        reader.number()  # which says that this is an EXR file
        is_multi_part = bool(reader.number() & MULTI_PART)
        while attributes := _attributes(reader):
            headers.append(attributes)
            if not is_multi_part:
                break
    except PlateError as error:
        raise OSError("the header of the file does not end") from error
    file.seek(0)
    return file.read(reader.offset), headers


def _attributes(reader: HeaderReader) -> list[RawAttribute]:
    """The attributes of the next part; none where the list of parts ends."""
    found = []
    while name := reader.text():
        kind, size = reader.text(), reader.number()
        found.append(RawAttribute(name, kind, reader.take(size)))
    return found


def _merged(written: Sequence[RawAttribute], kept: Sequence[RawAttribute]) -> bytes:
    wanted = {attribute.name: attribute for attribute in kept}
    result = []
    for attribute in written:
        own = wanted.pop(attribute.name, None)
        # Another value under the same name was set by whoever made the frame.
        result.append(own if own is not None and own.value == attribute.value else attribute)
    return b"".join(attribute.packed for attribute in (*result, *wanted.values())) + b"\0"


def _move(file: BinaryIO, begin: int, distance: int) -> None:
    """Move everything from ``begin`` to the end of the file by ``distance`` bytes, block by block."""
    end = file.seek(0, 2)
    starts = range(begin, end, _BLOCK_BYTES)
    for start in reversed(starts) if distance > 0 else starts:
        file.seek(start)
        block = file.read(min(_BLOCK_BYTES, end - start))
        file.seek(start + distance)
        file.write(block)
    if distance < 0:
        file.truncate(end + distance)
