"""File handles that are kept for what must work when all others are taken: seeing who was revoked, and
stopping in good order."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
_HANDLES = 16


class HandleReserve:
    """Holds some handles, and lets go of them for a moment. It belongs to one thread."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._is_given_up = False
        self._take()

    def run(self, action: Callable[[], T]) -> T:
        """Do something that opens files; when that fails, once more with the reserve.

        Raises:
            OSError: when it fails with the reserve too.
        """
        try:
            return action()
        except OSError:
            self._let_go()
            try:
                return action()
            finally:
                if not self._is_given_up:
                    self._take()

    def give_up(self) -> None:
        """Let go of the reserve for good, because the process ends."""
        self._is_given_up = True
        self._let_go()

    def _take(self) -> None:
        with suppress(OSError):
            while len(self._held) < _HANDLES:
                self._held.append(os.open(os.devnull, os.O_RDONLY))

    def _let_go(self) -> None:
        while self._held:
            os.close(self._held.pop())
