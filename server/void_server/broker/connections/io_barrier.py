"""Tells when ZeroMQ's own threads have come to the end of what they were doing.

ZeroMQ asks whether a client may come in, and only then reads what the client says of itself. If it got the
answer in the middle of that, the client's words would count more than the answer. So the answer waits until
every such thread has done something else: passed a byte on between two sockets of this process. A thread does
one thing after the other, so it is through with the question by then.
"""

from __future__ import annotations

import secrets
import socket as sockets
import time
from contextlib import suppress

import zmq

from void_server.errors import ServerStartError

_TRIES = 5
_CONNECT_S = 2.0
_LOST_S = 2.0
"""A byte that takes longer than this, in seconds, was lost with its connection, which is made anew."""
_TOKEN_BYTES = 32
_NAME = b"far"


class _Thread:
    """One of ZeroMQ's threads: a raw ZeroMQ socket that belongs to it, connected with a socket of our own.
    Nobody else can connect to either."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], number: int) -> None:
        """Connect them.

        Raises:
            ServerStartError: when this machine's loopback interface does not carry bytes.
        """
        for _ in range(_TRIES):
            self._near = context.socket(zmq.STREAM)
            self._near.linger = 0
            self._near.setsockopt(zmq.AFFINITY, 1 << number)
            self._near.setsockopt(zmq.CONNECT_ROUTING_ID, _NAME)
            with suppress(OSError), sockets.create_server(("127.0.0.1", 0), backlog=1) as listener:
                listener.settimeout(_CONNECT_S)
                self._near.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
                # Another process of this machine may have been faster than ours; it does not know this.
                token = secrets.token_bytes(_TOKEN_BYTES)
                self.far, _ = listener.accept()
                self.far.settimeout(_CONNECT_S)
                self._near.send_multipart([_NAME, token])
                if self.far.recv(_TOKEN_BYTES, sockets.MSG_WAITALL) == token:
                    self.far.setblocking(False)
                    return
                self.far.close()
            self._near.close(0)
        raise ServerStartError("cannot connect to 127.0.0.1 inside this process; does a firewall forbid it?")

    def ask(self) -> None:
        """Have the thread pass on a byte."""
        with suppress(zmq.ZMQError):  # the connection was lost; it will be made anew
            self._near.send_multipart([_NAME, b"."], zmq.NOBLOCK)

    def has_passed(self) -> bool:
        """Return whether the byte is here. It is the only one that can be on the way."""
        try:
            return bool(self.far.recv(1))
        except OSError:
            return False

    def close(self) -> None:
        self._near.close(0)
        self.far.close()


class IoBarrier:
    """A barrier for all threads of a context. It belongs to one thread."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], threads: int) -> None:
        """Prepare a barrier for a context with so many ``threads``.

        Raises:
            ServerStartError: when this machine's loopback interface does not carry bytes.
        """
        self._context = context
        self._threads = [_Thread(context, number) for number in range(threads)]
        self._missing: set[int] = set()
        """The threads that have not passed yet."""
        self._began_at = 0.0

    def filenos(self) -> list[int]:
        """Return the descriptors to poll: :meth:`look` is to be called when one of them can be read."""
        return [thread.far.fileno() for thread in self._threads]

    def begin(self) -> None:
        """Ask every thread to pass. All must have passed the last time."""
        assert not self._missing
        self._began_at = time.monotonic()
        self._missing = set(range(len(self._threads)))
        for thread in self._threads:
            thread.ask()

    def look(self) -> bool:
        """Return whether all have passed since :meth:`begin`."""
        self._missing = {number for number in self._missing if not self._threads[number].has_passed()}
        return not self._missing

    @property
    def is_broken(self) -> bool:
        """Whether a thread takes so long that its connection must have been lost."""
        return bool(self._missing) and time.monotonic() > self._began_at + _LOST_S

    def mend(self) -> None:
        """Make the lost connections anew, and ask again. Other descriptors are to be polled then.

        Raises:
            ServerStartError: when this machine's loopback interface does not carry bytes any more.
        """
        for number in self._missing:
            self._threads[number].close()
            self._threads[number] = _Thread(self._context, number)
        self._missing.clear()
        self.begin()

    def close(self) -> None:
        for thread in self._threads:
            thread.close()
