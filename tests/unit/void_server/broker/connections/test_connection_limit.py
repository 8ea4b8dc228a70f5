from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import zmq

from void_server.broker.connections.connection_limit import ConnectionLimit, raise_file_limit


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield made
    made.destroy(linger=0)


def test_one_too_many_is_turned_away_and_the_others_stay(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    server = context.socket(zmq.ROUTER)
    connection_limit = ConnectionLimit(server, 2)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    with ExitStack() as held:

        def connect() -> socket.socket:
            return held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))

        def look_until(condition: Callable[[], bool]) -> None:
            limit = time.monotonic() + 10
            while not condition():
                assert time.monotonic() < limit
                connection_limit.monitor.poll(20)
                connection_limit.look()

        held.callback(server.close, 0)
        held.callback(connection_limit.close)
        first, second = connect(), connect()
        look_until(lambda: connection_limit.connections == 2)
        third = connect()
        look_until(lambda: connection_limit.refused == 1)
        assert is_closed(third)
        assert not is_closed(first)
        assert not is_closed(second)
        first.close()
        look_until(lambda: connection_limit.connections == 1)
        fourth = connect()
        look_until(lambda: connection_limit.connections == 2)
        assert connection_limit.refused == 1
        assert not is_closed(fourth)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has hung up; ZeroMQ's greeting comes first."""
    connection.settimeout(0.2)
    try:
        while connection.recv(1000):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_the_limit_of_files_is_raised_at_most_to_the_hard_one() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
        now = raise_file_limit(100)
        assert now == min(100 + 512, before[1])
        assert raise_file_limit(10) == now  # never lowered
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
