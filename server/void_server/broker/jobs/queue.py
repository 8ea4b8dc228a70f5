"""The queue: what waits, what may start, who has had how much. Durable; the broker's thread only.

The store keeps every fact (priorities, pauses, the gate, used time);
:class:`~void_server.broker.jobs.schedule.FairSchedule` keeps what is needed to choose quickly, and is filled
from it at each start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from void_protocol.messages import JobState, OwnerShare, QueueInfo, QueueMode
from void_server.broker.jobs.schedule import FairSchedule, UsedTime, WaitingJob
from void_server.broker.jobs.store import Store

_FORGOTTEN_S = 0.01
"""Used time that has faded below this is not kept."""


class JobQueue:
    def __init__(self, store: Store, half_life_s: float, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._gate = _read_gate(store)
        used = store.read("SELECT owner, seconds, at FROM usage")
        self._schedule = FairSchedule(
            half_life_s, {row["owner"]: UsedTime(row["seconds"], row["at"]) for row in used}
        )

    def recover(self) -> None:
        """After a start, before anything else changes: count the time of runs that the last process did not
        end, up to the last frame that is known of them, and take up what waits."""
        self._store.write(
            "UPDATE jobs SET state_since=?, run_s = run_s + coalesce((SELECT max(0, "
            " json_extract(CAST(body AS TEXT), '$.time') - jobs.state_since) FROM events"
            " WHERE events.job_id=jobs.job_id ORDER BY sequence DESC LIMIT 1), 0)"
            " WHERE state IN ('running', 'cancelling')",
            self._now(),
        )
        for row in self._store.read("SELECT job_id FROM jobs WHERE state='queued'"):
            self.changed(row["job_id"], JobState.QUEUED)

    # What waits and what runs ---------------------------------------------------------------------------

    def added(self, job_id: str, owner: str, priority: int, order: int) -> None:
        """A new job waits, at this place among its owner's."""
        self._schedule.put(
            WaitingJob(job_id=job_id, owner=owner, priority=priority, is_begun=False, order=order)
        )

    def changed(self, job_id: str, state: JobState) -> None:
        """A job's state, priority or pause has changed, in the store."""
        if state is JobState.QUEUED:
            self._ended(job_id)
            waiting = self._waiting(job_id)
            if waiting is None:
                self._schedule.remove(job_id)
            else:
                self._schedule.put(waiting)
        elif state is JobState.RUNNING:
            owner = self._store.read("SELECT owner FROM jobs WHERE job_id=?", job_id)[0]["owner"]
            self._schedule.start(job_id, owner, self._now())
        elif state is not JobState.CANCELLING:  # whose worker is still at it
            self._schedule.remove(job_id)
            self._ended(job_id)

    def _ended(self, job_id: str) -> None:
        ended = self._schedule.stop(job_id, self._now())
        if ended is not None:
            owner, used = ended
            self._store.write("INSERT OR REPLACE INTO usage VALUES (?,?,?)", owner, used.seconds, used.at)

    def _waiting(self, job_id: str) -> WaitingJob | None:
        rows = self._store.read(
            "SELECT owner, priority, queue_order FROM jobs WHERE job_id=? AND state='queued' AND held_by=''",
            job_id,
        )
        if not rows:
            return None
        row = rows[0]
        return WaitingJob(
            job_id=job_id,
            owner=row["owner"],
            priority=row["priority"],
            is_begun=row["queue_order"] < 0,  # it was put before the others
            order=row["queue_order"],
        )

    def next(self) -> str | None:
        """The job to start now; None when none waits or none may start."""
        return self._schedule.next(self._now()) if self._gate.mode == "open" else None

    def position(self, job_id: str) -> int | None:
        """How many jobs will probably start before this one; None when it does not wait for a worker."""
        return self._schedule.position(job_id, self._now())

    def shares(self) -> list[OwnerShare]:
        """Who waits, who runs, and what everybody has used lately; the largest share first."""
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
        self._store.write("UPDATE jobs SET priority=? WHERE job_id=?", priority, job_id)
        self._again(job_id)

    def hold(self, job_id: str, by: str) -> None:
        """Keep a job from being started; ``by`` is who asked for it, or empty to let it go."""
        self._store.write("UPDATE jobs SET held_by=? WHERE job_id=?", by, job_id)
        self._again(job_id)

    def holder(self, job_id: str) -> str:
        """Who holds the job back; empty when nobody does."""
        rows = self._store.read("SELECT held_by FROM jobs WHERE job_id=?", job_id)
        return str(rows[0]["held_by"]) if rows else ""

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
        self._store.write(
            "INSERT OR REPLACE INTO queue_gate VALUES (1,?,?,?,?)", mode, by, reason, self._gate.since
        )

    def forget_unused(self) -> None:
        """Drop what has faded of owners' used time."""
        now = self._now()
        for owner, used in list(self._schedule.used.items()):
            if used.now(now, self._schedule.half_life_s) < _FORGOTTEN_S:
                del self._schedule.used[owner]
                self._store.write("DELETE FROM usage WHERE owner=?", owner)


def _read_gate(store: Store) -> QueueInfo:
    rows = store.read("SELECT mode, set_by, reason, since FROM queue_gate")
    if not rows:
        return QueueInfo()
    row = rows[0]
    return QueueInfo(
        mode=cast(QueueMode, row["mode"]), set_by=row["set_by"], reason=row["reason"], since=row["since"]
    )
