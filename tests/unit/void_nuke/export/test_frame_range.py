"""Which frames a removal covers."""

from __future__ import annotations

import pytest

from void_nuke.errors import SelectionError
from void_nuke.export.frame_range import choose_range, parse_range
from void_nuke.host.host import FrameRange, ScriptRanges

PLATE = FrameRange(1001, 1100)
SCRIPT = ScriptRanges(FrameRange(990, 1050), FrameRange(1010, 1020), 1015)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1001-1010", (1001, 1010)),
        (" 1001 1010 ", (1001, 1010)),
        ("7", (7, 7)),
        ("-5-3", (-5, 3)),
        ("-9--3", (-9, -3)),
    ],
)
def test_parse_range(text: str, wanted: tuple[int, int]) -> None:
    assert parse_range(text) == FrameRange(*wanted)


@pytest.mark.parametrize("text", ["", "a-b", "10-1", "1-2-3", "1.5"])
def test_parse_range_refuses(text: str) -> None:
    with pytest.raises(SelectionError):
        parse_range(text)


@pytest.mark.parametrize(
    ("choice", "typed", "handles", "wanted"),
    [
        ("plate", "", 0, (1001, 1100)),
        ("plate", "", 8, (1001, 1100)),
        ("global", "", 0, (1001, 1050)),
        ("viewer", "", 0, (1010, 1020)),
        ("viewer", "", 12, (1001, 1032)),
        ("typed", "1050-1098", 5, (1045, 1100)),
    ],
)
def test_choose_range(choice: str, typed: str, handles: int, wanted: tuple[int, int]) -> None:
    assert choose_range(choice, PLATE, SCRIPT, typed=typed, handles=handles) == FrameRange(*wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choice", "typed"), [("typed", "990-1010"), ("typed", "1090-1101"), ("typed", "5-6")]
)
def test_frames_the_plate_does_not_have(choice: str, typed: str) -> None:
    with pytest.raises(SelectionError, match="1001-1100"):
        choose_range(choice, PLATE, SCRIPT, typed=typed)  # type: ignore[arg-type]


def test_a_viewer_without_points() -> None:
    with pytest.raises(SelectionError, match="in and out"):
        choose_range("viewer", PLATE, ScriptRanges(PLATE, None, 1001))
