"""Room for work: several threads share an amount of memory, so that large frames are worked on one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOKS_EVERY = 0.2
"""Seconds between two looks for a stop while something waits for room."""


class Room:
    """An amount that those who work at the same time share."""

    def __init__(self, most: int) -> None:
        """Have room for ``most``, in any measure."""
        self._most, self._taken = most, 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, amount: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait until there is room for ``amount``, and keep it within the ``with``.

        What is larger than the whole room has it when nobody else is in it. ``check`` is called while it
        waits, and may raise to stop the work.
        """
        with self._changed:
            while self._taken and self._taken + amount > self._most:
                check()
                self._changed.wait(_LOOKS_EVERY)
            self._taken += amount
        try:
            yield
        finally:
            with self._changed:
                self._taken -= amount
                self._changed.notify_all()
