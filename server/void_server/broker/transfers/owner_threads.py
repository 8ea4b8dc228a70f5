"""Threads for work on files that clients name: one for each owner, and a limit for how long it may take.

A path may lie on a drive that hangs, and an owner may ask for more than a disk can read. Either holds up
that owner alone. Work that exceeds the limit cannot be ended, because the system does not let go of a thread
that waits for a drive; but nobody waits for it any longer, and its owner's next requests are refused until it
ends.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from void_server.broker.keyed_threads import KeyedThreads
from void_server.errors import RequestRefused

T = TypeVar("T")
_KEY = ""


def _forget(done: Future[Any]) -> None:
    """Do nothing with the outcome of work that nobody waits for."""


@dataclass
class _Work:
    action: Callable[[], Any]
    then: Callable[[Future[Any]], None]
    late: Callable[[Future[Any]], None]
    is_late: bool = False


@dataclass
class _Lane:
    threads: KeyedThreads
    waiting: deque[_Work] = field(default_factory=deque)
    running: _Work | None = None
    since: float = 0.0

    @property
    def is_late(self) -> bool:
        return self.running is not None and self.running.is_late


class OwnerThreads:
    """A thread for each owner, made when there is work for it. All methods belong to the broker's thread."""

    def __init__(self, make: Callable[[], KeyedThreads], limit_s: float) -> None:
        """Let no work take longer than ``limit_s`` seconds. ``make`` makes a thread."""
        self._make = make
        self._limit_s = limit_s
        self._lanes: dict[str, _Lane] = {}

    def run(
        self,
        owner: str,
        work: Callable[[], T],
        then: Callable[[Future[T]], None],
        late: Callable[[Future[T]], None] = _forget,
    ) -> None:
        """Do ``work`` on the owner's thread after what the owner has asked for before, and call ``then`` with
        its outcome, or with a RequestRefused when it takes too long; in that case call ``late`` with the
        outcome whenever it comes.

        Raises:
            RequestRefused: with code ``storage``, when earlier work of this owner takes too long.
        """
        self.check(owner)
        lane = self._lane(owner)
        lane.waiting.append(_Work(work, then, late))
        self._begin(lane)

    def check(self, owner: str) -> None:
        """Refuse an owner whose earlier work takes too long.

        Raises:
            RequestRefused: with code ``storage``.
        """
        lane = self._lanes.get(owner)
        if lane is not None and lane.is_late:
            raise self._refusal(owner)

    def do(self, owner: str, work: Callable[[], object]) -> None:
        """Do ``work`` on the owner's thread before anything that waits. It has to deal with its own
        errors."""
        self._lane(owner).threads.do(_KEY, work)

    def is_busy(self, owner: str) -> bool:
        """Return whether the owner's thread is at work."""
        lane = self._lanes.get(owner)
        return lane is not None and lane.running is not None

    @property
    def are_busy(self) -> bool:
        """Whether any thread has work that somebody waits for."""
        return any(lane.running is not None and not lane.running.is_late for lane in self._lanes.values())

    def look(self) -> None:
        """Give up work that takes too long, with all that waits behind it. To be called now and then."""
        limit = time.monotonic() - self._limit_s
        for owner, lane in self._lanes.items():
            if lane.running is not None and not lane.running.is_late and lane.since < limit:
                lane.running.is_late = True
                refused = [lane.running, *lane.waiting]
                lane.waiting.clear()
                for work in refused:
                    done: Future[Any] = Future()
                    done.set_exception(self._refusal(owner))
                    work.then(done)

    def _refusal(self, owner: str) -> RequestRefused:
        return RequestRefused(
            "storage",
            f"a file or drive that a request of {owner} names has not answered for {self._limit_s:g} s "
            "(path_wait_s); nothing more is looked at for this owner until it does; "
            "send the files instead of their paths",
        )

    def _lane(self, owner: str) -> _Lane:
        lane = self._lanes.get(owner)
        if lane is None:
            lane = self._lanes[owner] = _Lane(self._make())
        return lane

    def _begin(self, lane: _Lane) -> None:
        if lane.running is None and lane.waiting:
            lane.running, lane.since = lane.waiting.popleft(), time.monotonic()
            lane.threads.run(_KEY, lane.running.action, partial(self._ended, lane, lane.running))

    def _ended(self, lane: _Lane, work: _Work, done: Future[Any]) -> None:
        lane.running = None
        try:
            (work.late if work.is_late else work.then)(done)
        finally:
            self._begin(lane)

    def close(self, limit_s: float = 10.0) -> None:
        """End the threads; what they have not begun is dropped. They are waited for together, at most
        ``limit_s`` seconds."""
        limit = time.monotonic() + limit_s
        for lane in self._lanes.values():
            lane.threads.stop()
        for lane in self._lanes.values():
            lane.threads.close(max(0.0, limit - time.monotonic()))
