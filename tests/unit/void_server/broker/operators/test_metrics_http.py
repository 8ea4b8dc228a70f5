"""What the port of the figures does with those who say nothing, too much, or ask under another name."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from void_server.broker.operators import metrics_http
from void_server.broker.operators.metrics_http import MOST_CONNECTIONS, FiguresServer


@pytest.fixture
def server() -> Iterator[FiguresServer]:
    made = FiguresServer(0, lambda: b"figures 1.0\n", "text/plain; version=1")
    yield made
    made.close()


def connect(server: FiguresServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=5)


def ask(server: FiguresServer, question: bytes) -> bytes:
    with connect(server) as connection:
        connection.sendall(question)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            pass
        return answer


def get(server: FiguresServer, host: str, path: str = "/metrics") -> bytes:
    return ask(server, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def is_answered(server: FiguresServer) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
        return bool(
            answer.read() == b"figures 1.0\n" and answer.headers["Content-Type"].endswith("version=1")
        )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9100", "localhost:1", "LOCALHOST", "[::1]:9100"])
def test_this_machine_is_answered(server: FiguresServer, host: str) -> None:
    assert get(server, host).endswith(b"\r\n\r\nfigures 1.0\n")


@pytest.mark.parametrize(
    "question",
    [
        b"GET /metrics HTTP/1.1\r\nHost: evil.example:9100\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: user@evil.example\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
    ],
)
def test_other_names_are_not(server: FiguresServer, question: bytes) -> None:
    answer = ask(server, question)
    assert answer.startswith((b"HTTP/1.1 421 ", b"HTTP/1.1 400 "))
    assert b"figures 1.0" not in answer


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
        (b"GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"\xff\xfe\r\n\r\n", b"400"),
        (b"GET /metrics SSH-2.0\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"Host: localhost\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_question(server: FiguresServer, question: bytes, status: bytes) -> None:
    assert ask(server, question).startswith(b"HTTP/1.1 " + status)
    assert is_answered(server)


def test_too_long_a_question_ends(server: FiguresServer) -> None:
    assert ask(server, b"GET /metrics HTTP/1.1\r\nA: " + b"x" * 100_000) == b""
    assert is_answered(server)


def test_who_says_nothing_keeps_nobody_out(server: FiguresServer) -> None:
    with ExitStack() as held:
        idle = [held.enter_context(connect(server)) for _ in range(40)]
        assert is_answered(server)
        time.sleep(0.1)
        assert sum(not is_closed(one) for one in idle) <= MOST_CONNECTIONS
        assert is_answered(server)


def test_a_connection_has_so_much_time(server: FiguresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that gets on byte by byte, or does not read its answer."""
    monkeypatch.setattr(metrics_http, "MOST_SECONDS", 0.3)
    with connect(server) as slow, connect(server) as silent:
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() < began + 5:
                slow.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began < 3
        assert is_closed(silent)


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_failure_is_told_and_passes() -> None:
    fails = [True]

    def content() -> bytes:
        if fails.pop() if fails else False:
            raise ValueError("once")
        return b"figures 1.0\n"

    server = FiguresServer(0, content, "text/plain; version=1")
    assert get(server, "localhost").startswith(b"HTTP/1.1 500")
    assert is_answered(server)
    port = server.port
    server.close()
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
