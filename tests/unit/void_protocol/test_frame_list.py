from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_protocol.errors import FrameListError
from void_protocol.frame_list import describe_frames, parse_frame_range, parse_frames, runs


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001", [1001]),
        ("1001-1003", [1001, 1002, 1003]),
        (" 1001 - 1003 ", [1001, 1002, 1003]),
        ("1001 1003", [1001, 1002, 1003]),
        ("1001 to 1003", [1001, 1002, 1003]),
        ("1001to1003", [1001, 1002, 1003]),
        ("1001-1010x2,1020", [1001, 1003, 1005, 1007, 1009, 1020]),
        ("1020, 1001-1003,1002-1004", [1001, 1002, 1003, 1004, 1020]),
        ("-3--1", [-3, -2, -1]),
        ("-1-1", [-1, 0, 1]),
        ("5-5x3", [5]),
    ],
)
def test_what_people_write_is_read(text: str, frames: list[int]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no frame range; write it like 1001-1040"),
        ("all", "'all' is no frame range; write it like 1001-1040"),
        ("1001-", "'1001-' is no frame range"),
        ("1-2-3", "'1-2-3' is no frame range"),
        ("1.5", "'1.5' is no frame range"),
        ("1001,,1003", "'' in '1001,,1003' is no frame range"),
        ("١٢", "is no frame range"),
        ("1001-99999999999", "is no frame range"),
        ("1010-1001", "the frame range '1010-1001' runs backwards; write 1001-1010"),
        ("1-9x0", "the frame range '1-9x0' has a step of 0; write e.g. 1-9x2"),
        ("1-999999999", "names more than"),
        ("1-1000000, 1-1000000", "names more than"),
    ],
)
def test_what_is_wrong_is_shown_with_the_right_way(text: str, message: str) -> None:
    with pytest.raises(FrameListError) as refused:
        parse_frames(text)
    assert message in str(refused.value)


@pytest.mark.parametrize("text", ["1001-1040", "1001-1010,1011-1040", "1001-1040x1", "1001-1040,1010"])
def test_a_range_is_a_list_without_gaps(text: str) -> None:
    assert parse_frame_range(text) == (1001, 1040)


@pytest.mark.parametrize("text", ["1001,1040", "1001-1040x3", "1001-1020,1022-1040"])
def test_a_list_with_gaps_is_no_range(text: str) -> None:
    with pytest.raises(FrameListError) as refused:
        parse_frame_range(text)
    assert str(refused.value).startswith(
        f"'{text}' leaves out frames, and a removal needs all of them; write 1001-"
    )


@given(frames=st.sets(st.integers(-300, 300), min_size=1))
def test_what_is_written_is_read_again(frames: set[int]) -> None:
    ordered = sorted(frames)
    text = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs(ordered))
    assert parse_frames(text) == ordered


def test_frames_read_well_in_messages() -> None:
    assert describe_frames([1003]) == "frame 1003"
    assert describe_frames([1001, 1002, 1003, 1007]) == "frames 1001-1003, 1007"
    assert describe_frames(list(range(0, 40, 2))).endswith(", ...")
