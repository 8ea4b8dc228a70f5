"""Ctrl-C and a dispatcher's SIGTERM as a request to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


def stop_signals() -> list[signal.Signals]:
    """What asks a process to stop here. Windows has CTRL_BREAK, which dispatchers send there."""
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    return [signal.Signals[name] for name in names if hasattr(signal, name)]


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first signal calls ``stop``; the second one is as usual."""

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
