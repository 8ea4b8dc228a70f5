"""Oversized claims of a header are refused before memory is allocated, as runs with hard limits prove."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.measured import measure
from void_engine.errors import PlateError, SettingError
from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame, read_header, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.storage.policy import Policy, set_policy

_ATTACK = """
try:
    read_frame(path, 7)
    outcome = "read"
except PlateError as error:
    outcome = str(error)
"""
_PREPARE = """
from pathlib import Path
from void_engine.plates.exr.file import read_frame
from void_engine.errors import PlateError
path = Path({path!r})
"""


def claim(path: Path, width: int, height: int, *, padding: int = 0, compression: str = "zip") -> Path:
    """Write a small EXR whose header claims to be large; ``padding`` extra bytes make the claim plausible."""
    frame = Frame.from_pixels(7, "RGB", np.zeros((16, 16, 3), np.float16))
    write_frame(frame, path, compression)
    raw = bytearray(path.read_bytes())
    for name in (b"dataWindow", b"displayWindow"):
        at = raw.index(name + b"\0box2i\0") + len(name) + 7 + 4
        raw[at : at + 16] = struct.pack("<4i", 0, 0, width - 1, height - 1)
    with path.open("wb") as file:
        file.write(raw)
        file.truncate(len(raw) + padding)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "padding", "reason"),
    [
        ((100_000, 100_000), 0, "is too large"),
        ((100_000, 100_000), 200 << 20, "is too large"),
        ((65_536, 65_536), 200 << 20, "is too large"),
        ((1_000_000, 1), 0, "damaged or cut short"),
        ((16_384, 16_384), 0, "corrupt or malicious header"),
        ((2**31 - 1, 2**31 - 1), 0, "damaged or cut short"),
        ((17_000, 17_000), 50 << 20, "16384|268435456 pixels|too large"),
    ],
)
def test_a_header_that_claims_too_much(
    tmp_path: Path, size: tuple[int, int], padding: int, reason: str
) -> None:
    path = claim(tmp_path / "bomb.exr", *size, padding=padding)
    measured = measure(_PREPARE.format(path=str(path)), _ATTACK, limit_bytes=3 << 30)
    assert any(word in measured.outcome for word in reason.split("|")), measured.outcome
    assert "frame 7" in measured.outcome
    assert measured.seconds < 5.0, measured
    assert measured.grown_bytes < 100 << 20, measured


def test_a_bomb_that_is_a_valid_file(tmp_path: Path) -> None:
    """A file of a few megabytes holds 18,000 x 18,000 black pixels, nearly 2 GB when decoded."""
    path = tmp_path / "black.exr"
    # The file is assembled from one chunk, because all chunks of a black picture are alike.
    write_black(path, 18_000, 18_000)
    assert path.stat().st_size < 20 << 20
    measured = measure(_PREPARE.format(path=str(path)), _ATTACK, limit_bytes=3 << 30)
    assert "is too large" in measured.outcome
    assert "268435456 pixels (frame_pixels)" in measured.outcome
    assert measured.grown_bytes < 100 << 20, measured


def write_black(path: Path, width: int, height: int) -> None:
    """Write a valid zip-compressed EXR of black half R, G, B."""
    claim(path, width, height)
    raw = path.read_bytes()
    end = raw.index(b"screenWindowWidth")
    header = raw[: raw.index(b"\0", end + 18 + 6 + 4 + 4) + 1] if raw[-1:] else raw
    rows = 16
    packed = zlib.compress(bytes(width * 3 * 2 * rows))
    count = -(-height // rows)
    chunks = [struct.pack("<ii", index * rows, len(packed)) + packed for index in range(count)]
    first = len(header) + 8 * count
    offsets = b"".join(struct.pack("<Q", first + index * len(chunks[0])) for index in range(count))
    path.write_bytes(header + offsets + b"".join(chunks))


def test_limits_are_those_that_were_set(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    write_frame(Frame.from_pixels(1, "RGB", np.ones((100, 100, 3), np.float16)), path)
    set_policy(Policy(frame_pixels=100 * 100, frame_bytes=100 * 100 * 6))
    read_frame(path, 1)
    set_policy(Policy(frame_pixels=100 * 100 - 1))
    with pytest.raises(PlateError, match=r"100x100.*at most 9999 pixels \(frame_pixels\)"):
        read_header(path, 1)
    set_policy(Policy(frame_bytes=100 * 100 * 6 - 1))
    with pytest.raises(PlateError, match=r"decoded it has 60000 bytes; at most 59999 \(frame_bytes\)"):
        read_header(path, 1)


def test_a_display_window_counts_too(tmp_path: Path) -> None:
    pixels = np.ones((10, 10, 3), np.float16)
    frame = Frame.from_pixels(1, "RGB", pixels, display_size=(30_000, 30_000), data_window=Box(0, 0, 10, 10))
    write_frame(frame, tmp_path / "a.exr")
    with pytest.raises(PlateError, match="display window 30000x30000"):
        read_header(tmp_path / "a.exr", 1)


def test_limits_make_sense() -> None:
    with pytest.raises(SettingError, match="frame_pixels must be at least 1"):
        Policy(frame_pixels=0)
