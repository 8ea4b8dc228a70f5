"""The broker's periodic tasks, each with its own interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class PeriodicTask:
    """An action that is due at once, and then whenever its interval is over."""

    def __init__(self, interval_s: float, action: Callable[[], None]) -> None:
        self.action = action
        self._interval_s = interval_s
        self._began_at: float | None = None

    def take_if_due(self, now: float) -> bool:
        """Return whether the action is to be done now; if so, the next interval begins.

        ``now`` is in seconds of ``time.monotonic``, a clock that nobody sets. If it is before the last time
        all the same, the action is due, because it must not wait for the clock to catch up.
        """
        if self._began_at is not None and self._began_at <= now < self._began_at + self._interval_s:
            return False
        self._began_at = now
        return True


def run_due(tasks: Sequence[PeriodicTask], now: float, guard: Callable[[Callable[[], None]], None]) -> None:
    """Do what is due, in the order of the tasks. ``guard`` calls each action and decides what its failure
    means. An action that failed is tried again when its next interval is over."""
    for task in tasks:
        if task.take_if_due(now):
            guard(task.action)
