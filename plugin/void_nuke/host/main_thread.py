"""Work for the main thread, from any other.

The host's own way of waiting for the main thread prints and swallows exceptions and dead-locks on the main
thread itself, so only its way of *posting* is used here. What was posted is never run inside a render: that
turns the event loop to draw its progress bar, and what touched the script then would meet it half changed.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, TimeoutError  # noqa: A004 - its own name until Python 3.11
from contextlib import contextmanager
from typing import TypeVar

from void_nuke.errors import MainThreadError

T = TypeVar("T")
Task = Callable[[], None]
_log = logging.getLogger(__name__)
_PATIENCE_S = 0.2
"""How often a waiting thread looks whether the host is shutting down."""


class MainThread:
    """The way to the main thread. Made on the main thread."""

    def __init__(self, post_to_loop: Callable[[Task], None] | None) -> None:
        """
        Args:
            post_to_loop: has the host's event loop call a function on the main thread; None in a terminal,
                where nobody turns a loop and :meth:`run_posted` does instead.
        """
        self._post_to_loop = post_to_loop
        self._thread = threading.main_thread()
        self._queue: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._held: deque[Task] = deque()
        self._is_held = False
        self._is_closed = threading.Event()

    @property
    def is_current(self) -> bool:
        return threading.current_thread() is self._thread

    def call(self, function: Callable[[], T]) -> T:
        """Run on the main thread and wait. See :meth:`void_nuke.host.host.Host.on_main_thread`."""
        if self.is_current:
            return function()
        done: Future[T] = Future()

        def task() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(function())
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
                done.set_exception(error)

        self._submit(task)
        while True:
            try:
                return done.result(_PATIENCE_S)
            except TimeoutError:
                if done.done():
                    return done.result()  # ended just now, or with a TimeoutError of its own
                # A task that has begun is waited for: its caller must not run on while it changes the script.
                if self._is_closed.is_set() and done.cancel():
                    raise MainThreadError(
                        "the host is shutting down; what was under way was given up"
                    ) from None

    def post(self, function: Task) -> None:
        """Run on the main thread soon, in order; a failure is logged."""

        def task() -> None:
            try:
                function()
            except Exception:  # noqa: BLE001 - nobody waits for it
                _log.exception("a posted call failed")

        self._submit(task)

    @contextmanager
    def held(self) -> Iterator[None]:
        """On the main thread: what is posted meanwhile runs after this block, even if an event loop turns."""
        was_held, self._is_held = self._is_held, True
        try:
            yield
        finally:
            self._is_held = was_held
            if not was_held and self._held:
                self._wake()

    def run_posted(self, timeout_s: float) -> None:
        """Without an event loop: run what was posted, waiting this long for the first."""
        if self._post_to_loop is not None:
            return
        self._require_current()
        try:
            self._queue.get(timeout=max(timeout_s, 0.0))()
            while True:
                self._queue.get_nowait()()
        except queue.Empty:
            return

    def close(self) -> None:
        """The host shuts down: threads that wait are let go."""
        self._is_closed.set()

    def _require_current(self) -> None:
        if not self.is_current:
            raise MainThreadError("run_posted() belongs to the main thread")

    def _submit(self, task: Task) -> None:
        if self._is_closed.is_set():
            raise MainThreadError("the host is shutting down")
        if self._post_to_loop is None:
            self._queue.put(task)
            return
        self._held.append(task)
        self._wake()

    def _wake(self) -> None:
        assert self._post_to_loop is not None
        self._post_to_loop(self._drain)

    def _drain(self) -> None:
        """One task at a time, so that the host draws and answers between two."""
        if self._is_held:
            return  # held() wakes us again
        try:
            task = self._held.popleft()
        except IndexError:
            return
        task()
        if self._held:
            self._wake()
