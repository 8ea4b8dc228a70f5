"""Runs work on the host's main thread for the other threads.

The host's own call that waits for the main thread prints and swallows exceptions, and dead-locks on the main
thread itself, so only its call that *posts* is used here. Posted work never runs inside a render: a render
turns the event loop to draw its progress bar, and work on the script would then find it half changed.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, TimeoutError  # noqa: A004 - not the built-in one before Python 3.11
from contextlib import contextmanager
from typing import TypeVar

from void_nuke.errors import MainThreadError

T = TypeVar("T")
Task = Callable[[], None]
_log = logging.getLogger(__name__)
_PATIENCE_S = 0.2
"""How often, in seconds, a waiting thread checks whether the host is shutting down."""


class MainThread:
    """The way to the main thread. It must be made on the main thread."""

    def __init__(self, post_to_loop: Callable[[Task], None] | None) -> None:
        """Prepare for work from other threads.

        Args:
            post_to_loop: has the host's event loop call a function on the main thread. It is None in a
                terminal, where no event loop turns; :meth:`run_posted` then takes its place.
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
        """Run a function on the main thread and wait. See :meth:`void_nuke.host.host.Host.on_main_thread`."""
        if self.is_current:
            return function()
        done: Future[T] = Future()

        def task() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(function())
            except BaseException as error:  # noqa: BLE001 - the waiting thread gets it
                done.set_exception(error)

        self._submit(task)
        while True:
            try:
                return done.result(_PATIENCE_S)
            except TimeoutError:
                if done.done():
                    return done.result()  # the task ended just now, or raised TimeoutError itself
                # A task that has begun is waited for: its caller must not run on while it changes the script.
                if self._is_closed.is_set() and done.cancel():
                    raise MainThreadError(
                        "the host is shutting down; what was under way was given up"
                    ) from None

    def post(self, function: Task) -> None:
        """Run a function on the main thread soon, in the order of posting; a failure is logged."""

        def task() -> None:
            try:
                function()
            except Exception:  # noqa: BLE001 - no thread waits for this task
                _log.exception("a posted call failed")

        self._submit(task)

    @contextmanager
    def held(self) -> Iterator[None]:
        """On the main thread, hold back what is posted until this block ends, even if an event loop turns in
        it."""
        was_held, self._is_held = self._is_held, True
        try:
            yield
        finally:
            self._is_held = was_held
            if not was_held and self._held:
                self._wake()

    def run_posted(self, timeout_s: float) -> None:
        """Without an event loop, run what was posted, waiting this long for the first."""
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
        """Release the threads that wait, because the host is shutting down."""
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
        """Run one task at a time, so that the host draws and answers between two."""
        if self._is_held:
            return  # held() wakes this again at its end
        try:
            task = self._held.popleft()
        except IndexError:
            return
        task()
        if self._held:
            self._wake()
