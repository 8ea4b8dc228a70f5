"""Reads a small picture of the plate, for the panel, from the EXR that the host renders.

A host's Python has no image library that reads EXR and must not be given one. This module reads only what the
host is told to write: scan lines of half floats, uncompressed or with ZIP one line at a time. It follows the
published description of the format (openexr.com, "OpenEXR File Layout").
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from void_nuke.errors import ExportError

_MAGIC = 20000630
_HALF = 1
_COMPRESSIONS = (0, 2)
"""The EXR codes for no compression and for ZIP of single lines."""
_MOST_PIXELS = 4_000_000


@dataclass(frozen=True)
class PlatePicture:
    """The picture in the display window: rows from the top, three bytes R G B for each pixel,
    sRGB-encoded."""

    width: int
    height: int
    pixels: bytes


def read_plate_picture(path: Path) -> PlatePicture:
    """Read the picture in a file.

    Raises:
        ExportError: when the file cannot be read or is not what the host was told to write.
    """
    try:
        return _decode(path.read_bytes())
    except (OSError, ValueError, KeyError, struct.error, zlib.error, IndexError) as error:
        raise ExportError(f"the plate's picture {path.name} cannot be shown ({error})") from error


def _decode(data: bytes) -> PlatePicture:
    if len(data) < 8 or struct.unpack_from("<i", data)[0] != _MAGIC or data[4] != 2 or data[5] & 0x1A:
        raise ValueError("it is no EXR file of scan lines")
    header, place = _header(data)
    compression = header["compression"][0]
    if compression not in _COMPRESSIONS:
        raise ValueError(f"its compression {compression} is not one of {_COMPRESSIONS}")
    left, top, right, bottom = struct.unpack("<4i", header["dataWindow"])
    shown_left, shown_top, shown_right, shown_bottom = struct.unpack("<4i", header["displayWindow"])
    width, height = shown_right - shown_left + 1, shown_bottom - shown_top + 1
    across = right - left + 1
    if not (0 < width * height <= _MOST_PIXELS and 0 < across <= 65_536 and bottom >= top):
        raise ValueError(f"its size {width}x{height} is not that of a small picture")
    offsets, line_bytes = _offsets(header["channels"], across)
    table = _display_table()
    pixels = bytearray(3 * width * height)
    first, last = max(left, shown_left), min(right, shown_right)
    for index in range(bottom - top + 1):
        (start,) = struct.unpack_from("<q", data, place + 8 * index)
        y, size = struct.unpack_from("<2i", data, start)
        row = y - shown_top
        if not 0 <= row < height or first > last:
            continue
        line = _line(data[start + 8 : start + 8 + size], line_bytes, compression)
        for channel, offset in enumerate(offsets):
            begin = offset + 2 * (first - left)
            values = array("H", line[begin : begin + 2 * (last - first + 1)])
            if sys.byteorder == "big":
                values.byteswap()
            at = 3 * (row * width + first - shown_left) + channel
            pixels[at : at + 3 * len(values) : 3] = bytes(table[value] for value in values)
    return PlatePicture(width, height, bytes(pixels))


def _header(data: bytes) -> tuple[dict[str, bytes], int]:
    """Return the header's attributes by name, and the byte at which the table of lines begins."""
    place = 8
    header: dict[str, bytes] = {}
    while data[place]:
        name, place = _text(data, place)
        _, place = _text(data, place)
        (size,) = struct.unpack_from("<i", data, place)
        header[name] = data[place + 4 : place + 4 + size]
        place += 4 + size
    return header, place + 1


def _text(data: bytes, place: int) -> tuple[str, int]:
    end = data.index(b"\0", place)
    return data[place:end].decode("utf-8", "replace"), end + 1


def _channels(channels: bytes) -> Iterator[tuple[str, int]]:
    place = 0
    while channels[place]:
        name, place = _text(channels, place)
        kind, _, across, down = struct.unpack_from("<4i", channels, place)
        if (across, down) != (1, 1):
            raise ValueError(f"its channel {name} is subsampled")
        place += 16
        yield name, kind


def _offsets(channels: bytes, width: int) -> tuple[list[int], int]:
    """Return where R, G and B begin in a line, and how long a line is, in bytes."""
    found: dict[str, int] = {}
    offset = 0
    for name, kind in _channels(channels):
        if name in ("R", "G", "B") and kind == _HALF:
            found[name] = offset
        offset += width * (2 if kind == _HALF else 4)
    if len(found) < 3:
        raise ValueError("it has no R, G, B of half floats")
    return [found["R"], found["G"], found["B"]], offset


def _line(chunk: bytes, line_bytes: int, compression: int) -> bytes:
    if compression == 0 or len(chunk) == line_bytes:
        return chunk
    inflater = zlib.decompressobj()
    packed = inflater.decompress(chunk, line_bytes)
    if len(packed) != line_bytes:
        raise ValueError("a line is cut off")
    sums: list[int] = list(accumulate(packed, _undo_step))
    summed = bytes(sums)
    half = (line_bytes + 1) // 2
    line = bytearray(line_bytes)
    line[0::2], line[1::2] = summed[:half], summed[half:]
    return bytes(line)


def _undo_step(before: int, own: int) -> int:
    return (before + own - 128) & 255


@lru_cache(maxsize=1)
def _display_table() -> bytes:
    """Return the sRGB byte of each half float, indexed by the half's bits."""
    values = struct.unpack("<65536e", struct.pack("<65536H", *range(65536)))
    return bytes(_srgb_byte(value) for value in values)


def _srgb_byte(light: float) -> int:
    if not light > 0.0:  # this catches NaN too
        return 0
    if light >= 1.0:
        return 255
    shown = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return int(255.0 * shown + 0.5)
