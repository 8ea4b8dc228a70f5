from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from void_engine.errors import OutputError, PlateError, RefusedFileError
from void_engine.plates.exr.file import read_frame, read_header, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.plates.storage import access
from void_engine.plates.storage import output_folder as output_folder_module
from void_engine.plates.storage.access import opened
from void_engine.plates.storage.policy import Policy, set_policy

FRAME = Frame.from_pixels(1, "RGB", np.full((4, 6, 3), 0.5, np.float16))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a job's own files and another one beside it, each with a plate."""
    inside, outside = tmp_path.resolve() / "inside", tmp_path.resolve() / "outside"
    for folder, value in ((inside, 0.5), (outside, 0.25)):
        write_frame(frame_of(value), folder / "plate.exr")
    set_policy(Policy(read_folders=frozenset({inside}), output_folder=inside))
    return inside, outside


def frame_of(value: float) -> Frame:
    return Frame.from_pixels(1, "RGB", np.full((4, 6, 3), value, np.float16))


def test_only_the_jobs_own_folders_are_read(folders: tuple[Path, Path]) -> None:
    inside, outside = folders
    assert read_frame(inside / "plate.exr", 1).channel_names == ("R", "G", "B")
    (inside / "link.exr").symlink_to(outside / "plate.exr")
    (inside / "folder").symlink_to(outside)
    (inside / "below").mkdir()
    (inside / "below" / "plate.exr").write_bytes((outside / "plate.exr").read_bytes())
    for path in (
        outside / "plate.exr",
        inside / "link.exr",
        inside / "folder" / "plate.exr",
        inside / "below" / "plate.exr",
        inside / ".." / "outside" / "plate.exr",
    ):
        for read in (read_frame, read_header):
            with pytest.raises(PlateError, match=r"frame 1 \(.*outside the folders of this job's files"):
                read(path, 1)
    (inside / "own.exr").symlink_to(inside / "plate.exr")
    assert read_header(inside / "own.exr", 1).display_size == (6, 4)


def test_a_folder_that_becomes_a_link_is_not_followed(folders: tuple[Path, Path]) -> None:
    inside, outside = folders
    inside.rename(inside.with_name("moved"))
    inside.symlink_to(outside)
    with pytest.raises(PlateError, match="outside the folders of this job's files"):
        read_frame(inside / "plate.exr", 1)
    with pytest.raises(OutputError, match="is not the folder any more that this job may write to"):
        write_frame(FRAME, inside / "a.exr")
    assert [path.name for path in outside.iterdir()] == ["plate.exr"]


def test_a_link_that_takes_a_files_place_while_it_is_opened_does_nothing(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenImageIO opens files by name. The name that it gets means the file that was checked; where there is
    no such name, the exchange is noticed. A thread that has the checked file open too makes no difference."""
    inside, outside = folders
    plate = inside / "plate.exr"
    other = plate.open("rb")

    @contextmanager
    def opened_then_exchanged(path: Path, number: int) -> Iterator[BinaryIO]:
        with opened(path, number) as file:
            plate.unlink()
            plate.symlink_to(outside / "plate.exr")
            yield file

    monkeypatch.setattr("void_engine.plates.exr.file.opened", opened_then_exchanged)
    if access.HAS_OPEN_FILES:
        assert float(read_frame(plate, 1).native("R")[0, 0]) == 0.5
        plate.unlink()
        write_frame(frame_of(0.5), plate)
        monkeypatch.setattr(access, "HAS_OPEN_FILES", False)
        monkeypatch.setattr(access, "real_path", lambda descriptor, path: inside / "plate.exr")
    with pytest.raises(PlateError, match="was exchanged while it was opened"):
        read_frame(plate, 1)
    other.close()


def test_without_names_for_open_files_links_are_noticed_all_the_same(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where a name is followed once more after the file was opened."""
    inside, outside = folders
    monkeypatch.setattr(access, "HAS_OPEN_FILES", False)
    monkeypatch.setattr(access.sys, "platform", "win32")
    monkeypatch.setattr(output_folder_module, "_CAN_HOLD", False)
    assert read_header(inside / "plate.exr", 1).display_size == (6, 4)
    write_frame(FRAME, inside / "b.exr")
    (inside / "link.exr").symlink_to(outside / "plate.exr")
    with pytest.raises(PlateError, match="outside the folders of this job's files"):
        read_header(inside / "link.exr", 1)
    inside.rename(inside.with_name("moved"))
    inside.symlink_to(outside)
    with pytest.raises(OutputError, match="is not the folder any more"):
        write_frame(FRAME, inside / "c.exr")
    assert [path.name for path in outside.iterdir()] == ["plate.exr"]


def test_nobody_waits_for_a_file_that_is_refused(folders: tuple[Path, Path]) -> None:
    """A file that was just written may still be in the making, but a refused file stays refused."""
    inside, outside = folders
    for name, number in ((outside / "plate.exr", 1), (inside / "plate.txt", 1)):
        with PlateSequence(name, number, number) as frames, pytest.raises(RefusedFileError) as caught:
            frames.frame(number)
        assert caught.value.obstacle == ""


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
    # Those that pass what is looked at before go to the library, so it is asked by itself too.
    picture = oiio.ImageBuf(oiio.ImageSpec(4, 4, 3, "uint8"))
    assert picture.write(str(tmp_path / "b.png"))
    assert oiio.ImageInput.open(str(tmp_path / "b.png")) is not None
    (tmp_path / "b.png").rename(tmp_path / "b.exr")
    assert oiio.ImageInput.open(str(tmp_path / "b.exr")) is None
    assert "EXR" in oiio.geterror()


@pytest.mark.skipif(not access.HAS_OPEN_FILES, reason="open files have no names here")
def test_messages_of_libraries_name_the_file_and_not_its_stand_in(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "a.exr")
    with opened(tmp_path / "a.exr", 1) as file:
        name = access.library_path(file, tmp_path / "a.exr")
        assert name != str(tmp_path / "a.exr")
        assert Path(name).read_bytes() == (tmp_path / "a.exr").read_bytes()
        text = access.with_own_name(f'cannot read "{name}": bad', Path("/shots/a.exr"))
        assert text == 'cannot read "/shots/a.exr": bad'
    content = (tmp_path / "a.exr").read_bytes()
    (tmp_path / "a.exr").write_bytes(content[: len(content) - 20])
    with pytest.raises(PlateError) as caught:
        read_frame(tmp_path / "a.exr", 1)
    assert "void-open" not in str(caught.value)


@pytest.mark.skipif(not access.HAS_OPEN_FILES, reason="open files have no names here")
def test_names_of_open_files_are_kept_where_nobody_else_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    access._names.cache_clear()
    (folder,) = {Path(access.name_of_open(number)).parent for number in (7, 8, 7)}
    assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path, 0o700)
    assert sorted(path.name for path in folder.iterdir()) == ["7.exr", "8.exr"]
    for name in folder.iterdir():
        name.unlink()
    folder.rmdir()  # as systems do with old temporary files
    assert Path(access.name_of_open(7)).is_symlink()
    access._names.cache_clear()
    folder.chmod(0o777)  # as if another user had made it
    other = Path(access.name_of_open(7)).parent
    assert (other != folder, other.stat().st_mode & 0o777) == (True, 0o700)
    access._names.cache_clear()
