"""Writes an uncompressed scan-line EXR byte by byte, also one whose channels have different data types.

Such a file is only an intermediate: OpenImageIO cannot be given pixels of mixed types from Python, but it can
read them from this file, and of pixels in memory it makes such a file several times as fast as OpenImageIO
does. The file holds what the format demands and no other metadata than pixel aspect and frame rate. Its
layout is that of "OpenEXR File Layout", Academy Software Foundation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FLOAT, FRAME_RATE_ATTRIBUTE, HALF, UINT, PixelType
from void_engine.plates.frame.parts import RawAttribute

_MAGIC, _VERSION = 20000630, 2
_LONG_NAMES = 0x400
_LONGEST_SHORT_NAME = 31
_LINES = 256
"""How many lines are put together at a time."""
_TYPE_CODES: dict[PixelType, int] = {UINT: 0, HALF: 1, FLOAT: 2}


def write_uncompressed(path: Path | str, frame: Frame, rate: Fraction | None = None) -> None:
    """Write the pixels of ``frame``, with the corner of its display window at (0, 0).

    Args:
        path: the file.
        frame: its pixels, windows and pixel aspect are written.
        rate: frames a second; None to say nothing of it.

    Raises:
        OSError: when the file cannot be written.
    """
    # The format demands channels in the order of their names.
    names = sorted(frame.channel_names, key=_encoded)
    dtypes = {channel.name: channel.dtype for channel in frame.header.channels}
    window = frame.data_window
    # Fields are named by position, because numpy has rules of its own for names.
    line = np.dtype(
        [("y", "<i4"), ("size", "<i4")]
        + [(f"c{index}", dtypes[name].newbyteorder("<"), (window.width,)) for index, name in enumerate(names)]
    )
    header = _header(frame, [(name, dtypes[name]) for name in names], rate)
    first = len(header) + 8 * window.height
    offsets = first + line.itemsize * np.arange(window.height, dtype="<u8")
    with Path(path).open("wb") as file:
        file.write(header)
        file.write(offsets.astype("<u8").tobytes())
        for top in range(0, window.height, _LINES):
            bottom = min(window.height, top + _LINES)
            rows = np.empty(bottom - top, line)
            rows["y"] = np.arange(window.y0 + top, window.y0 + bottom)
            rows["size"] = line.itemsize - 8
            for index, name in enumerate(names):
                rows[f"c{index}"] = frame.native(name)[top:bottom]
            file.write(rows.data)


def _encoded(name: str) -> bytes:
    """A channel's name as it stands in a file; bytes that are not UTF-8 stand in the text as lone
    surrogates."""
    return name.encode("utf-8", "surrogateescape")


def _header(frame: Frame, channels: Iterable[tuple[str, PixelType]], rate: Fraction | None) -> bytes:
    window, (width, height) = frame.data_window, frame.display_size
    listed = b"".join(
        _encoded(name) + b"\0" + struct.pack("<iBxxxii", _TYPE_CODES[dtype], 0, 1, 1)
        for name, dtype in channels
    )
    longest = max(len(_encoded(name)) for name in frame.channel_names)
    version = _VERSION | (_LONG_NAMES if longest > _LONGEST_SHORT_NAME else 0)
    stored = struct.pack("<4i", window.x0, window.y0, window.x1 - 1, window.y1 - 1)
    attributes = [
        RawAttribute(b"channels", b"chlist", listed + b"\0"),
        RawAttribute(b"compression", b"compression", b"\0"),
        RawAttribute(b"dataWindow", b"box2i", stored),
        RawAttribute(b"displayWindow", b"box2i", struct.pack("<4i", 0, 0, width - 1, height - 1)),
        RawAttribute(b"lineOrder", b"lineOrder", b"\0"),
        RawAttribute(b"pixelAspectRatio", b"float", struct.pack("<f", frame.pixel_aspect)),
        RawAttribute(b"screenWindowCenter", b"v2f", struct.pack("<2f", 0.0, 0.0)),
        RawAttribute(b"screenWindowWidth", b"float", struct.pack("<f", 1.0)),
    ]
    if rate is not None:
        stored_rate = struct.pack("<iI", rate.numerator, rate.denominator)
        attributes.append(RawAttribute(FRAME_RATE_ATTRIBUTE.encode(), b"rational", stored_rate))
    packed = b"".join(attribute.packed for attribute in attributes)
    return struct.pack("<II", _MAGIC, version) + packed + b"\0"
