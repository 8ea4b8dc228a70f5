from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest

from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.results.folder import (
    STATE_FILE,
    Kept,
    Phase,
    ResultFolder,
    claim,
    discard_leftovers,
    find_folder,
)
from void_server.openfx_bridge.results.record import Record


def record(folder: Path, job: str = "j1") -> Record:
    return Record(job=job, folder=str(folder), name="removal", version=1, first=1, last=3, box=(0, 0, 4, 4))


def test_versions_go_up_and_none_is_given_twice(tmp_path: Path) -> None:
    out = tmp_path / "deep/out"
    assert [claim(out, "a", 0)[0] for _ in range(2)] == [1, 2]
    (out / "a_v0041").mkdir()  # four digits are a version too
    (out / "a_v9").mkdir()
    (out / "a_v100.old").mkdir()
    assert claim(out, "a", 0)[0] == 42
    assert claim(out, "b", 0)[0] == 1
    assert claim(out, "a", 7)[1].path == out / "a_v007"
    with pytest.raises(BridgeError, match="nothing is overwritten"):
        claim(out, "a", 7)


def test_a_host_that_is_faster_gets_the_version_and_the_other_the_next(tmp_path: Path) -> None:
    (tmp_path / "a_v001").mkdir()
    with patch.object(
        Path, "iterdir", lambda self: iter(())
    ):  # what was there before the other made its folder
        assert claim(tmp_path, "a", 0)[0] == 2


def test_folders_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(BridgeError, match="another Folder"):
            claim(folder, "a", 0)
    with pytest.raises(BridgeError, match="another Folder"):
        claim(tmp_path / "file", "a", 3)
    (tmp_path / "a_v9999").mkdir()
    with pytest.raises(BridgeError, match="all 9999 versions"):
        claim(tmp_path, "a", 0)


def test_only_whole_frames_of_the_range_are_counted(tmp_path: Path) -> None:
    folder, told = ResultFolder(tmp_path), record(tmp_path)
    before = folder.revision(told, "running", folder.frames(told))
    for name in (
        "removal_v001.0001.exr",
        "removal_v001.0004.exr",
        "removal_v002.0002.exr",
        ".removal_v001.0003.exr.part",
    ):
        (tmp_path / name).write_bytes(b"")
    assert folder.frames(told) == 1
    assert folder.revision(told, "running", folder.frames(told)) != before
    assert ResultFolder(tmp_path / "gone").frames(told) == 0


def test_what_is_kept_comes_back_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    folder, told = ResultFolder(tmp_path), record(tmp_path)
    folder.keep(told, "failed", "the disk is full", (0.5, 0.25, 0.25))
    kept = folder.kept()
    assert kept is not None
    assert (kept.record, kept.phase, kept.text, kept.invented) == (told, "failed", "the disk is full", 0.25)
    assert not kept.is_orphaned
    (tmp_path / STATE_FILE).write_bytes(b"{")
    assert folder.kept() is None
    ResultFolder(tmp_path / "gone").keep(told, "finished")  # logged, and nothing else


def test_only_what_a_dead_process_of_this_machine_received_is_an_orphan(tmp_path: Path) -> None:
    out = tmp_path / "out"
    folders = [claim(out, "a", 0)[1] for _ in range(5)]
    for folder in folders:
        folder.keep(record(folder.path), "receiving")
        folder.export.mkdir()
    changes = [{}, {"pid": 2**22 + 7}, {"pid": 2**22 + 7, "host": "elsewhere"}, {"born": 1.0}]
    changes.append({"pid": 2**22 + 7, "phase": "handed over"})
    for folder, change in zip(folders, changes, strict=True):
        kept = folder.kept()
        assert kept is not None
        (folder.path / STATE_FILE).write_bytes(msgspec.json.encode(msgspec.structs.replace(kept, **change)))
    discard_leftovers(out, "a")

    assert [folder.path.exists() for folder in folders] == [True, False, True, False, True]


def test_the_plates_of_a_finished_removal_go_though_its_bridge_died_before_that(tmp_path: Path) -> None:
    phases: tuple[Phase, ...] = ("finished", "handed over", "failed", "cancelled", "finished")
    folders = [claim(tmp_path, "a", 0)[1] for _ in phases]
    folders[-1] = claim(tmp_path, "another", 0)[1]
    for folder, phase in zip(folders, phases, strict=True):
        folder.export.mkdir()
        (folder.export / "plate.0001.exr").write_bytes(b"plate")
        folder.keep(record(folder.path), phase)
    assert discard_leftovers(tmp_path, "a") == []

    # A removal that failed may begin again, and reads its plates then.
    assert [folder.export.exists() for folder in folders] == [False, True, True, True, True]
    assert all(folder.kept() is not None for folder in folders)


def test_a_folder_with_frames_is_never_discarded(tmp_path: Path) -> None:
    folder = claim(tmp_path, "a", 0)[1]
    folder.keep(record(folder.path), "receiving")
    (folder.path / "a_v001.0001.exr").write_bytes(b"frame")
    folder.discard()
    assert (folder.path / "a_v001.0001.exr").exists()


def test_a_result_is_found_where_the_project_is_now_or_where_it_was(tmp_path: Path) -> None:
    old, new = tmp_path / "old/removal_v001", tmp_path / "new/removal_v001"
    old.mkdir(parents=True)
    told = record(old)
    found = find_folder(told, "")
    assert found is not None
    assert found.path == old
    assert find_folder(told, "relative/new") == found
    new.mkdir(parents=True)
    ResultFolder(new).keep(record(new, job="another"), "finished")
    assert find_folder(told, str(new.parent)) == found  # a result of another removal has this name there
    ResultFolder(new).keep(told, "finished")
    moved = find_folder(told, str(new.parent))
    assert moved is not None
    assert moved.path == new
    old.rmdir()
    assert find_folder(told, "") is None


def test_the_phases_are_those_of_the_type(tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"record": {}, "phase": "dancing"}', type=Kept)
