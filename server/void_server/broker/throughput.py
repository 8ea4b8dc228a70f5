"""Measures how much gets done: counts over the last minutes, in constant memory."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable

from void_protocol.messages import Throughput

WINDOW_S = 300.0
_SLICE_S = 5.0


class Meter:
    """Counts named things in slices of :data:`_SLICE_S`, for :data:`WINDOW_S`. Only one thread may use it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._slices: deque[tuple[float, Counter[str]]] = deque()
        self.totals: Counter[str] = Counter()
        """The counts since the start."""

    def add(self, what: str, amount: int = 1) -> None:
        """Count ``amount`` more of ``what``."""
        now = self._now()
        if not self._slices or now >= self._slices[-1][0] + _SLICE_S:
            self._slices.append((now, Counter()))
            self._drop_old(now)
        self._slices[-1][1][what] += amount
        self.totals[what] += amount

    def _drop_old(self, now: float) -> None:
        while self._slices and self._slices[0][0] < now - WINDOW_S:
            self._slices.popleft()

    def throughput(self) -> Throughput:
        """Return the rates over the window, or since the start when that is shorter."""
        now = self._now()
        self._drop_old(now)
        window_s = max(1.0, min(WINDOW_S, now - self._began))
        sums: Counter[str] = Counter()
        for _, counts in self._slices:
            sums.update(counts)
        return Throughput(
            window_s=round(window_s, 1),
            frames_per_minute=round(60 * sums["frames"] / window_s, 2),
            jobs_per_hour=round(3600 * sums["jobs"] / window_s, 2),
            received_bytes_per_s=round(sums["received_bytes"] / window_s, 1),
            sent_bytes_per_s=round(sums["sent_bytes"] / window_s, 1),
        )
