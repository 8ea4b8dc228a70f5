from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from void_engine.errors import NoRoomError, OutputError, OutputExistsError
from void_engine.plates.exr import encoding
from void_engine.plates.exr.file import read_frame, remove_temporaries, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import HALF
from void_engine.plates.storage.output_folder import output_folder
from void_engine.plates.storage.policy import Policy, Room, set_policy

FRAME = Frame.from_pixels(1, "RGB", np.full((4, 6, 3), 0.5, np.float16))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The only folder that may be written to, not made yet, and that of somebody else."""
    own, others = tmp_path.resolve() / "shows" / "own", tmp_path.resolve() / "shows" / "others"
    others.mkdir(parents=True)
    set_policy(Policy(output_folder=own))
    return own, others


def test_a_job_writes_into_its_own_folder_only(folders: tuple[Path, Path]) -> None:
    own, others = folders
    write_frame(FRAME, own / "a.exr")
    (own / "link").symlink_to(others)
    for folder in (others, own / "link", own / "deeper", own.parent, own / ".." / "others"):
        with pytest.raises(OutputError, match="is not the folder any more that this job may write to"):
            write_frame(FRAME, folder / "a.exr")
    assert list(others.iterdir()) == []
    assert sorted(path.name for path in own.iterdir()) == ["a.exr", "link"]


def test_a_link_above_a_folder_that_is_still_to_be_made_is_not_followed(folders: tuple[Path, Path]) -> None:
    own, _ = folders
    own.parent.rename(own.parent.with_name("moved"))
    own.parent.symlink_to(own.parent.with_name("moved") / "others")
    with pytest.raises(OutputError, match="is not the folder any more"):
        write_frame(FRAME, own / "a.exr")
    assert list((own.parent.with_name("moved") / "others").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot hold a folder")
def test_a_folder_that_becomes_a_link_while_a_frame_is_written_keeps_the_frame(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written stays in the folder that was opened. Nothing comes into the one that the link means."""
    own, others = folders
    real = encoding._write_parts

    def swap_then_write(*arguments: Any) -> None:
        own.rename(own.with_name("moved"))
        own.symlink_to(others)
        real(*arguments)

    monkeypatch.setattr(encoding, "_write_parts", swap_then_write)
    write_frame(FRAME, own / "a.exr")
    assert list(others.iterdir()) == []
    assert [path.name for path in own.with_name("moved").iterdir()] == ["a.exr"]


def test_a_link_in_a_results_place_counts_as_there(folders: tuple[Path, Path]) -> None:
    own, others = folders
    own.mkdir()
    (own / "a.exr").symlink_to(others / "not-yet.exr")
    with pytest.raises(OutputExistsError, match="exists already"):
        write_frame(FRAME, own / "a.exr")
    assert list(others.iterdir()) == []


def test_mixed_channels_are_written_in_the_open_folder_too(folders: tuple[Path, Path]) -> None:
    own, _ = folders
    depth = np.arange(24, dtype=np.float32).reshape(4, 6) / 3
    write_frame(FRAME.with_layer("", {"Z": depth}, dtype=np.dtype(np.float32)), own / "a.exr")
    set_policy(Policy())
    found = read_frame(own / "a.exr", 1)
    assert {channel.name: channel.dtype for channel in found.header.channels}["R"] == HALF
    np.testing.assert_array_equal(found.native("Z"), depth)
    assert [path.name for path in own.iterdir()] == ["a.exr"]


def test_what_a_killed_process_left_goes_and_nothing_of_others(folders: tuple[Path, Path]) -> None:
    own, others = folders
    names = [".a.exr.0123abcd.part", ".a.exr.0123abcd.part.raw.exr"]
    for folder in (own, others):
        folder.mkdir(exist_ok=True)
        for name in (*names, ".b.exr.0123abcd.part"):
            (folder / name).touch()
    remove_temporaries([own / "a.exr"])
    assert [path.name for path in own.iterdir()] == [".b.exr.0123abcd.part"]
    with pytest.raises(OutputError, match="is not the folder any more"):
        remove_temporaries([others / "a.exr"])
    assert len(list(others.iterdir())) == 3
    set_policy(Policy())
    remove_temporaries([own.with_name("never-made") / "a.exr"])
    assert not own.with_name("never-made").exists()


def test_results_take_no_more_room_than_there_is(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "a.exr")
    size = (tmp_path / "a.exr").stat().st_size
    set_policy(Policy(room=Room(2 * size)))
    write_frame(FRAME, tmp_path / "b.exr")
    write_frame(FRAME, tmp_path / "c.exr")
    with pytest.raises(NoRoomError, match=rf"frame 1 has {size} bytes, and there is room for 0 more"):
        write_frame(FRAME, tmp_path / "d.exr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.exr", "b.exr", "c.exr"]


def test_an_existing_folder_need_not_be_made(tmp_path: Path) -> None:
    with output_folder(tmp_path) as folder, folder.new_file("a.exr") as file:
        file.write(b"x" * 100_000)
        assert file.size == 100_000
        folder.put_in_place(file, "a.exr")
    assert (tmp_path / "a.exr").read_bytes() == b"x" * 100_000
    with pytest.raises(FileNotFoundError), output_folder(tmp_path / "none", make=False):
        pass
