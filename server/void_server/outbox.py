"""Messages that wait for the store's commit.

Handlers put their answers here; the broker commits, then flushes. So no client hears of anything that a
power cut could take back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import zmq

from void_protocol.messages import Message
from void_protocol.wire import Payload, encode_frames

from .throughput import Meter


class Outbox:
    def __init__(
        self, socket: zmq.Socket[bytes], on_lost: Callable[[bytes], None], meter: Meter | None = None
    ) -> None:
        """``on_lost`` hears of peers that are gone or too slow to take what is theirs."""
        self._socket = socket
        self._on_lost = on_lost
        self._meter = meter or Meter()
        self._waiting: list[tuple[bytes, list[Payload]]] = []

    def send(self, peer: bytes, message: Message, payloads: Sequence[Payload] = ()) -> None:
        """Queue a message for the next flush."""
        self._waiting.append((peer, encode_frames(message, payloads)))

    def flush(self) -> None:
        """Send everything. A peer whose queue is full has lost its session: it will come back and catch up
        from the last event it saw."""
        waiting, self._waiting = self._waiting, []
        lost: set[bytes] = set()
        sent = 0
        for peer, frames in waiting:
            if peer in lost:
                continue
            try:
                self._socket.send(peer, zmq.SNDMORE | zmq.NOBLOCK)
                self._socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
                sent += sum(len(frame) for frame in frames)
            except zmq.ZMQError as error:
                if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                    raise
                lost.add(peer)
        if sent:
            self._meter.add("sent_bytes", sent)
        for peer in lost:
            self._on_lost(peer)
