"""The gatekeeper with a real libzmq: who comes in, under which name, and when the answer is given."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import zmq

from void_server.broker.connections.io_barrier import IoBarrier
from void_server.broker.connections.peer_names import PeerNames, key_of
from void_server.broker.connections.zap import Domain, Gatekeeper

Context = zmq.Context[zmq.Socket[bytes]]
THREADS = 2


@pytest.fixture
def context() -> Iterator[Context]:
    made: Context = zmq.Context(io_threads=THREADS)
    yield made
    made.destroy(linger=0)


class Door:
    """A ROUTER socket with a gatekeeper, as the broker has it."""

    def __init__(self, context: Context, allowed: set[bytes]) -> None:
        self.names = PeerNames()
        self.gatekeeper = Gatekeeper(
            context, THREADS, {"door": Domain(allowed.__contains__, self.names.make)}
        )
        self.public, secret = zmq.curve_keypair()
        self.socket = context.socket(zmq.ROUTER)
        self.socket.curve_server = True
        self.socket.curve_secretkey = secret
        self.socket.zap_domain = b"door"
        self._outside: Context = zmq.Context()
        self._clients: list[zmq.Socket[bytes]] = []
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")

    def client(self, pair: tuple[bytes, bytes], name: bytes | None = None) -> zmq.Socket[bytes]:
        socket = self._outside.socket(zmq.DEALER)
        self._clients.append(socket)
        socket.linger = 0
        if name is not None:
            socket.setsockopt(zmq.ROUTING_ID, name)
        socket.curve_publickey, socket.curve_secretkey = pair
        socket.curve_serverkey = self.public
        socket.connect(f"tcp://127.0.0.1:{self.port}")
        socket.send(b"hello")
        return socket

    def hear(self, timeout_s: float = 3.0) -> list[zmq.Frame] | None:
        limit = time.monotonic() + timeout_s
        while time.monotonic() < limit:
            self.gatekeeper.look()
            if self.socket.poll(5):
                return self.socket.recv_multipart(copy=False)
        return None

    def close(self) -> None:
        for socket in self._clients:
            socket.close()
        self._outside.term()
        self.gatekeeper.close()
        self.socket.close(0)


def test_names_are_the_servers_and_keys_are_proved(context: Context) -> None:
    pair, stranger = zmq.curve_keypair(), zmq.curve_keypair()
    door = Door(context, {pair[0]})
    names = set()
    for claimed in (None, b"\0\xe4\x3c\x98\x69", b"same", b"same"):
        client = door.client(pair, claimed)
        frames = door.hear()
        assert frames is not None
        name, text = frames
        assert (text.bytes, key_of(text)) == (b"hello", pair[0])
        assert door.names.is_of(name.bytes, pair[0])
        assert not door.names.is_of(name.bytes, stranger[0])
        names.add(name.bytes)
        door.socket.send_multipart([name.bytes, b"you"])
        assert client.poll(3000)
    assert len(names) == 4
    door.client(stranger)
    assert door.hear(0.5) is None
    door.close()


def test_no_answer_before_all_threads_have_passed(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own words about itself are read after the question, by the thread that asks it."""
    pair = zmq.curve_keypair()
    door = Door(context, {pair[0]})
    passed = [False]
    asked: list[str] = []
    monkeypatch.setattr(IoBarrier, "begin", lambda self: asked.append("begin"))
    monkeypatch.setattr(IoBarrier, "look", lambda self: passed[0])
    door.client(pair)
    assert door.hear(0.5) is None
    assert asked == ["begin"]
    passed[0] = True
    assert door.hear() is not None
    door.close()


def test_names_are_not_guessed_nor_changed() -> None:
    names = PeerNames()
    key = b"k" * 40
    name = names.make(key)
    assert names.is_of(name, key)
    assert name[:1] != b"\0"
    for other in (b"", b"c", name[:-1], name + b"x", b"d" + name[1:], name[:-1] + bytes([name[-1] ^ 1])):
        assert not names.is_of(other, key)
    assert not PeerNames().is_of(name, key)
