"""Limits how much each client, and all together, may have in the server: open jobs, and bytes in its spool,
which are the inputs of open jobs and the results that nobody has released.

The sums are kept in memory, so that checking takes the same time however many jobs there are.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from void_server.broker.jobs.store import Holding
from void_server.errors import RequestRefused
from void_server.settings import ResourceLimits


@dataclass
class _Sum:
    """What several jobs take."""

    open_jobs: int = 0
    size: int = 0


class Quotas:
    """Counts what jobs take. All methods belong to the broker's thread."""

    def __init__(self, limits: ResourceLimits) -> None:
        self._limits = limits
        self._held: dict[str, tuple[Holding, bool]] = {}
        """What each job takes, and whether it is open."""
        self._by_owner: dict[str, _Sum] = {}
        self._all = _Sum()

    def check(self, holding: Holding) -> None:
        """Refuse a job that would be too much.

        Raises:
            RequestRefused: with code ``limit``; the message names the setting.
        """
        limits, owner = self._limits, holding.owner
        if self._all.open_jobs >= limits.most_open_jobs:
            raise RequestRefused(
                "limit",
                f"{limits.most_open_jobs} jobs are open already (most_open_jobs); try again when some ended",
            )
        own = self._by_owner.get(owner, _Sum())
        if own.open_jobs >= limits.client_open_jobs:
            raise RequestRefused(
                "limit",
                f"{owner} has {own.open_jobs} open jobs; at most {limits.client_open_jobs} "
                "(client_open_jobs): submit again when some ended",
            )
        if holding.upload_bytes:
            problem = self._problem(owner, holding.upload_bytes)
            if problem:
                raise RequestRefused("limit", f"{problem}: submit again when there is room")

    def _problem(self, owner: str, more: int) -> str:
        """Say which limit ``more`` bytes of an owner would exceed; empty for none."""
        limits, own = self._limits, self._by_owner.get(owner, _Sum())
        for whose, size, most, setting in (
            (f"the files of {owner}", own.size, limits.client_spool_bytes, "client_spool_bytes"),
            ("the files of all clients", self._all.size, limits.spool_bytes, "spool_bytes"),
        ):
            if size + more > most:
                return (
                    f"{whose} in the server (inputs of open jobs, and results that were not released) would "
                    f"have {size + more} bytes, at most {most} ({setting})"
                )
        return ""

    def room_bytes(self, owner: str) -> int:
        """Return how many more bytes an owner may have in the spool; 0 when there is no room."""
        limits, own = self._limits, self._by_owner.get(owner, _Sum())
        return max(0, min(limits.client_spool_bytes - own.size, limits.spool_bytes - self._all.size))

    def others_may_make_room(self, job_id: str, waiting: Container[str]) -> bool:
        """Return whether another job takes room that this one lacks and that may come back: one whose results
        may be released, or an open one. Those in ``waiting`` wait for room themselves."""
        holding, _ = self._held[job_id]
        limits, own = self._limits, self._by_owner[holding.owner]
        is_own_limit = limits.client_spool_bytes - own.size <= limits.spool_bytes - self._all.size
        return any(
            other_id != job_id
            and other_id not in waiting
            and other.upload_bytes + other.result_bytes > 0
            and (other.owner == holding.owner or not is_own_limit)
            for other_id, (other, _) in self._held.items()
        )

    def enter(self, job_id: str, holding: Holding, *, is_open: bool = True) -> None:
        """Count a job."""
        before = self._held.pop(job_id, None)
        if before is not None:
            self._count(*before, -1)
        if is_open or holding.result_bytes:
            self._held[job_id] = holding, is_open
            self._count(holding, is_open, 1)

    def leave(self, job_id: str) -> None:
        """Count a job as open no longer, because it is final. Its results stay until they are released."""
        known = self._held.get(job_id)
        if known is not None:
            self.enter(job_id, known[0]._replace(upload_bytes=0), is_open=False)

    def add_result(self, job_id: str, size: int) -> None:
        """Count ``size`` more bytes of a job's results in the spool."""
        known = self._held.get(job_id)
        if known is not None:
            holding, is_open = known
            self.enter(job_id, holding._replace(result_bytes=holding.result_bytes + size), is_open=is_open)

    def released(self, job_id: str) -> None:
        """Count the results of a job no longer, because they are released."""
        known = self._held.get(job_id)
        if known is not None:
            self.enter(job_id, known[0]._replace(result_bytes=0), is_open=known[1])

    def _count(self, holding: Holding, is_open: bool, sign: int) -> None:
        own = self._by_owner.setdefault(holding.owner, _Sum())
        for each in (own, self._all):
            each.open_jobs += sign * is_open
            each.size += sign * (holding.upload_bytes + holding.result_bytes)
        if own == _Sum():
            del self._by_owner[holding.owner]
