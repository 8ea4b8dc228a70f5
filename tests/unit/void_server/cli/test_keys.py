from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import zmq

from tests.integration.command_case import Ran, void
from void_protocol.keys import (
    client_secret_key_file,
    fingerprint,
    load_connection,
    read_key_file,
    server_public_key_file,
)
from void_server.access.server_keys import ensure_keys, write_public_key
from void_server.cli.exit_codes import ExitCode

ENDPOINT = "tcp://127.0.0.1:7"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    ensure_keys(tmp_path / "home")
    return tmp_path / "home"


def names(home: Path) -> list[str]:
    return [row["name"] for row in json.loads(void("keys", "list", "--json", "--home", home).out)]


def test_a_client_is_let_in_by_its_key_or_its_file_and_out_again(home: Path, tmp_path: Path) -> None:
    (anna, _), (bert, _) = zmq.curve_keypair(), zmq.curve_keypair()
    ran = void("keys", "add", "anna", "--home", home, "--", anna.decode())
    assert (ran.code, fingerprint(anna) in ran.out) == (0, True), ran.err
    write_public_key(tmp_path / "bert.key", bert)
    assert void("keys", "add", "bert", tmp_path / "bert.key", "--home", home).code == 0
    assert names(home) == ["anna", "bert", "local"]
    assert fingerprint(bert) in void("keys", "list", "--home", home).out
    assert void("keys", "revoke", "anna", "--home", home).code == 0
    assert names(home) == ["bert", "local"]


def test_what_cannot_be_is_told_in_a_line(home: Path, tmp_path: Path) -> None:
    cases: list[tuple[Ran, int, str]] = [
        (void("keys", "revoke", "nobody", "--home", home), ExitCode.FAILED, "on it: local"),
        (void("keys", "add", "a", "x" * 40, "--home", home), 0, "is let in"),
        (void("keys", "add", "b", "~" * 40, "--home", home), ExitCode.FAILED, "is no public key"),
        (void("keys", "add", "c", tmp_path / "none.key", "--home", home), ExitCode.NO_SERVER, "none.key"),
        (
            void("keys", "new-client", "../x", tmp_path / "x", "--endpoint", ENDPOINT, "--home", home),
            1,
            "cannot",
        ),
    ]
    for ran, code, text in cases:
        assert (ran.code, text in ran.out + ran.err) == (code, True), ran
        assert "Traceback" not in ran.err
    assert not (tmp_path / "x").exists()


def test_a_new_client_gets_a_home(home: Path, tmp_path: Path) -> None:
    ran = void("keys", "new-client", "anna", tmp_path / "anna", "--endpoint", ENDPOINT, "--home", home)
    assert ran.code == 0, ran.err
    connection = load_connection(tmp_path / "anna")
    assert connection.endpoint == ENDPOINT
    assert fingerprint(connection.client_key) in ran.out
    shown = void("keys", "show", "--home", tmp_path / "anna")
    assert connection.client_key.decode() in shown.out
    assert connection.server_key.decode() in shown.out


def test_show_makes_keys_for_who_has_none(tmp_path: Path) -> None:
    ran = void("keys", "show", "--home", tmp_path / "new")
    assert ran.code == 0
    assert "none here" in ran.out
    assert read_key_file(client_secret_key_file(tmp_path / "new"))[0].decode() in ran.out


def test_keys_are_renewed(home: Path) -> None:
    server, _ = read_key_file(server_public_key_file(home))
    local, _ = read_key_file(client_secret_key_file(home))
    assert void("keys", "rotate-server", "--home", home).code == 0
    assert void("keys", "rotate-local", "--home", home).code == 0
    assert read_key_file(server_public_key_file(home))[0] != server
    assert read_key_file(client_secret_key_file(home))[0] != local
    assert names(home) == ["local"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_secret_that_others_may_read_is_refused_with_the_remedy(home: Path) -> None:
    client_secret_key_file(home).chmod(0o640)
    ran = void("jobs", "--home", home, "--endpoint", ENDPOINT)
    assert (ran.code, "can be read by others; run: chmod 600" in ran.err) == (ExitCode.NO_SERVER, True)
