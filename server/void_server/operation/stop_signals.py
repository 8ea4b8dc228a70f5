"""Ends a server on SIGINT or SIGTERM: the first asks it to stop in good order, the second ends it in any
case."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE = 75
"""The exit code of a server that did not end by itself after the second signal (EX_TEMPFAIL)."""


class StopSignals:
    """A context in which signals stop the server.

    Python runs a handler only when the main thread comes back to it. A drive that hangs can hold that thread
    for ever, so the second signal is heard on a thread of its own, which ends the process when nothing else
    does. Nothing is lost by that: what the server has promised is on its disk, and its workers leave when it
    is gone.
    """

    def __init__(self, ask: Callable[[], None], limit_s: float) -> None:
        """Prepare to listen.

        Args:
            ask: called on the main thread with each signal.
            limit_s: how many seconds the server has after the second signal before the process is ended.
        """
        self._ask = ask
        self._limit_s = limit_s
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopSignals:
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._listen, name="void-signals", daemon=True).start()
        self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup_before)
        self._sender.close()  # which ends the thread, unless the process is about to be ended

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._ask()

    def _listen(self) -> None:
        count = 0
        with self._receiver:
            while count < 2:
                heard = self._receiver.recv(16)
                if not heard:
                    return
                count += sum(number in _SIGNALS for number in heard)
            self._receiver.settimeout(self._limit_s)
            limit = time.monotonic() + self._limit_s
            try:
                while time.monotonic() < limit:
                    if not self._receiver.recv(16):
                        return  # the server has ended by itself
            except TimeoutError:
                pass
        _log.critical("the server does not come to its end within %g s and is ended", self._limit_s)
        os._exit(EXIT_CODE)
