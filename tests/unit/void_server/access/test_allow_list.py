"""The list of clients is its folder, at every moment."""

from __future__ import annotations

from pathlib import Path

from void_protocol.keys import client_secret_key_file, read_secret_key_file
from void_server.access.allow_list import AllowList, allowed_folder
from void_server.access.server_keys import ensure_keys, make_key_pair, write_public_key


def test_the_list_follows_its_folder(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    folder = allowed_folder(tmp_path)
    allowed = AllowList(folder)
    make_key_pair(tmp_path / "anna.key_secret")
    public, _ = read_secret_key_file(tmp_path / "anna.key_secret")
    assert allowed.name_of(public) is None
    write_public_key(folder / "anna.key", public)
    (folder / "broken.key").write_text("what is this")
    assert allowed.name_of(public) == "anna"
    (folder / "anna.key").unlink()
    assert allowed.name_of(public) is None


def test_a_list_that_is_gone_lets_nobody_in(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    public, _ = read_secret_key_file(client_secret_key_file(tmp_path))
    allowed = AllowList(allowed_folder(tmp_path))
    assert allowed.is_allowed(public)
    (allowed_folder(tmp_path) / "local.key").unlink()
    allowed_folder(tmp_path).rmdir()
    assert not allowed.is_allowed(public)
