from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

from void_engine.plates.storage import durable
from void_protocol import durable as durable_travel


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[str]]]:
    """A list of all syncs: the kind of what was synced, and the names that its folder had then."""
    calls: list[tuple[str, set[str]]] = []
    real_file, real_folder = durable.sync_file, durable.sync_folder

    def sync_file(path: Path) -> None:
        real_file(path)
        calls.append((f"file {path.name}", names(path.parent)))

    def sync_folder(folder: Path) -> None:
        real_folder(folder)
        calls.append((f"folder {folder.name}", names(folder)))

    monkeypatch.setattr(durable, "sync_file", sync_file)
    monkeypatch.setattr(durable, "sync_folder", sync_folder)
    return calls


def test_bytes_are_synced_before_the_name_and_the_name_after(
    tmp_path: Path, synced: list[tuple[str, set[str]]]
) -> None:
    folder = tmp_path / "result"
    folder.mkdir()
    part = folder / "a.part"
    part.write_bytes(b"whole")
    durable.put_in_place(part, folder / "a.exr")
    assert synced == [("file a.part", {"a.part"}), ("folder result", {"a.exr"})]
    assert (folder / "a.exr").read_bytes() == b"whole"


def test_each_folder_that_is_made_is_synced_above(tmp_path: Path, synced: list[tuple[str, set[str]]]) -> None:
    durable.make_folder(tmp_path / "a" / "b")
    assert synced == [(f"folder {tmp_path.name}", {"a"}), ("folder a", {"b"})]
    durable.make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="a"):
        durable.make_folder(tmp_path / "a" / "b")


def test_a_folder_that_cannot_be_synced_is_not_the_jobs_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    durable.sync_folder(tmp_path)
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="Invalid argument"):
        durable.sync_file(tmp_path / "a")


@pytest.mark.parametrize("name", ["sync_file", "sync_folder", "put_in_place", "temporary_for", "make_folder"])
def test_both_packages_do_the_same(name: str) -> None:
    assert inspect.getsource(getattr(durable, name)) == inspect.getsource(getattr(durable_travel, name))


def test_a_small_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    durable_travel.write_whole(path, b"one")
    durable_travel.write_whole(path, b"two")
    assert path.read_bytes() == b"two"

    def full(part: Path) -> None:
        assert part.read_bytes() == b"three"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable_travel, "sync_file", full)
    with pytest.raises(OSError, match="No space left"):
        durable_travel.write_whole(path, b"three")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == {"report.json"}


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "kept.npz"

    def write(content: bytes, limit: int) -> None:
        with durable.temporary_for(path) as part:
            part.write_bytes(content[:limit])
            if len(content) > limit:
                raise ValueError("half of it")

    write(b"one", 9)
    with pytest.raises(ValueError, match="half"):
        write(b"two", 2)
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == {"kept.npz"}


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_private_file_is_private_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    monkeypatch.setattr(durable_travel, "sync_file", lambda part: modes.append(part.stat().st_mode & 0o777))
    (tmp_path / "key").write_bytes(b"old, and open to all")
    durable_travel.write_whole(tmp_path / "key", b"secret", mode=0o600)
    assert modes == [0o600]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_the_first_error_is_told_when_the_clean_up_fails_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path, missing_ok: bool = False) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(Path, "unlink", gone)
    with pytest.raises(ValueError, match="half"), durable.temporary_for(tmp_path / "kept.npz"):
        raise ValueError("half of it")
