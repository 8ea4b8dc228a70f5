"""Bounds the header of an EXR file before any library reads it.

A library keeps every attribute of a header and looks each one up among those before it: a header of 1.5 MB
with 100,000 small attributes keeps OpenImageIO busy for minutes. So the attributes are counted first. Their
layout is that of "OpenEXR File Layout", Academy Software Foundation: a name and a type, each ended by a zero
byte, a size in four bytes, and the value; an empty name ends the header of a part.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from void_engine.errors import PlateError, RefusedFileError
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
_LONGEST_NAME = 255
_READ_BYTES = 64 * 1024
_MULTI_PART = 0x1000


class _Reader:
    """Reads a header in pieces, and skips values without reading them."""

    def __init__(self, file: BinaryIO, described: str) -> None:
        self._file = file
        self._described = described
        self._data = b""
        self._at = 0
        self._before = 0
        """Where ``_data`` begins in the file."""

    @property
    def offset(self) -> int:
        return self._before + self._at

    def _fill(self, count: int) -> None:
        while len(self._data) - self._at < count and (more := self._file.read(_READ_BYTES)):
            self._data = self._data[self._at :] + more
            self._before += self._at
            self._at = 0

    def damaged(self) -> PlateError:
        return PlateError(
            f"{self._described} is damaged or cut short; render or copy it again (its header does not end)"
        )

    def number(self) -> int:
        self._fill(4)
        if len(self._data) - self._at < 4:
            raise self.damaged()
        (value,) = struct.unpack_from("<i", self._data, self._at)
        self._at += 4
        return int(value)

    def text(self) -> bytes:
        self._fill(_LONGEST_NAME + 1)
        end = self._data.find(b"\0", self._at, self._at + _LONGEST_NAME + 1)
        if end < 0:
            raise self.damaged()
        found = self._data[self._at : end]
        self._at = end + 1
        return found

    def skip(self, count: int) -> None:
        held = len(self._data) - self._at
        if count > held:
            self._before = self._file.seek(count - held, 1)
            self._data, self._at = b"", 0
        else:
            self._at += count


def check_header(file: BinaryIO, described: str) -> None:
    """Refuse a file whose header asks for too much. ``file`` is read from its beginning, in bounded time and
    memory.

    Args:
        file: an open EXR file.
        described: the name of the frame in messages.

    Raises:
        RefusedFileError: when a limit is exceeded; the message names it.
        PlateError: when the header does not come to its end.
    """
    file.seek(0)
    reader = _Reader(file, described)
    reader.number()  # which says that this is an EXR file
    is_multi_part = bool(reader.number() & _MULTI_PART)
    parts = total = 0
    while True:
        count = _count_attributes(reader, described, total)
        total += count
        if is_multi_part and not count:  # an empty header ends the list of parts
            return
        parts += 1
        if not is_multi_part:
            return
        if parts > MOST_PARTS:
            raise RefusedFileError(f"{described} has more than {MOST_PARTS} parts")


def _count_attributes(reader: _Reader, described: str, before: int) -> int:
    """Return how many attributes the next part has; ``before`` is the number of those before it."""
    count = 0
    while reader.text():
        count += 1
        kind, size = reader.text(), reader.number()
        if size < 0:
            raise reader.damaged()
        if count > MOST_ATTRIBUTES or before + count > MOST_FILE_ATTRIBUTES:
            raise RefusedFileError(
                f"{described} has more than {MOST_ATTRIBUTES} attributes in a part of its header, or "
                f"{MOST_FILE_ATTRIBUTES} in all; write it without its metadata"
            )
        if kind == b"chlist" and size > _CHANNEL_BYTES:
            raise RefusedFileError(f"{described} has more than {MOST_CHANNELS} channels; leave some out")
        if kind == b"stringvector" and size > _LIST_BYTES:
            raise RefusedFileError(
                f"{described} has a list of texts of {size} bytes in its header, at most {_LIST_BYTES}; "
                "write it without its metadata"
            )
        reader.skip(size)
        if reader.offset > MOST_HEADER_BYTES:
            raise RefusedFileError(
                f"{described} has a header of more than {MOST_HEADER_BYTES >> 20} MiB; write it without its "
                "metadata"
            )
    return count
