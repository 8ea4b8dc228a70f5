"""Hands things to the thread that owns a socket and wakes its poll."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue whose arrival a poller sees. ``put`` may be called by any thread and never blocks; ``drain``
    belongs to the owner."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._is_closed = False
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def fileno(self) -> int:
        """For the owner's poller, with ``POLLIN``."""
        return self._receiver.fileno()

    def put(self, item: T) -> bool:
        """Leave ``item`` for the owner. After :meth:`close` it is dropped, and the answer is False."""
        with self._lock:
            if self._is_closed:
                return False
            self._items.append(item)
            # A full buffer means that a wake-up is waiting already.
            with contextlib.suppress(BlockingIOError, OSError):
                self._sender.send(b"\0")
        return True

    def drain(self) -> list[T]:
        """Everything that was left, oldest first."""
        with contextlib.suppress(BlockingIOError, OSError):
            while len(self._receiver.recv(4096)) == 4096:
                pass
        return self._take_all()

    def close(self) -> list[T]:
        """Take nothing more. What was left comes back: every item is either among these (or those drained
        before), or its ``put`` has said False."""
        with self._lock:
            self._is_closed = True
            self._sender.close()
            self._receiver.close()
        return self._take_all()

    def _take_all(self) -> list[T]:
        items = []
        while self._items:
            items.append(self._items.popleft())
        return items
