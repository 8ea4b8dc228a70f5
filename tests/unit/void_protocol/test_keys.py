from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from void_protocol.durable import write_whole
from void_protocol.errors import KeyFileError
from void_protocol.keys import (
    await_connection,
    client_secret_key_file,
    home_folder,
    load_connection,
    read_key_file,
    read_secret_key_file,
    server_file,
    server_public_key_file,
)
from void_server.access.server_keys import ensure_keys


def test_the_home_is_explicit_or_named_or_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VOID_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    assert home_folder(tmp_path / "x") == tmp_path / "x"
    monkeypatch.setenv("VOID_HOME", "")
    assert home_folder() == Path.home() / ".void-nuke"


def test_a_connection_from_a_home(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path)
    with pytest.raises(KeyFileError, match="no server runs with this home"):
        load_connection(tmp_path)
    assert load_connection(tmp_path, "tcp://127.0.0.1:1").endpoint == "tcp://127.0.0.1:1"
    server_file(tmp_path).write_text(
        '{"endpoint": "tcp://127.0.0.1:7", "pid": 1, "server_id": "x", "version": "1"}'
    )
    connection = load_connection(tmp_path)
    assert (connection.endpoint, connection.server_key) == ("tcp://127.0.0.1:7", keys.public)
    secret = read_secret_key_file(client_secret_key_file(tmp_path))[1]
    assert connection.client_secret == secret
    assert secret.decode() not in repr(connection)
    server_file(tmp_path).write_text('{"endpoint": 5')
    with pytest.raises(KeyFileError, match="is damaged"):
        load_connection(tmp_path)


@pytest.mark.parametrize("has_home", [False, True])
def test_a_server_that_is_starting_is_waited_for_a_moment(tmp_path: Path, has_home: bool) -> None:
    home = tmp_path / "home"
    if has_home:
        ensure_keys(home)

    def start() -> None:
        time.sleep(0.3)
        ensure_keys(home)
        write_whole(
            server_file(home), b'{"endpoint":"tcp://127.0.0.1:7","pid":1,"server_id":"x","version":"1"}'
        )

    starting = threading.Thread(target=start)
    starting.start()
    assert await_connection(home).endpoint == "tcp://127.0.0.1:7"
    starting.join()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_what_no_start_will_mend_is_told_at_once(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    long_ago = time.time() - 3600
    os.utime(tmp_path, (long_ago, long_ago))
    began = time.monotonic()
    with pytest.raises(KeyFileError, match="no server runs with this home"):
        await_connection(tmp_path)
    client_secret_key_file(tmp_path).chmod(0o640)
    with pytest.raises(KeyFileError, match="can be read by others"):
        await_connection(tmp_path, "tcp://127.0.0.1:1")
    assert time.monotonic() - began < 0.9


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    path = client_secret_key_file(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="can be read by others; run: chmod 600"):
        load_connection(tmp_path, "tcp://127.0.0.1:1")


def test_damaged_key_files(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    for text in ("", "public-key = x", 'curve\n    public-key = "short"\n', "\xff"):
        path.write_text(text, "latin-1")
        with pytest.raises(KeyFileError, match=r"cannot read the key file|does not hold a CURVE key"):
            read_key_file(path)
    ensure_keys(tmp_path)
    public_only = server_public_key_file(tmp_path)
    public_only.chmod(0o600)
    with pytest.raises(KeyFileError, match="has no secret key"):
        read_secret_key_file(public_only)


def test_a_home_without_keys_says_what_to_do(tmp_path: Path) -> None:
    says = r"server\.key is not there: .*'void serve', or set VOID_HOME"
    with pytest.raises(KeyFileError, match=says):
        load_connection(tmp_path, "tcp://127.0.0.1:1")
    with pytest.raises(KeyFileError, match=r"client\.key_secret is not there: .*VOID_HOME"):
        read_secret_key_file(client_secret_key_file(tmp_path))
