from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from void_protocol.errors import KeyFileError
from void_protocol.private_folders import make_private_folder, refuse_foreign_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o077, 0o377], indirect=True)
def test_new_folders_are_private_with_any_umask(umask: int, tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    for path in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"):
        assert mode(path) == 0o700
    make_private_folder(tmp_path / "a")  # again


def test_one_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    for loose in (0o770, 0o707, 0o777, 0o1777):
        folder.mkdir(exist_ok=True)
        folder.chmod(loose)
        for closed in (False, True):
            with pytest.raises(KeyFileError, match=f"run: chmod 700 '{folder}'"):
                make_private_folder(folder, closed=closed)
        assert mode(folder) == loose


def test_one_that_others_may_read_is_closed_on_request(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    make_private_folder(folder)
    assert mode(folder) == 0o755
    make_private_folder(folder, closed=True)
    assert mode(folder) == 0o700


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives folders away")
def test_one_of_another_user_is_refused(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "home")
    os.chown(tmp_path / "home", 1234, -1)
    os.seteuid(4321)
    try:
        with pytest.raises(KeyFileError):
            refuse_foreign_folder(tmp_path / "home")
    finally:
        os.seteuid(0)


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone" / "away")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "nowhere"):
        with pytest.raises(OSError):
            make_private_folder(path)
