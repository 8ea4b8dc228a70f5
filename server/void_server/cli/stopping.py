"""Turns Ctrl-C and a dispatcher's SIGTERM into a request to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


def stop_signals() -> list[signal.Signals]:
    """Return the signals that ask a process to stop. On Windows dispatchers send CTRL_BREAK."""
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    return [signal.Signals[name] for name in names if hasattr(signal, name)]


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on the first signal; a second one ends the process as usual."""

    def ask(number: int, frame: FrameType | None) -> None:
        stop()
        for watched, before in handlers.items():
            signal.signal(watched, before)

    handlers = {watched: signal.getsignal(watched) for watched in stop_signals()}
    for watched in handlers:
        signal.signal(watched, ask)
    try:
        yield
    finally:
        for watched, before in handlers.items():
            signal.signal(watched, before)
