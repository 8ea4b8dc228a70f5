"""Limits how much each client, and all together, may have in the server: open jobs, and bytes in its spool.

The sums are kept in memory, so that checking a submission takes the same time however many jobs there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from void_server.errors import RequestRefused
from void_server.settings import ResourceLimits

_RESULTS_S = 10.0
"""How long, in seconds, the sum of all results is taken for true."""


@dataclass(frozen=True)
class Holding:
    """What one open job takes."""

    owner: str
    upload_bytes: int
    """Bytes of its announced inputs; 0 when they go by path."""


class Quotas:
    """Counts open jobs. All methods belong to the broker's thread."""

    def __init__(self, limits: ResourceLimits, result_bytes: Callable[[], int]) -> None:
        """Prepare to count; ``result_bytes`` adds up the results in the spool."""
        self._limits = limits
        self._result_bytes = result_bytes
        self._open: dict[str, Holding] = {}
        self._by_owner: dict[str, tuple[int, int]] = {}
        """For each owner, the number of open jobs and the bytes of their inputs."""
        self._results = 0
        self._results_at: float | None = None

    def check(self, holding: Holding) -> None:
        """Refuse a job that would be too much.

        Raises:
            RequestRefused: with code ``limit``; the message names the setting.
        """
        limits, owner = self._limits, holding.owner
        if len(self._open) >= limits.most_open_jobs:
            raise RequestRefused(
                "limit",
                f"{limits.most_open_jobs} jobs are open already (most_open_jobs); try again when some ended",
            )
        own_jobs, own_bytes = self._by_owner.get(owner, (0, 0))
        if own_jobs >= limits.client_open_jobs:
            raise RequestRefused(
                "limit",
                f"{owner} has {own_jobs} open jobs; at most {limits.client_open_jobs} (client_open_jobs): "
                "submit again when some ended",
            )
        if not holding.upload_bytes:
            return
        _refuse_beyond(
            f"the inputs of {owner}'s open jobs",
            own_bytes + holding.upload_bytes,
            limits.client_upload_bytes,
            "client_upload_bytes",
        )
        _refuse_beyond(
            "the files that the server holds for its clients",
            sum(size for _, size in self._by_owner.values()) + holding.upload_bytes + self._spooled(),
            limits.spool_bytes,
            "spool_bytes",
        )

    def enter(self, job_id: str, holding: Holding) -> None:
        """Count a job as open."""
        self.leave(job_id)
        self._open[job_id] = holding
        self._count(holding, 1)

    def leave(self, job_id: str) -> None:
        """Count a job as open no longer, because it is final."""
        holding = self._open.pop(job_id, None)
        if holding is not None:
            self._count(holding, -1)

    def _count(self, holding: Holding, sign: int) -> None:
        jobs, size = self._by_owner.get(holding.owner, (0, 0))
        if jobs + sign:
            self._by_owner[holding.owner] = (jobs + sign, size + sign * holding.upload_bytes)
        else:
            del self._by_owner[holding.owner]

    def _spooled(self) -> int:
        now = time.monotonic()
        if self._results_at is None or now - self._results_at > _RESULTS_S:
            self._results, self._results_at = self._result_bytes(), now
        return self._results


def _refuse_beyond(what: str, size: int, most: int, setting: str) -> None:
    if size > most:
        raise RequestRefused(
            "limit",
            f"{what} would have {size} bytes; at most {most} ({setting}): submit again when jobs "
            "have ended and results were fetched",
        )
