from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from void_engine.errors import OutputError, PlateError, RefusedFileError
from void_engine.plates.exr.file import read_frame, read_header, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.plates.storage.access import opened
from void_engine.plates.storage.policy import Policy, current_policy, set_policy

FRAME = Frame.from_pixels(1, "RGB", np.full((4, 6, 3), 0.5, np.float16))


@pytest.fixture(autouse=True)
def _policy_afterwards() -> Iterator[None]:
    before = current_policy()
    yield
    set_policy(before)


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    """A folder that may be used and another beside it, each with a plate."""
    inside, outside = tmp_path.resolve() / "inside", tmp_path.resolve() / "outside"
    for folder in (inside, outside):
        write_frame(FRAME, folder / "plate.exr")
    set_policy(Policy(read_roots=(inside,), output_roots=(inside,)))
    return inside, outside


def test_only_below_the_roots_is_read(roots: tuple[Path, Path]) -> None:
    inside, outside = roots
    assert read_frame(inside / "plate.exr", 1).channel_names == ("R", "G", "B")
    (inside / "link.exr").symlink_to(outside / "plate.exr")
    (inside / "folder").symlink_to(outside)
    for path in (
        outside / "plate.exr",
        inside / "link.exr",
        inside / "folder" / "plate.exr",
        inside / ".." / "outside" / "plate.exr",
    ):
        for read in (read_frame, read_header):
            with pytest.raises(PlateError, match=r"frame 1 \(.*outside the folders that may be read"):
                read(path, 1)
    (inside / "own.exr").symlink_to(inside / "plate.exr")
    assert read_header(inside / "own.exr", 1).display_size == (6, 4)


def test_a_link_that_takes_a_files_place_while_it_is_opened_is_noticed(
    roots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = roots
    plate = inside / "plate.exr"

    @contextmanager
    def opened_then_exchanged(path: Path, number: int) -> Iterator[BinaryIO]:
        with opened(path, number) as file:
            plate.unlink()
            plate.symlink_to(outside / "plate.exr")
            yield file

    monkeypatch.setattr("void_engine.plates.exr.file.opened", opened_then_exchanged)
    with pytest.raises(PlateError, match="was exchanged while it was opened"):
        read_frame(plate, 1)


def test_nobody_waits_for_a_file_that_is_refused(roots: tuple[Path, Path]) -> None:
    """A file that was just written may still be in the making, but a refused file stays refused."""
    inside, outside = roots
    for name, number in ((outside / "plate.exr", 1), (inside / "plate.txt", 1)):
        with PlateSequence(name, number, number) as frames, pytest.raises(RefusedFileError) as caught:
            frames.frame(number)
        assert caught.value.obstacle == ""


def test_only_below_the_roots_is_written(roots: tuple[Path, Path]) -> None:
    inside, outside = roots
    write_frame(FRAME, inside / "new" / "deep" / "a.exr")
    (inside / "folder").symlink_to(outside)
    before = sorted(outside.iterdir())
    for path in (outside / "a.exr", inside / "folder" / "a.exr", inside / "folder" / "new" / "a.exr"):
        with pytest.raises(OutputError, match="outside the folders that may be written to"):
            write_frame(FRAME, path)
    assert sorted(outside.iterdir()) == before


def test_a_folder_that_becomes_a_link_while_a_frame_is_written_gets_no_frame(
    roots: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = roots
    folder = inside / "result"

    def swap_then_write(frame: Frame, path: Path, compression: str) -> None:
        folder.rmdir()
        folder.symlink_to(outside)
        path.write_bytes(b"the frame")

    monkeypatch.setattr("void_engine.plates.exr.file._write_whole", swap_then_write)
    with pytest.raises(OutputError, match="outside the folders that may be written to"):
        write_frame(FRAME, folder / "a.exr")
    assert [path.name for path in outside.iterdir()] == ["plate.exr"]


def test_no_device_no_pipe_no_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "folder.exr").mkdir()
    with pytest.raises(PlateError, match="it is a folder"):
        read_header(tmp_path / "folder.exr", 1)
    with pytest.raises(PlateError, match="not named as an EXR file"):
        read_header(tmp_path / "plate.0001", 1)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.exr")
        with pytest.raises(PlateError, match="no file, but a device, a pipe or a socket"):
            read_header(tmp_path / "pipe.exr", 1)
        (tmp_path / "zero.exr").symlink_to("/dev/zero")
        with pytest.raises(PlateError, match="no file, but a device"):
            read_frame(tmp_path / "zero.exr", 1)


def test_what_is_no_exr_is_left_to_no_other_reader(tmp_path: Path) -> None:
    """OpenImageIO would try its other readers on what the one for EXR refuses; some take anything."""
    (tmp_path / "a.exr").write_bytes(b"\x76\x2f\x31\x01" + bytes(2000))
    with pytest.raises(PlateError, match=r"frame 7 \(.*a\.exr\) is damaged or cut short"):
        read_frame(tmp_path / "a.exr", 7)
