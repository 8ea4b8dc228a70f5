from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from void_protocol.messages import LogText, Pong
from void_server.broker.connections.outbox import Outbox

CHUNK = bytes(1024 * 1024)


@pytest.fixture
def pair() -> Iterator[tuple[zmq.Socket[bytes], zmq.Socket[bytes]]]:
    """A ROUTER, and a DEALER called ``a`` that is known to it."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    server, client = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    server.setsockopt(zmq.ROUTER_MANDATORY, 1)
    client.setsockopt(zmq.IDENTITY, b"a")
    client.setsockopt(zmq.RCVHWM, 1)
    client.setsockopt(zmq.RCVBUF, 65_536)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    client.connect(f"tcp://127.0.0.1:{port}")
    client.send(b"")
    assert server.recv_multipart()[0] == b"a"
    yield server, client
    context.destroy(linger=0)


def test_who_reads_slowly_is_lost_at_a_size(pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]]) -> None:
    server, client = pair
    lost: list[bytes] = []
    outbox = Outbox(server, lost.append, most_bytes=8 * len(CHUNK))
    for number in range(40):
        outbox.send(b"a", LogText(request=number, offset=0, size=0), [CHUNK])
        outbox.flush()
        if lost:
            break
    assert lost == [b"a"]
    assert 4 <= number < 40
    taken = 0
    while client.poll(500):
        assert len(client.recv_multipart()) == 2
        taken += 1
    assert taken == number  # what was on the way arrives
    outbox.sweep()
    outbox.send(b"a", LogText(request=99, offset=0, size=0), [CHUNK])
    outbox.flush()
    assert len(lost) == 1  # there is room again


def test_small_messages_are_not_held_back(pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]]) -> None:
    server, client = pair
    lost: list[bytes] = []
    outbox = Outbox(server, lost.append, most_bytes=1)
    for number in range(10):
        outbox.send(b"a", Pong(request=number))
    outbox.flush()
    assert not lost
    assert client.poll(1000)


def test_a_peer_that_is_gone_is_lost(pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]]) -> None:
    lost: list[bytes] = []
    outbox = Outbox(pair[0], lost.append, most_bytes=1)
    outbox.send(b"nobody", Pong(request=1))
    outbox.flush()
    assert lost == [b"nobody"]
