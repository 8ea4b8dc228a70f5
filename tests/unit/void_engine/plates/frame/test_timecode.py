from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_engine.plates.frame.timecode import Timecode

NTSC = Fraction(30000, 1001)


def test_packs_as_smpte_lays_it_out() -> None:
    assert Timecode(1, 2, 3, 4).packed == 0x01020304
    assert Timecode(23, 59, 58, 29, drop_frame=True).packed == 0x23595869


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("01:02:03:04", Timecode(1, 2, 3, 4)),
        ("01:02:03;04", Timecode(1, 2, 3, 4, drop_frame=True)),
        ("1001", None),
        ("", None),
    ],
)
def test_reads_what_movies_write(text: str, parsed: Timecode | None) -> None:
    assert Timecode.parse(text) == parsed


@pytest.mark.parametrize(
    ("count", "rate", "drop", "text"),
    [
        (0, Fraction(24), False, "00:00:00:00"),
        (1001, Fraction(24), False, "00:00:41:17"),
        (86400 * 25, Fraction(25), False, "00:00:00:00"),
        (1799, NTSC, True, "00:00:59;29"),
        (1800, NTSC, True, "00:01:00;02"),
        (17982, NTSC, True, "00:10:00;00"),
        (107892, NTSC, True, "01:00:00;00"),
    ],
)
def test_counts_frames(count: int, rate: Fraction, drop: bool, text: str) -> None:
    assert str(Timecode.at(count, rate, drop)) == text


@given(count=st.integers(0, 24 * 107892 - 1), drop=st.booleans())
def test_counting_back_is_the_inverse(count: int, drop: bool) -> None:
    assert Timecode.at(count, NTSC, drop).frame_count(NTSC) == count
