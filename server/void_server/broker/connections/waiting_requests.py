"""Counts the requests of each peer that wait for a thread, so that no peer keeps all threads busy."""

from __future__ import annotations

from collections import Counter

from void_server.errors import RequestRefused


class WaitingRequests:
    """How many requests of one kind wait, for each peer."""

    def __init__(self, what: str, most: int, setting: str) -> None:
        """Allow ``most`` requests of a peer at a time; ``what`` and ``setting`` name them to people."""
        self._what = what
        self._most = most
        self._setting = setting
        self._waiting: Counter[bytes] = Counter()

    def begin(self, peer: bytes) -> None:
        """Count a request that begins to wait.

        Raises:
            RequestRefused: when as many of this peer wait as may.
        """
        waiting = self._waiting[peer]
        if waiting >= self._most:
            raise RequestRefused(
                "limit",
                f"{waiting} {self._what} wait already, at most {self._most} ({self._setting}); "
                "send one at a time",
            )
        self._waiting[peer] += 1

    def end(self, peer: bytes) -> None:
        """Count a request that was answered; a peer that has none left is forgotten."""
        self._waiting[peer] -= 1
        if not self._waiting[peer]:
            del self._waiting[peer]
