"""Reads from an EXR file which stereo views it holds. A host's Python has no library for that, and only the
header is read; its layout is that of "OpenEXR File Layout", Academy Software Foundation."""

from __future__ import annotations

import struct
from pathlib import Path

_MAGIC = 20000630
_MULTI_PART = 0x1000
_MOST_BYTES = 4 << 20
"""The most bytes of a header that are read."""


def views_in_file(path: Path) -> tuple[str, ...]:
    """Return the views that a file's header names, the first by default; none where it names none or cannot
    be read."""
    try:
        with path.open("rb") as file:
            return _views(file.read(_MOST_BYTES))
    except (OSError, ValueError, struct.error, IndexError):
        return ()


def _views(data: bytes) -> tuple[str, ...]:
    magic, version = struct.unpack_from("<iI", data)
    if magic != _MAGIC:
        raise ValueError("it is no EXR file")
    found: dict[str, None] = {}
    place = 8
    while data[place]:
        while data[place]:
            name, place = _text(data, place)
            _, place = _text(data, place)
            (size,) = struct.unpack_from("<i", data, place)
            value = data[place + 4 : place + 4 + size]
            place += 4 + size
            if size < 0:
                raise ValueError("its header is damaged")
            if name == b"multiView":
                found.update(dict.fromkeys(_texts(value)))
            elif name == b"view":
                found[value.decode("utf-8", "replace")] = None
        place += 1
        if not version & _MULTI_PART:
            break
    return tuple(found)


def _text(data: bytes, place: int) -> tuple[bytes, int]:
    end = data.index(b"\0", place)
    return data[place:end], end + 1


def _texts(value: bytes) -> list[str]:
    """Read a list of texts, each of which follows its length."""
    texts, place = [], 0
    while place < len(value):
        (size,) = struct.unpack_from("<i", value, place)
        if size < 0:
            raise ValueError("its list of views is damaged")
        texts.append(value[place + 4 : place + 4 + size].decode("utf-8", "replace"))
        place += 4 + size
    return texts
