from __future__ import annotations

from pathlib import Path

import pytest

from void_engine.errors import MissingFrameError, PlateError
from void_engine.plates.sequence.pattern import FramePattern, compact_frames


@pytest.mark.parametrize(
    ("text", "frame", "name"),
    [
        ("shots/plate.%04d.exr", 7, "plate.0007.exr"),
        ("shots/plate.%04d.exr", 123456, "plate.123456.exr"),
        ("shots/plate.%04d.exr", -7, "plate.-007.exr"),
        ("shots/plate.%d.exr", 7, "plate.7.exr"),
        ("shots/plate.%d.exr", -7, "plate.-7.exr"),
        ("shots/plate.####.exr", 7, "plate.0007.exr"),
        ("shots/plate.#.exr", 1001, "plate.1001.exr"),
        ("shots/plate_#####_v2.exr", 7, "plate_00007_v2.exr"),
        ("shots/still.exr", 7, "still.exr"),
    ],
)
def test_gives_each_frame_its_file(text: str, frame: int, name: str) -> None:
    assert FramePattern.parse(text).path(frame) == Path("shots") / name


def test_a_name_with_no_token_is_a_still() -> None:
    assert FramePattern.parse("plate.1001.exr").is_still
    assert not FramePattern.parse("plate.#.exr").is_still


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no file"),
        ("plate.%04d.####.exr", "more than one frame token"),
        ("plate.##.##.exr", "more than one frame token"),
        ("shot_%04d/plate.%04d.exr", "in its folder"),
        ("plate.%4d.exr", "write %04d"),
        ("plate.%s.exr", "no frame token"),
        ("plate.%04d.%x.exr", "no frame token"),
        ("plate_%V.%04d.exr", "view token"),
    ],
)
def test_refuses_what_it_cannot_read(text: str, says: str) -> None:
    with pytest.raises(PlateError, match=says):
        FramePattern.parse(text)


def test_a_hash_in_a_folder_is_a_name() -> None:
    assert FramePattern.parse("take#2/plate.####.exr").path(3) == Path("take#2/plate.0003.exr")


def test_finds_the_frames_on_disk(tmp_path: Path) -> None:
    for name in ("plate.1001.exr", "plate.0999.exr", "plate.-003.exr", "plate.12345.exr"):
        (tmp_path / name).touch()
    for name in (
        "plate.7.exr",
        "plate.001002.exr",
        "other.1003.exr",
        ".plate.1004.exr.part",
        "plate.10a5.exr",
    ):
        (tmp_path / name).touch()
    assert FramePattern.parse(tmp_path / "plate.%04d.exr").frames_on_disk() == [-3, 999, 1001, 12345]


def test_brackets_in_a_name_are_no_wildcards(tmp_path: Path) -> None:
    (tmp_path / "plate[v2].0001.exr").touch()
    assert FramePattern.parse(tmp_path / "plate[v2].####.exr").frames_on_disk() == [1]


def test_says_when_the_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFrameError, match="does not exist"):
        FramePattern.parse(tmp_path / "nowhere" / "plate.####.exr").frames_on_disk()


def test_a_still_has_no_frames_to_list_and_cannot_take_a_sequence() -> None:
    still = FramePattern.parse("still.exr")
    with pytest.raises(PlateError, match="cannot be listed"):
        still.frames_on_disk()
    with pytest.raises(PlateError, match="all frames of the result"):
        still.require_numbered("the result")
    FramePattern.parse("result.%04d.exr").require_numbered("the result")


@pytest.mark.parametrize(
    ("frames", "text"),
    [([], ""), ([5], "5"), ([1003, 1012, 1010, 1011], "1003, 1010-1012"), ([-2, -1, 0], "-2-0")],
)
def test_writes_frame_numbers_as_people_do(frames: list[int], text: str) -> None:
    assert compact_frames(frames) == text
