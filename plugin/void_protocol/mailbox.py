"""Hands objects to the thread that owns a socket, and wakes that thread's poll."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue of which a poller notices arrivals. Any thread may call ``put``, which never blocks; ``drain``
    is for the owning thread only."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._is_closed = False
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor that the owner's poller watches with ``POLLIN``."""
        return self._receiver.fileno()

    def put(self, item: T) -> bool:
        """Leave ``item`` for the owner. After :meth:`close` the item is dropped and the answer is False."""
        with self._lock:
            if self._is_closed:
                return False
            self._items.append(item)
            # When the buffer is full, a wake-up is waiting already.
            with contextlib.suppress(BlockingIOError, OSError):
                self._sender.send(b"\0")
        return True

    def drain(self) -> list[T]:
        """Take every item that was left, oldest first."""
        with contextlib.suppress(BlockingIOError, OSError):
            while len(self._receiver.recv(4096)) == 4096:
                pass
        return self._take_all()

    def close(self) -> list[T]:
        """Accept no more items and return those that were left. Every item is either among these (or those
        drained before), or its ``put`` has answered False."""
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
