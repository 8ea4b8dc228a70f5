from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import zmq

from void_protocol.errors import KeyFileError
from void_protocol.keys import (
    ServerAddress,
    client_secret_key_file,
    fingerprint,
    load_connection,
    read_key_file,
    read_secret_key_file,
    server_file,
    server_public_key_file,
)
from void_server.access.allow_list import AllowList, allowed_folder
from void_server.access.key_commands import (
    add_client,
    check_public_key,
    listed_clients,
    new_client,
    own_public_key,
    renew_local_client,
    renew_server,
    revoke_client,
)
from void_server.access.server_keys import ensure_keys
from void_server.errors import KeyListError


def new_key() -> bytes:
    return zmq.curve_keypair()[0]


def test_clients_come_and_go(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    allowed = AllowList(allowed_folder(tmp_path))
    key = new_key()
    add_client(tmp_path, "anna", key)
    assert allowed.name_of(key) == "anna"
    assert [client.name for client in listed_clients(tmp_path)] == ["anna", "local"]
    revoke_client(tmp_path, "anna")
    assert not allowed.is_allowed(key)
    with pytest.raises(KeyListError, match="anna is not on the list; on it: local"):
        revoke_client(tmp_path, "anna")


def test_nobody_is_on_the_list_twice(tmp_path: Path) -> None:
    key = new_key()
    add_client(tmp_path, "anna", key)
    with pytest.raises(KeyListError, match="on the list already, as anna"):
        add_client(tmp_path, "bert", key)
    for name in ("anna", "Anna"):
        with pytest.raises(KeyListError, match="anna is on the list already"):
            add_client(tmp_path, name, new_key())


@pytest.mark.parametrize(
    "name", ["", "../x", ".anna", "a/b", "a\\b", "a b", "a\n", "x" * 65, "con", "LPT1.x", "ä"]
)
def test_names_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    for act in (lambda: add_client(tmp_path, name, new_key()), lambda: revoke_client(tmp_path, name)):
        with pytest.raises(KeyListError, match="cannot name a client"):
            act()


@pytest.mark.parametrize("key", [b"", b"x" * 39, b"~" * 40, b"\xff" * 40, b"x" * 4000])
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(KeyListError, match="is no public key"):
        check_public_key(key)


def test_a_damaged_file_is_shown(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    (allowed_folder(tmp_path) / "eve.key").write_text("what is this")
    eve = next(client for client in listed_clients(tmp_path) if client.name == "eve")
    assert eve.public is None
    assert "eve.key" in eve.problem


def test_a_new_client_gets_all_that_it_needs(tmp_path: Path) -> None:
    home, folder = tmp_path / "server", tmp_path / "anna"
    with pytest.raises(KeyFileError, match=r"server\.json"):
        new_client(home, "anna", folder)
    public = new_client(home, "anna", folder, "tcp://127.0.0.1:7")
    connection = load_connection(folder)
    assert connection.endpoint == "tcp://127.0.0.1:7"
    assert connection.server_key == read_key_file(server_public_key_file(home))[0]
    assert (connection.client_key, AllowList(allowed_folder(home)).name_of(public)) == (public, "anna")
    if os.name == "posix":
        assert client_secret_key_file(folder).stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(KeyListError, match="choose a folder without keys"):
        new_client(home, "bert", folder, "tcp://127.0.0.1:7")
    with pytest.raises(KeyListError, match="anna is on the list already"):
        new_client(home, "anna", tmp_path / "other", "tcp://127.0.0.1:7")
    assert not (tmp_path / "other").exists()


def test_the_local_user_gets_new_keys(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    before, _ = read_secret_key_file(client_secret_key_file(tmp_path))
    after = renew_local_client(tmp_path)
    allowed = AllowList(allowed_folder(tmp_path))
    assert (allowed.is_allowed(before), allowed.name_of(after)) == (False, "local")
    assert own_public_key(tmp_path) == after


def test_the_server_gets_new_keys_only_while_it_is_down(tmp_path: Path) -> None:
    before = ensure_keys(tmp_path)
    address = ServerAddress(endpoint="tcp://127.0.0.1:7", pid=os.getppid(), server_id="x", version="1")
    server_file(tmp_path).write_bytes(msgspec.json.encode(address))
    with pytest.raises(KeyListError, match=f"process {os.getppid()}.; stop it first"):
        renew_server(tmp_path)
    server_file(tmp_path).unlink()
    public = renew_server(tmp_path)
    assert public != before.public
    assert ensure_keys(tmp_path).public == public == read_key_file(server_public_key_file(tmp_path))[0]


def test_fingerprints_are_for_eyes() -> None:
    key = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    assert fingerprint(key) == "8411:2785:d109:2a7e:ffc2:5904:531a:da76"
