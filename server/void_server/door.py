"""How many connections there are, and nobody new beyond a limit.

Anyone who reaches the port can connect; only the handshake tells who may stay. So that connections without
end cannot use up file handles (the job store and the spool need some too), the listening socket is closed at
the limit and opened again when connections have ended: those that are here go on, others are refused by the
system, and ZeroMQ's clients try again by themselves.
"""

from __future__ import annotations

import logging
from contextlib import suppress

import zmq
from zmq.utils.monitor import parse_monitor_message

_log = logging.getLogger(__name__)
_SPARE_FILES = 512
"""Handles for everything that is no client's connection."""


class Door:
    """Belongs to the broker's thread; make it before the socket is bound."""

    def __init__(self, socket: zmq.Socket[bytes], most: int) -> None:
        self._socket = socket
        self._most = most
        self._open: set[int] = set()
        self._endpoint: str | None = None
        self._is_shut = False
        self.monitor: zmq.Socket[bytes] = socket.get_monitor_socket(
            zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
        )

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._open)

    @property
    def is_shut(self) -> bool:
        return self._is_shut

    def open(self, endpoint: str) -> None:
        """The socket is bound there."""
        self._endpoint = endpoint

    def look(self) -> None:
        """Take note of who came and went, and shut or open the door."""
        self._count()
        if self._endpoint is None:
            return
        if not self._is_shut and len(self._open) >= self._most:
            _log.warning("%d connections: nobody new is let in until some end (connections)", len(self._open))
            with suppress(zmq.ZMQError):
                self._socket.unbind(self._endpoint)
            self._is_shut = True
        elif self._is_shut and len(self._open) < self._most * 3 // 4:
            # The port may still be closing: then the next look tries again.
            with suppress(zmq.ZMQError):
                self._socket.bind(self._endpoint)
                self._is_shut = False
                _log.info("%d connections: the door is open again", len(self._open))

    def _count(self) -> None:
        while True:
            try:
                event = parse_monitor_message(self.monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            if event["event"] == zmq.EVENT_ACCEPTED:
                self._open.add(event["value"])
            else:
                self._open.discard(event["value"])

    def close(self) -> None:
        self._socket.disable_monitor()
        self.monitor.close(0)


def raise_file_limit(connections: int) -> int | None:
    """Let this process open as many files as ``connections`` need, if the system lets it; how many it may now
    (None where that is not limited this way)."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft
