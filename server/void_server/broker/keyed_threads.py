"""Threads for work on files, so that a slow disk never stops the broker's loop.

Work with the same key runs in order on one thread. Its outcome is handed back to the broker's own thread.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from void_protocol.mailbox import Mailbox

T = TypeVar("T")


class KeyedThreads:
    """A number of threads, on which work is spread by its key."""

    def __init__(self, mailbox: Mailbox[Callable[[], None]], count: int) -> None:
        self._mailbox = mailbox
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix=f"void-files-{index}") for index in range(count)
        ]

    def run(self, key: str, work: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Do ``work`` on the key's thread, then call ``then`` with its outcome on the broker's thread."""
        thread = self._threads[zlib.crc32(key.encode()) % len(self._threads)]
        thread.submit(work).add_done_callback(lambda done: self._mailbox.put(partial(then, done)))

    def do(self, key: str, work: Callable[[], object]) -> None:
        """Do ``work`` on the key's thread. Nobody waits for it, so it has to deal with its own errors."""
        self._threads[zlib.crc32(key.encode()) % len(self._threads)].submit(work)

    def close(self) -> None:
        """Finish the work that has begun and drop the rest."""
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)
