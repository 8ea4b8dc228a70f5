"""Limits how many connections there are; beyond the limit no new one gets in.

Anyone who reaches the port can connect, and only the handshake tells who may stay. Without a limit,
connections could use up file handles, of which the job store and the spool need some too. So every connection
beyond the limit is closed as soon as it was accepted. The others go on, and ZeroMQ's clients try again by
themselves.
"""

from __future__ import annotations

import logging
import socket as sockets
import time
from contextlib import suppress

import zmq
from zmq.utils.monitor import parse_monitor_message

_log = logging.getLogger(__name__)
_SPARE_FILES = 512
"""File handles for everything that clients do not take."""
_SAY_AGAIN_S = 60.0


class ConnectionLimit:
    """Counts connections and closes those beyond the limit. It belongs to the broker's thread, and must be
    made before the socket is bound.

    ZeroMQ has no such limit itself, and closing its listening socket would end the connections that it has
    accepted. But it tells the descriptor of each new connection, and when that is shut down it takes this for
    a peer that has gone.
    """

    def __init__(self, socket: zmq.Socket[bytes], most: int) -> None:
        self._socket = socket
        self._most = most
        self._open: dict[int, int] = {}
        """The number of each connection by its descriptor; a number is never used again, but a descriptor
        is."""
        self._last = 0
        self._say_next = 0.0
        self.refused = 0
        """How many connections were refused so far."""
        self.monitor: zmq.Socket[bytes] = socket.get_monitor_socket(
            zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
        )

    @property
    def connections(self) -> int:
        """How many connections there are now."""
        return len(self._open)

    def tickets(self) -> list[tuple[int, int]]:
        """Return the tickets, which name connections, of those that are open now."""
        self.look()
        return list(self._open.items())

    def look(self) -> None:
        """Take note of connections that came and went, and close those that are too many."""
        while True:
            try:
                event = parse_monitor_message(self.monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            if event["event"] == zmq.EVENT_DISCONNECTED:
                self._open.pop(event["value"], None)
            elif len(self._open) < self._most:
                self._last += 1
                self._open[event["value"]] = self._last
            else:
                self._turn_away(event["value"])

    def ticket(self, descriptor: int) -> tuple[int, int] | None:
        """Return the ticket of the connection that has this descriptor now, for :meth:`cut`."""
        self.look()
        number = self._open.get(descriptor)
        return None if number is None else (descriptor, number)

    def is_open(self, ticket: tuple[int, int]) -> bool:
        """Return whether a connection has not ended, as far as was noticed."""
        descriptor, number = ticket
        return self._open.get(descriptor) == number

    def cut(self, ticket: tuple[int, int]) -> None:
        """End a connection, whatever waits for it or arrives on it. One that has ended already is left
        alone."""
        self.look()
        if self.is_open(ticket):
            _shut(ticket[0])

    def _turn_away(self, descriptor: int) -> None:
        self.refused += 1
        _shut(descriptor)
        if time.monotonic() >= self._say_next:
            self._say_next = time.monotonic() + _SAY_AGAIN_S
            _log.warning(
                "%d connections (connections): nobody new gets in until some end; %d turned away so far",
                self._most,
                self.refused,
            )

    def close(self) -> None:
        self._socket.disable_monitor()
        self.monitor.close(0)


def _shut(descriptor: int) -> None:
    with suppress(OSError):  # the descriptor may be closed by now
        connection = sockets.socket(fileno=descriptor)
        try:
            connection.shutdown(sockets.SHUT_RDWR)
        finally:
            connection.detach()  # the descriptor belongs to ZeroMQ, which closes it


def raise_file_limit(files: int) -> int | None:
    """Let this process open so many ``files`` beside what it always needs, if the system allows it. Return
    how many it may open now, or None where that is not limited this way."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + _SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft
