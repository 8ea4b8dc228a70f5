"""The queue: which jobs wait, which may start, and how much each owner has used. It is durable, and belongs
to the broker's thread.

The store keeps every fact (priorities, pauses, the gate, used time).
:class:`~void_server.broker.jobs.schedule.FairSchedule` keeps what is needed to choose quickly, and is filled
from the store at each start.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from void_protocol.messages import JobState, OwnerShare, QueueInfo, QueueMode
from void_server.broker.jobs.schedule import FairSchedule, WaitingJob
from void_server.broker.jobs.store import Store

_FORGOTTEN_S = 0.01
"""Used time that has faded below this many seconds is not kept."""


class JobQueue:
    """The durable queue."""

    def __init__(self, store: Store, half_life_s: float, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._tables = store.queue
        self._now = now
        self._gate = self._tables.gate()
        self._schedule = FairSchedule(half_life_s, dict(self._tables.used_times()))

    def recover(self) -> None:
        """After a start, before anything else changes, count the time of runs that the last process did not
        end, up to their last known frame, and read the waiting jobs."""
        self._tables.count_interrupted_runs(self._now())
        for job_id in self._tables.waiting_ids():
            self.changed(job_id, JobState.QUEUED)

    # What waits and what runs ---------------------------------------------------------------------------

    def added(self, job_id: str, owner: str, priority: int, order: int) -> None:
        """Let a new job wait, at this place among its owner's."""
        self._schedule.put(
            WaitingJob(job_id=job_id, owner=owner, priority=priority, is_begun=False, order=order)
        )

    def changed(self, job_id: str, state: JobState) -> None:
        """Take note that a job's state, priority or pause has changed in the store."""
        if state is JobState.QUEUED:
            self._ended(job_id)
            waiting = self._tables.waiting(job_id)
            if waiting is None:
                self._schedule.remove(job_id)
            else:
                self._schedule.put(waiting)
        elif state is JobState.RUNNING:
            self._schedule.start(job_id, self._tables.owner(job_id), self._now())
        elif state is not JobState.CANCELLING:  # its worker still runs it
            self._schedule.remove(job_id)
            self._ended(job_id)

    def dropped(self, job_id: str) -> None:
        """Stop offering a job that the store does not let start."""
        self._schedule.remove(job_id)

    def _ended(self, job_id: str) -> None:
        ended = self._schedule.stop(job_id, self._now())
        if ended is not None:
            owner, used = ended
            self._tables.set_used_time(owner, used)

    def next(self) -> str | None:
        """Return the job to start now; None when none waits or none may start."""
        return self._schedule.next(self._now()) if self._gate.mode == "open" else None

    def position(self, job_id: str) -> int | None:
        """Return how many jobs will probably start before this one; None when it does not wait for a
        worker."""
        return self._schedule.position(job_id, self._now())

    def shares(self) -> list[OwnerShare]:
        """Return who waits, who runs and what everybody has used lately, the largest share first."""
        used, counts = self._schedule.used_s(self._now()), self._schedule.counts()
        shares = [
            OwnerShare(
                owner=owner,
                queued=counts.get(owner, (0, 0))[0],
                running=counts.get(owner, (0, 0))[1],
                used_s=round(used.get(owner, 0.0), 1),
            )
            for owner in {*counts, *(owner for owner, seconds in used.items() if seconds > _FORGOTTEN_S)}
        ]
        return sorted(shares, key=lambda share: (-share.used_s, share.owner))

    # Priorities, pauses, the gate -----------------------------------------------------------------------

    def set_priority(self, job_id: str, priority: int) -> None:
        self._tables.set_priority(job_id, priority)
        self._again(job_id)

    def hold(self, job_id: str, by: str) -> None:
        """Keep a job from being started. ``by`` is who asked for it, or empty to let the job go."""
        self._tables.set_holder(job_id, by)
        self._again(job_id)

    def holder(self, job_id: str) -> str:
        """Return who holds the job back; empty when nobody does."""
        return self._tables.holder(job_id)

    def _again(self, job_id: str) -> None:
        if self._store.state(job_id) is JobState.QUEUED:
            self.changed(job_id, JobState.QUEUED)

    @property
    def gate(self) -> QueueInfo:
        """Whether jobs may start, and who said so."""
        return self._gate

    def set_gate(self, mode: QueueMode, by: str, reason: str) -> None:
        """Open the queue, pause it, or drain the server."""
        self._gate = QueueInfo(mode=mode, set_by=by, reason=reason, since=self._now())
        self._tables.set_gate(self._gate)

    def forget_unused(self) -> None:
        """Drop owners' used time that has faded."""
        now = self._now()
        for owner, used in list(self._schedule.used.items()):
            if used.now(now, self._schedule.half_life_s) < _FORGOTTEN_S:
                del self._schedule.used[owner]
                self._tables.forget_used_time(owner)
