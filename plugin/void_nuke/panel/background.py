"""A thread for what may take long, such as reading files from slow storage. Nothing ever waits for it long:
neither closing the panel nor the end of the host's process."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

_CLOSE_S = 1.0
_log = logging.getLogger(__name__)


class Background:
    """Does one thing after the other on a daemon thread, which begins with the first."""

    def __init__(self, name: str) -> None:
        """Prepare a thread of this name."""
        self._name = name
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = threading.Event()

    @property
    def is_closed(self) -> bool:
        """Whether nobody wants to hear of what is still under way."""
        return self._is_closed.is_set()

    def submit(self, work: Callable[[], None]) -> None:
        """Do this after what was submitted before; a failure is logged. Nothing is done any more after
        :meth:`close`."""
        if self.is_closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._waiting.put(work)

    def close(self, wait_s: float = _CLOSE_S) -> None:
        """Leave out what has not begun, and wait this long, in seconds, for what has."""
        self._is_closed.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(wait_s)
            if self._thread.is_alive():
                _log.info("%s is left to what it is doing", self._name)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None and not self.is_closed:
            try:
                work()
            except Exception:  # noqa: BLE001 - no one waits for this thread
                _log.exception("%s failed", self._name)
