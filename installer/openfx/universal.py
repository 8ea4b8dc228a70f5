"""Joins two binaries of macOS into a universal one, as Apple's ``lipo`` does, on any system."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_FAT_MAGIC = 0xCAFEBABE
_THIN_MAGIC = 0xFEEDFACF  # 64 bits, little-endian
_ALIGNMENT_BITS = 14
"""Each part begins on a page of Apple's processors, which are of 16 KiB."""


def join(binaries: Sequence[bytes]) -> bytes:
    """Return one universal Mach-O of thin 64-bit ones, in their order.

    Raises:
        ValueError: when one is no such binary.
    """
    header = struct.pack(">II", _FAT_MAGIC, len(binaries))
    entries, parts = b"", b""
    step = 1 << _ALIGNMENT_BITS
    offset = step
    for binary in binaries:
        if len(binary) < 12 or struct.unpack_from("<I", binary)[0] != _THIN_MAGIC:
            raise ValueError("not a Mach-O binary of 64 bits")
        processor, kind = struct.unpack_from("<II", binary, 4)
        entries += struct.pack(">IIIII", processor, kind, offset, len(binary), _ALIGNMENT_BITS)
        padded = -(-len(binary) // step) * step
        parts += binary.ljust(padded, b"\0")
        offset += padded
    return (header + entries).ljust(step, b"\0") + parts
