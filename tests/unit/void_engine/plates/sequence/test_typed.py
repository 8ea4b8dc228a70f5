from __future__ import annotations

import os
from pathlib import Path

import pytest

from void_engine.errors import MissingFrameError, PlateError
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.typed import canonical, find_files, names_files, split_channel


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    touch(tmp_path, *(f"plate.{number}.exr" for number in (1001, 1002, 1003)))
    return tmp_path


@pytest.mark.parametrize(
    "typed", ["plate.$F4.exr", "plate.${F4}.exr", "plate.@@@@.exr", "plate.%04d.exr", "plate.####.exr"]
)
def test_tokens_of_other_programs_name_the_same_files(shot: Path, typed: str) -> None:
    found = find_files(typed, shot)
    assert FramePattern.parse(found.pattern).frames_on_disk() == [1001, 1002, 1003]
    assert not found.remark


@pytest.mark.parametrize(("typed", "name"), [("a.$F.exr", "a.%d.exr"), ("a.@.exr", "a.%01d.exr")])
def test_unpadded_tokens(tmp_path: Path, typed: str, name: str) -> None:
    assert FramePattern.parse(canonical(typed, tmp_path)).path(7).name == "a.7.exr"


def test_one_sign_inside_a_name_is_no_token(tmp_path: Path) -> None:
    assert canonical("me@home.exr", tmp_path) == str(tmp_path / "me@home.exr")


@pytest.mark.parametrize("typed", ["plate.1002.exr", "plate.*.exr", "plate*", "", "../SHOT/"])
def test_a_file_a_star_or_a_folder_is_its_sequence_and_that_is_told(shot: Path, typed: str) -> None:
    found = find_files(typed.replace("SHOT", shot.name), shot)
    assert found.pattern.replace("/../" + shot.name, "") == str(shot / "plate.%04d.exr")
    assert "frames 1001-1003" in found.remark


def test_a_frame_alone_keeps_its_number_and_may_be_a_still_matte(tmp_path: Path) -> None:
    touch(tmp_path, "plate.1001.exr")
    assert find_files("plate.1001.exr", tmp_path).pattern == str(tmp_path / "plate.%04d.exr")
    still = find_files("plate.1001.exr", tmp_path, may_be_still=True)
    assert still.pattern == str(tmp_path / "plate.1001.exr")


def test_versions_are_no_frames(tmp_path: Path) -> None:
    touch(tmp_path, "holdout_v001.exr", "holdout_v002.exr")
    assert find_files("holdout_v001.exr", tmp_path).pattern == str(tmp_path / "holdout_v001.exr")


def test_numbers_of_another_padding_are_another_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "a.9.exr", "a.10.exr", "a.0009.exr", "a.0010.exr")
    assert FramePattern.parse(find_files("a.9.exr", tmp_path).pattern).frames_on_disk() == [9, 10]
    assert find_files("a.0009.exr", tmp_path).pattern == str(tmp_path / "a.%04d.exr")


def test_several_sequences_are_named_and_none_is_chosen(shot: Path) -> None:
    touch(shot, "matte.1001.png", "matte.1002.png")
    with pytest.raises(PlateError, match=r"2 sequences; name one of matte.%04d.png, plate.%04d.exr"):
        find_files(str(shot))
    # A slate beside one sequence is not meant.
    touch(shot / "b", "p.1.exr", "p.2.exr", "slate.jpg", "notes.txt")
    assert find_files(str(shot / "b")).pattern == str(shot / "b" / "p.%d.exr")


def test_a_folder_may_have_a_channel_with_a_slash_or_without(tmp_path: Path) -> None:
    touch(tmp_path / "m", "matte.1001.exr", "matte.1002.exr")
    for typed in ("m:R", "m/:R"):
        found = find_files(typed, tmp_path)
        assert (found.pattern, found.channel) == (str(tmp_path / "m" / "matte.%04d.exr"), "R")
    touch(tmp_path / "m:R", "other.1.exr", "other.2.exr")
    assert find_files("m:R", tmp_path).pattern == str(tmp_path / "m:R" / "other.%d.exr")


@pytest.mark.parametrize("typed", ["nothing.*.exr", "empty/", "gone/*.exr"])
def test_nothing_there(shot: Path, typed: str) -> None:
    (shot / "empty").mkdir()
    with pytest.raises(MissingFrameError):
        find_files(typed, shot)


def test_what_is_not_there_yet_is_taken_as_it_stands(tmp_path: Path) -> None:
    assert find_files("later.1001.exr", tmp_path).pattern == str(tmp_path / "later.1001.exr")


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("matte.####.png:R", ("matte.####.png", "R")),
        ("m.exr:remove.A", ("m.exr", "remove.A")),
        ("m.exr", ("m.exr", None)),
        ("folder/:R", ("folder/", "R")),
        (r"C:\shots\m.exr", (r"C:\shots\m.exr", None)),
        (r"C:\shots\m.exr:A", (r"C:\shots\m.exr", "A")),
        ("12:30.exr", ("12:30.exr", None)),
    ],
)
def test_a_channel_is_told_from_other_colons(text: str, split: tuple[str, str | None]) -> None:
    assert split_channel(text) == split


def test_shapes_are_told_from_files() -> None:
    assert [names_files(text) for text in ("ball*", "Layer1/b", "m.exr", "m.####.png:R", "clip.mov")] == [
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.skipif(os.name == "nt", reason="these are paths of this system there")
@pytest.mark.parametrize("path", [r"C:\shots\a.%04d.exr", "X:/shots/a.%04d.exr", r"\\server\share\a.exr"])
def test_paths_of_windows_are_refused_elsewhere(path: str) -> None:
    for take in (find_files, canonical):
        with pytest.raises(PlateError, match="path of Windows"):
            take(path)
