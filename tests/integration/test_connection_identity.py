"""Nobody chooses the name of a connection, and nobody speaks under another's key."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

from tests.integration.raw_client import RawClient
from tests.integration.server_case import Stranger, connection_of_another, server_for, wait_until
from void_server.access.key_commands import revoke_client
from void_server.operation.server_process import ServerProcess

STARTS = (
    0x6B8B4567, 0xE43C9869, 0xF4B0DC51, 0x2AE8944A, 0xA38E1F29, 0xBD1B58BA, 0xAEB141F2, 0x79E2A9E3,
)  # fmt: skip
"""Where libzmq's own names begin after every start: each ROUTER socket of a process draws one of these in
turn from the C library's generator, which is not seeded (Linux). The server's is the fourth."""
COUNTER = STARTS[3]


@pytest.fixture
def server_defaults() -> dict[str, Any]:
    return {"heartbeat_s": 5.0}


def named(number: int) -> bytes:
    return b"\0" + struct.pack(">I", number & 0xFFFFFFFF)


def test_a_client_that_claims_the_next_names_ends_nothing(start: Callable[..., ServerProcess]) -> None:
    """Those are the names that libzmq would give to the connections after this one."""
    server = start()
    known = server.connection()
    with ExitStack() as held:
        for number in range(4):
            for first in STARTS:
                held.enter_context(Stranger(known, routing_id=named(first + number)))
        time.sleep(0.3)
        for _ in range(5):
            held.enter_context(Stranger(known)).hello()
    with Stranger(known) as later:
        assert later.ask(type="ping", request=2)["code"] == "no_session"
    assert psutil.pid_exists(server.pid)


@pytest.mark.parametrize(
    "metadata",
    [
        [(b"Identity", named(COUNTER))],
        [(b"Identity", named(COUNTER)), (b"Identity", named(COUNTER + 1))],
        [(b"Identity", b"")],
        [(b"Identity", b""), (b"Identity", named(COUNTER + 2))],
        [(b"Identity", b"x" * 100_000)],
        [(b"identity", b"small"), (b"IDENTITY", b"large")],
        [(b"User-Id", b"another"), (b"Identity", b"c" + bytes(24))],
        [(b"Peer-Address", b"10.0.0.1"), (b"", b""), (b"X" * 255, bytes(1000))],
        [(b"Resource", b"\xff" * 300), (b"Socket-Type", b"REQ")],
    ],
    ids=lambda metadata: "+".join(name.decode()[:8] for name, _ in metadata),
)
def test_whatever_the_handshake_says(identified: ServerProcess, metadata: list[tuple[bytes, bytes]]) -> None:
    """Each of several connections that say the same gets its own answers, and is its own key's."""
    known = identified.connection()
    with Stranger(known) as stranger:
        welcome = stranger.hello()
    with ExitStack() as held:
        clients = [held.enter_context(RawClient(known, metadata)) for _ in range(3)]
        for number, client in enumerate(clients):
            client.say(type="hello", request=number, min_version=1, max_version=1)
            assert client.hear() == {**welcome, "request": number}
        friend = held.enter_context(Stranger(known))
        friend.hello()
        for number, client in enumerate(clients):
            client.say(type="ping", request=10 + number)
            assert client.hear() == {"type": "pong", "request": 10 + number}
    assert psutil.pid_exists(identified.pid)


@pytest.mark.parametrize(
    "metadata",
    [b"", b"\x08Identity\x00\x00\x00\x05", b"\xff", b"\x08Identity\xff\xff\xff\xff" + bytes(10)],
    ids=["none", "cut", "one byte", "too long"],
)
def test_handshakes_without_an_end(identified: ServerProcess, metadata: bytes) -> None:
    with suppress(ConnectionError), RawClient(identified.connection(), metadata, timeout_s=1.0) as client:
        client.say(type="hello", request=1, min_version=1, max_version=1)
        assert client.hear()["type"] == "welcome"
    with Stranger(identified.connection()) as friend:
        assert friend.hello()["type"] == "welcome"


def test_the_end_of_a_handshake_said_twice(identified: ServerProcess) -> None:
    """The second comes while the server still asks whether the first may come in."""
    for _ in range(20):
        with suppress(ConnectionError), RawClient(identified.connection(), twice=True):
            pass
    with Stranger(identified.connection()) as friend:
        assert friend.hello()["type"] == "welcome"


@pytest.fixture(scope="module")
def identified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), heartbeat_s=20.0) as running:
        yield running


def test_who_takes_the_name_of_one_that_is_gone_is_a_stranger(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """The operator's client dies without a word; its session would live on for a while."""
    server = start()
    local, anna = server.connection(), connection_of_another(server, tmp_path / "anna")
    names = [b"operator", named(COUNTER), named(COUNTER + 1)]
    for name in names:
        operator = Stranger(local, routing_id=name)
        operator.hello()
        operator.socket.close()  # no bye
        operator.__exit__()
    with ExitStack() as held:
        thieves = [held.enter_context(Stranger(anna, routing_id=name)) for name in names]
        for thief in thieves:
            assert thief.ask(type="pause", request=7)["code"] == "no_session"
            thief.hello()
            assert thief.ask(type="pause", request=8)["code"] == "operators_only"
        revoke_client(server.settings.home, "anna")
        time.sleep(0.3)
        for thief in thieves:
            with suppress(zmq.Again):
                thief.socket.send(b'{"type":"ping","request":9}', zmq.NOBLOCK)
            assert thief.is_silent(0.2)


def test_a_revoked_key_is_not_heard_without_a_session_either(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start()
    with Stranger(connection_of_another(server, tmp_path / "anna")) as anna:
        assert anna.ask(type="ping", request=1)["code"] == "no_session"
        revoke_client(server.settings.home, "anna")
        time.sleep(0.3)
        with suppress(zmq.Again):
            anna.socket.send(b'{"type":"ping","request":2}', zmq.NOBLOCK)
        assert anna.is_silent(0.3)
        wait_until(lambda: "unknown key" in server.log_file.read_text())  # it comes back, and is turned away


def test_a_session_ends_with_its_connection(start: Callable[..., ServerProcess]) -> None:
    server = start()
    with Stranger(server.connection()) as watching:
        watching.hello()
        with ExitStack() as held:
            for _ in range(3):
                held.enter_context(Stranger(server.connection())).hello()
            assert watching.ask(type="get_status", request=2)["sessions"] == 4
        wait_until(lambda: watching.ask(type="get_status", request=3)["sessions"] == 1, 5.0)


def test_a_client_that_says_nothing_does_not_keep_its_connections(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """It is let in, and takes all connections that there may be."""
    server = start(connections=8, handshake_s=0.5)
    anna = connection_of_another(server, tmp_path / "anna")
    with Stranger(server.connection()) as friend, ExitStack() as held:
        friend.hello()
        silent = [held.enter_context(Stranger(anna)) for _ in range(7)]
        monitors = [one.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) for one in silent]
        for monitor in monitors:
            assert monitor.poll(8000)
            monitor.close(0)
        for one in silent:
            one.socket.disable_monitor()
        assert friend.ask(type="ping", request=2)["type"] == "pong"
