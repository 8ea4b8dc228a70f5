"""Reads the header of an EXR file piece by piece, without a library.

The layout of its attributes is that of "OpenEXR File Layout", Academy Software Foundation: a name and a type,
each ended by a zero byte, a size in four bytes, and the value; an empty name ends the header of a part.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from void_engine.errors import PlateError

MULTI_PART = 0x1000
"""The bit of a file's version that says that it has several parts; an empty header then ends their list."""
_LONGEST_NAME = 255
_READ_BYTES = 64 * 1024


class HeaderReader:
    """Reads a header in pieces, and skips values without reading them."""

    def __init__(self, file: BinaryIO, described: str) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._described = described
        self._data = b""
        self._at = 0
        self._before = 0
        """Where ``_data`` begins in the file."""

    @property
    def offset(self) -> int:
        return self._before + self._at

    def _fill(self, count: int) -> None:
        while len(self._data) - self._at < count and (
            more := self._file.read(max(_READ_BYTES, count - (len(self._data) - self._at)))
        ):
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

    def require(self, count: int) -> None:
        """Refuse a value that is longer than the rest of the file."""
        if count > self._size - self.offset:
            raise self.damaged()

    def take(self, count: int) -> bytes:
        self._fill(count)
        found = self._data[self._at : self._at + count]
        self._at += len(found)
        return found

    def skip(self, count: int) -> None:
        held = len(self._data) - self._at
        if count > held:
            self._before = self._file.seek(count - held, 1)
            self._data, self._at = b"", 0
        else:
            self._at += count
