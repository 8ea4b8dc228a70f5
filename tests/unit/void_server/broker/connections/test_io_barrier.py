from __future__ import annotations

import select
import time
from collections.abc import Iterator

import pytest
import zmq

from void_server.broker.connections import io_barrier
from void_server.broker.connections.io_barrier import IoBarrier


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=2)
    yield made
    made.destroy(linger=0)


def pass_once(barrier: IoBarrier, timeout_s: float = 5.0) -> bool:
    limit = time.monotonic() + timeout_s
    barrier.begin()
    while not barrier.look():
        if time.monotonic() > limit:
            return False
        select.select(barrier.filenos(), [], [], 0.05)
    return True


def test_all_threads_pass_again_and_again(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    barrier = IoBarrier(context, 2)
    assert barrier.look()  # nothing was asked
    assert len(set(barrier.filenos())) == 2
    for _ in range(50):
        assert pass_once(barrier)
        assert not barrier.is_broken
    barrier.close()


def test_a_thread_that_is_busy_is_waited_for(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """Without one of the threads the barrier stays shut."""
    barrier = IoBarrier(context, 2)
    barrier._threads[1].ask = lambda: None  # type: ignore[method-assign]
    assert not pass_once(barrier, 0.3)
    barrier.close()


def test_a_lost_connection_is_made_anew(
    context: zmq.Context[zmq.Socket[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(io_barrier, "_LOST_S", 0.2)
    barrier = IoBarrier(context, 2)
    barrier._threads[0].far.shutdown(2)
    time.sleep(0.1)
    barrier.begin()
    time.sleep(0.3)  # the byte has nowhere to go
    assert not barrier.look()
    assert barrier.is_broken
    barrier.mend()
    limit = time.monotonic() + 5
    while not barrier.look():
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert pass_once(barrier)
    barrier.close()
