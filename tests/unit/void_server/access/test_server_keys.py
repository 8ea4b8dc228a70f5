from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from void_protocol.errors import KeyFileError
from void_protocol.keys import client_secret_key_file, read_secret_key_file, server_public_key_file
from void_server.access import server_keys
from void_server.access.allow_list import AllowList, allowed_folder
from void_server.access.key_commands import own_public_key
from void_server.access.server_keys import LOCAL_CLIENT, ServerKeys, ensure_keys


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = ensure_keys(home)
    assert ensure_keys(home) == first
    assert first.secret.decode() not in repr(first)
    if os.name == "posix":
        for folder in (home, home / "keys", allowed_folder(home)):
            assert folder.stat().st_mode & 0o077 == 0
        for secret in (home / "keys" / "server.key_secret", client_secret_key_file(home)):
            assert secret.stat().st_mode & 0o777 == 0o600


def test_servers_that_start_at_the_same_moment_have_the_same_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the one that gets the home would serve with a key that the other has replaced in it."""
    together = threading.Barrier(4)
    make = server_keys.make_key_pair

    def make_together(path: Path) -> None:
        together.wait(10)  # all have seen that there is none
        make(path)

    monkeypatch.setattr(server_keys, "make_key_pair", make_together)
    found: list[ServerKeys] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_keys(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    monkeypatch.undo()
    assert found == [ensure_keys(tmp_path)] * 4
    public, _ = read_secret_key_file(client_secret_key_file(tmp_path))
    assert AllowList(allowed_folder(tmp_path)).name_of(public) == LOCAL_CLIENT
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        "allowed", "client.key_secret", "server.key", "server.key_secret",
    }  # fmt: skip


def test_the_local_user_is_let_in_and_can_be_put_out_for_good(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    public, _ = read_secret_key_file(client_secret_key_file(tmp_path))
    allowed = AllowList(allowed_folder(tmp_path))
    assert allowed.name_of(public) == LOCAL_CLIENT
    (allowed_folder(tmp_path) / "local.key").unlink()
    ensure_keys(tmp_path)
    assert allowed.name_of(public) is None


def test_a_lost_public_key_comes_back_and_a_foreign_secret_is_refused(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path)
    server_public_key_file(tmp_path).unlink()
    assert ensure_keys(tmp_path) == keys
    assert server_public_key_file(tmp_path).exists()
    (tmp_path / "keys" / "server.key_secret").write_text("x")
    with pytest.raises(KeyFileError, match=r"server\.key_secret"):
        ensure_keys(tmp_path)


def test_who_had_keys_before_the_server_did_is_let_in_once(tmp_path: Path) -> None:
    public = own_public_key(tmp_path)
    ensure_keys(tmp_path)
    assert AllowList(allowed_folder(tmp_path)).name_of(public) == LOCAL_CLIENT


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_keys_lie_where_nobody_else_may_write(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    for folder in (tmp_path / "keys", allowed_folder(tmp_path)):
        folder.chmod(0o770)
        with pytest.raises(KeyFileError, match=r"can be written to by others; run: chmod 700"):
            ensure_keys(tmp_path)
        folder.chmod(0o700)
    ensure_keys(tmp_path)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match="cannot make the keys below"):
        ensure_keys(tmp_path / "file" / "home")
