from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from void_protocol import regular_file
from void_protocol.regular_file import NotRegularError, open_regular, read_small, real_path


def test_a_regular_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for path in (tmp_path / "a", tmp_path / "link"):
        with open_regular(path) as file:
            assert file.read() == b"abc"
    with pytest.raises(NotRegularError, match="link"):
        open_regular(tmp_path / "link", follow=False)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_nothing_else_is_opened_and_nothing_is_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("pipe", "folder", "zero", "socket"):
            with pytest.raises(NotRegularError, match="not a regular file"):
                open_regular(tmp_path / name)
            with pytest.raises(NotRegularError):
                read_small(tmp_path / name, 10)
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(tmp_path / "circle")
    assert time.monotonic() - began < 5


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1_000_000))
    assert len(read_small(tmp_path / "a", 10)) == 11
    (tmp_path / "a").write_bytes(b"0123456789")
    assert read_small(tmp_path / "a", 10) == b"0123456789"


@pytest.mark.skipif(not regular_file.CAN_OPEN_IN_FOLDERS, reason="this system opens no files in open folders")
def test_a_file_in_an_open_folder_is_that_folders(tmp_path: Path) -> None:
    for name, text in (("own", b"own"), ("other", b"other")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(text)
    folder = os.open(tmp_path / "own", os.O_RDONLY)
    try:
        (tmp_path / "own").rename(tmp_path / "moved")
        (tmp_path / "own").symlink_to(tmp_path / "other")
        assert read_small("a", 10, folder=folder) == b"own"
        assert real_path(folder) in (tmp_path.resolve() / "moved", None)
    finally:
        os.close(folder)


def test_a_system_that_knows_no_flag_against_links_refuses_them_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(regular_file.os, "O_NOFOLLOW")
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(NotRegularError, match="link"):
        read_small(tmp_path / "link", 10)
    assert read_small(tmp_path / "a", 10) == b"abc"
