"""Keeps messages until the store has committed.

Handlers put their answers here; the broker commits and then flushes. So no client hears of anything that a
power cut could take back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import zmq

from void_protocol.messages import Error, Message
from void_protocol.wire import Payload, encode_frames
from void_server.broker.throughput import Meter

_log = logging.getLogger(__name__)
_LARGE_BYTES = zmq.COPY_THRESHOLD
"""From this size on, in bytes, pyzmq hands a frame over without a copy and can tell when it has left the
process."""


class Outbox:
    """The messages that wait to be sent, for each peer."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        on_lost: Callable[[bytes], None],
        meter: Meter | None = None,
        *,
        most_bytes: int,
    ) -> None:
        """Prepare to send on ``socket``.

        Args:
            socket: the broker's ROUTER socket.
            on_lost: called with each peer that is gone or too slow to take its messages.
            meter: counts what is sent.
            most_bytes: how many bytes of large frames may wait for one peer.
        """
        self._socket = socket
        self._on_lost = on_lost
        self._meter = meter or Meter()
        self._most_bytes = most_bytes
        self._waiting: list[tuple[bytes, list[Payload]]] = []
        self.is_urgent = False
        """Whether somebody waits for a queued message."""
        self._on_way: dict[bytes, list[tuple[zmq.MessageTracker, int]]] = {}
        """For each peer, large frames that have not left this process yet."""

    def send(
        self, peer: bytes, message: Message, payloads: Sequence[Payload] = (), *, is_urgent: bool = True
    ) -> None:
        """Queue a message for the next flush. One that is not urgent may wait a moment for others, so that
        one commit serves them all."""
        self._waiting.append((peer, encode_frames(message, payloads)))
        self.is_urgent = self.is_urgent or is_urgent

    def refuse(self, peer: bytes, request: int | None, code: str, text: str) -> None:
        """Queue an error reply to a request; None for a message that named no request."""
        self.send(peer, Error(request=request, code=code, message=text))

    def flush(self) -> None:
        """Send everything. A peer whose queue is full loses its session; it comes back and continues after
        the last event that it saw."""
        waiting, self._waiting = self._waiting, []
        self.is_urgent = False
        lost: set[bytes] = set()
        sent = 0
        for peer, frames in waiting:
            if peer in lost:
                continue
            size = sum(len(frame) for frame in frames)
            if size >= _LARGE_BYTES and self._held_bytes(peer) + size > self._most_bytes:
                _log.warning("a client reads too slowly and loses its session (client_queue_bytes)")
                lost.add(peer)
                continue
            try:
                self._socket.send(peer, zmq.SNDMORE | zmq.NOBLOCK)
                tracker = self._socket.send_multipart(
                    frames, zmq.NOBLOCK, copy=False, track=size >= _LARGE_BYTES
                )
                if tracker is not None and not tracker.done:
                    self._on_way.setdefault(peer, []).append((tracker, size))
                sent += size
            except zmq.ZMQError as error:
                if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                    raise
                lost.add(peer)
        if sent:
            self._meter.add("sent_bytes", sent)
        for peer in lost:
            self._on_lost(peer)

    def _held_bytes(self, peer: bytes) -> int:
        """Return how many bytes of large messages wait for this peer."""
        on_way = [(tracker, size) for tracker, size in self._on_way.get(peer, ()) if not tracker.done]
        if on_way:
            self._on_way[peer] = on_way
        else:
            self._on_way.pop(peer, None)
        return sum(size for _, size in on_way)

    def sweep(self) -> None:
        """Forget peers for which nothing waits any more."""
        for peer in list(self._on_way):
            self._held_bytes(peer)
