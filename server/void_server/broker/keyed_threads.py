"""Threads for work on files, so that a slow disk never stops the broker's loop.

Work with the same key runs in order on one thread. Its outcome is handed back to the broker's own thread. A
drive that hangs may hold a thread for ever, so none of them keeps the process from ending.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from void_protocol.mailbox import Mailbox

T = TypeVar("T")
_log = logging.getLogger(__name__)
_END_S = 10.0
"""How long, in seconds, the end of work that has begun is waited for."""


class _Lane:
    """One thread and what it has to do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def submit(self, work: Callable[[], T]) -> Future[T]:
        if self._is_closed:
            raise RuntimeError("these threads are closed")
        done: Future[T] = Future()
        self._waiting.put((done, work))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return done

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            done, work = item
            if self._is_closed or not done.set_running_or_notify_cancel():
                continue
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - whoever asked for the work deals with it
                done.set_exception(error)
            del item, done, work  # what the work held is not kept until the next comes

    def close(self) -> None:
        """Begin nothing more."""
        self._is_closed = True
        self._waiting.put(None)

    def has_ended(self, limit: float) -> bool:
        """Wait until ``limit``, a time of the monotonic clock, for what has begun."""
        if self._thread is not None:
            self._thread.join(max(0.0, limit - time.monotonic()))
        return self._thread is None or not self._thread.is_alive()


class KeyedThreads:
    """A number of threads, on which work is spread by its key."""

    def __init__(self, mailbox: Mailbox[Callable[[], None]], count: int) -> None:
        self._mailbox = mailbox
        self._threads = [_Lane(f"void-files-{index}") for index in range(count)]

    def run(self, key: str, work: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Do ``work`` on the key's thread, then call ``then`` with its outcome on the broker's thread."""
        self._lane(key).submit(work).add_done_callback(lambda done: self._mailbox.put(partial(then, done)))

    def do(self, key: str, work: Callable[[], object]) -> None:
        """Do ``work`` on the key's thread. Nobody waits for it, so it has to deal with its own errors."""
        self._lane(key).submit(work)

    def _lane(self, key: str) -> _Lane:
        return self._threads[zlib.crc32(key.encode()) % len(self._threads)]

    def stop(self) -> None:
        """Begin nothing more, and wait for nothing."""
        for lane in self._threads:
            lane.close()

    def close(self, limit_s: float = _END_S) -> bool:
        """Finish the work that has begun and drop the rest. Work that takes longer than ``limit_s`` seconds
        is left behind and ends with the process; the answer is whether there was none."""
        limit = time.monotonic() + limit_s
        self.stop()
        have_ended = [lane.has_ended(limit) for lane in self._threads]
        if not all(have_ended):
            _log.warning("a file or drive does not answer; it is not waited for any longer")
        return all(have_ended)
