"""Bounds the header of an EXR file before any library reads it.

A library keeps every attribute of a header and looks each one up among those before it: a header of 1.5 MB
with 100,000 small attributes keeps OpenImageIO busy for minutes. So the attributes are counted first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from void_engine.errors import RefusedFileError
from void_engine.plates.exr.header_reader import MULTI_PART, HeaderReader
from void_engine.plates.exr.kept import is_lost
from void_engine.plates.frame.parts import RawAttribute
from void_engine.plates.storage.policy import MOST_CHANNELS, MOST_PARTS

MOST_ATTRIBUTES = 2048
"""The most attributes of one part. Cameras write some hundreds."""
MOST_FILE_ATTRIBUTES = 16_384
"""The most attributes of all parts together."""
MOST_HEADER_BYTES = 32 << 20
"""The most bytes of a header. Renderers put lists of their objects' names there, of some megabytes."""
_LIST_BYTES = 1 << 20
"""The most bytes of an attribute that is a list of texts, each of which takes memory of its own."""
_CHANNEL_BYTES = MOST_CHANNELS * (256 + 16)
"""The most bytes of a list of channels: a name, and sixteen bytes, each."""
_CUBE = b"\x01"
"""The value of the attribute ``envmap`` for the six faces of a cube."""


class ListedChannel(NamedTuple):
    """A channel as a header lists it: its name, and how many columns and rows there are for each of its
    pixels."""

    name: bytes
    columns: int
    rows: int


@dataclass(slots=True)
class PartOutline:
    """What the header of one part says of itself, before a library reads it."""

    attributes: set[bytes] = field(default_factory=set)
    """The names of the attributes."""
    channels: list[ListedChannel] = field(default_factory=list)
    is_cube_map: bool = False
    kept: list[RawAttribute] = field(default_factory=list)
    """Attributes that OpenImageIO would drop or change; only where they were asked for."""


def check_header(file: BinaryIO, described: str, *, keep: bool = False) -> list[PartOutline]:
    """Refuse a file whose header asks for too much. ``file`` is read from its beginning, in bounded time and
    memory.

    Args:
        file: an open EXR file.
        described: the name of the frame in messages.
        keep: whether the values are wanted of attributes that OpenImageIO would drop or change.

    Returns:
        What the header of each part says.

    Raises:
        RefusedFileError: when a limit is exceeded; the message names it.
        PlateError: when the header does not come to its end.
    """
    reader = HeaderReader(file, described)
    reader.number()  # which says that this is an EXR file
    is_multi_part = bool(reader.number() & MULTI_PART)
    parts: list[PartOutline] = []
    total = 0
    while True:
        part, count = _outline(reader, described, total, keep)
        total += count
        if is_multi_part and not count:  # an empty header ends the list of parts
            return parts
        parts.append(part)
        if not is_multi_part:
            return parts
        if len(parts) > MOST_PARTS:
            raise RefusedFileError(f"{described} has more than {MOST_PARTS} parts")


def _outline(reader: HeaderReader, described: str, before: int, keep: bool) -> tuple[PartOutline, int]:
    """Return what the next part says and how many attributes it has; ``before`` is the number of those before
    it."""
    part = PartOutline()
    count = 0
    while name := reader.text():
        count += 1
        part.attributes.add(name)
        kind, size = reader.text(), reader.number()
        if size < 0:
            raise reader.damaged()
        reader.require(size)
        if count > MOST_ATTRIBUTES or before + count > MOST_FILE_ATTRIBUTES:
            raise RefusedFileError(
                f"{described} has more than {MOST_ATTRIBUTES} attributes in a part of its header, or "
                f"{MOST_FILE_ATTRIBUTES} in all; write it without its metadata"
            )
        if kind == b"stringvector" and size > _LIST_BYTES:
            raise RefusedFileError(
                f"{described} has a list of texts of {size} bytes in its header, at most {_LIST_BYTES}; "
                "write it without its metadata"
            )
        if kind == b"chlist" and size <= _CHANNEL_BYTES:
            part.channels = _listed(reader.take(size))
        elif kind == b"envmap" and size == 1:
            part.is_cube_map = reader.take(1) == _CUBE
        elif keep and is_lost(kind, size) and size <= MOST_HEADER_BYTES:
            part.kept.append(RawAttribute(name, kind, reader.take(size)))
        else:
            reader.skip(size)
        if (kind == b"chlist" and size > _CHANNEL_BYTES) or len(part.channels) > MOST_CHANNELS:
            counted = len(part.channels)
            there = counted if counted > MOST_CHANNELS else f"more than {MOST_CHANNELS}"
            raise RefusedFileError(
                f"{described} has {there} channels, at most {MOST_CHANNELS} are read; leave some out"
            )
        if reader.offset > MOST_HEADER_BYTES:
            raise RefusedFileError(
                f"{described} has a header of more than {MOST_HEADER_BYTES >> 20} MiB; write it without its "
                "metadata"
            )
    return part, count


def _listed(value: bytes) -> list[ListedChannel]:
    """The channels of a list: a name that a zero byte ends, and sixteen bytes, each; an empty name ends the
    list. What is no such list gives the channels before its fault, and the library says what is wrong."""
    found = []
    at = 0
    while at < len(value) and value[at]:
        end = value.find(b"\0", at)
        if end < 0 or end + 17 > len(value):
            break
        columns, rows = struct.unpack_from("<2i", value, end + 9)
        found.append(ListedChannel(value[at:end], columns, rows))
        at = end + 17
    return found
