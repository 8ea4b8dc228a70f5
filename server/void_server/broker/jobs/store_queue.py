"""What the job store keeps for the queue: places, priorities, pauses, the gate, and owners' used time.

:class:`~void_server.broker.jobs.queue.JobQueue` decides with this which job runs next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from void_protocol.messages import QueueInfo, QueueMode
from void_server.broker.jobs.schedule import UsedTime, WaitingJob
from void_server.broker.jobs.store_database import Database


class QueueTables:
    """Reads and writes the tables of the queue. All methods belong to the broker's thread. Those that write
    raise StoreError when the disk fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last_place: int | None = None
        """The last place that was given, so that the jobs of a busy server cost no query each; None until one
        is asked for."""

    # Places ---------------------------------------------------------------------------------------------

    def place(self, job_id: str, *, first: bool) -> int:
        """Return a place in the queue for a job that becomes queued: with ``first`` below 0 and before all
        others, otherwise the place that it has already, or the last one."""
        if first:
            return min(self._extreme_place("min"), 0) - 1
        known = self._database.read(
            "SELECT queue_order FROM jobs WHERE job_id=? AND queue_order IS NOT NULL", job_id
        )
        return int(known[0]["queue_order"]) if known else self.last_place()

    def last_place(self) -> int:
        """Return the place after all jobs that wait, above 0. Each call gives another place."""
        if self._last_place is None:
            self._last_place = max(self._extreme_place("max"), 0)
        self._last_place += 1
        return self._last_place

    def _extreme_place(self, which: str) -> int:
        rows = self._database.read(f"SELECT {which}(queue_order) FROM jobs WHERE state='queued'")  # noqa: S608
        return int(rows[0][0] or 0)

    # What waits -----------------------------------------------------------------------------------------

    def waiting_ids(self) -> list[str]:
        """Return the jobs that are queued, whether or not somebody holds them back, in no order."""
        return [
            str(row["job_id"]) for row in self._database.read("SELECT job_id FROM jobs WHERE state='queued'")
        ]

    def waiting(self, job_id: str) -> WaitingJob | None:
        """Return the job as it waits, or None for one that is not queued or is held back."""
        rows = self._database.read(
            "SELECT owner, priority, queue_order FROM jobs WHERE job_id=? AND state='queued' AND held_by=''",
            job_id,
        )
        if not rows:
            return None
        return WaitingJob(
            job_id=job_id,
            owner=rows[0]["owner"],
            priority=rows[0]["priority"],
            is_begun=rows[0]["queue_order"] < 0,  # such a job was put before the others
            order=rows[0]["queue_order"],
        )

    def owner(self, job_id: str) -> str:
        """Return the owner of a job, which must exist."""
        return str(self._database.read("SELECT owner FROM jobs WHERE job_id=?", job_id)[0]["owner"])

    def count_interrupted_runs(self, now: float) -> None:
        """Add to each job that the last process left running the time up to its last known frame. Its present
        state counts from ``now`` (seconds since 1970)."""
        self._database.write(
            "UPDATE jobs SET state_since=?, run_s = run_s + coalesce((SELECT max(0, "
            " json_extract(CAST(body AS TEXT), '$.time') - jobs.state_since) FROM events"
            " WHERE events.job_id=jobs.job_id ORDER BY sequence DESC LIMIT 1), 0)"
            " WHERE state IN ('running', 'cancelling')",
            now,
        )

    # Priorities and pauses ------------------------------------------------------------------------------

    def set_priority(self, job_id: str, priority: int) -> None:
        """Give a job another priority."""
        self._database.write("UPDATE jobs SET priority=? WHERE job_id=?", priority, job_id)

    def set_holder(self, job_id: str, by: str) -> None:
        """Note who holds a job back; an empty name lets it go."""
        self._database.write("UPDATE jobs SET held_by=? WHERE job_id=?", by, job_id)

    def holder(self, job_id: str) -> str:
        """Return who holds the job back; empty when nobody does, or when there is no such job."""
        rows = self._database.read("SELECT held_by FROM jobs WHERE job_id=?", job_id)
        return str(rows[0]["held_by"]) if rows else ""

    # Used time ------------------------------------------------------------------------------------------

    def used_times(self) -> Mapping[str, UsedTime]:
        """Return the worker time that each owner has used, as it was last written."""
        rows = self._database.read("SELECT owner, seconds, at FROM usage")
        return {row["owner"]: UsedTime(row["seconds"], row["at"]) for row in rows}

    def set_used_time(self, owner: str, used: UsedTime) -> None:
        """Write an owner's used time."""
        self._database.write("INSERT OR REPLACE INTO usage VALUES (?,?,?)", owner, used.seconds, used.at)

    def forget_used_time(self, owner: str) -> None:
        """Drop an owner's used time."""
        self._database.write("DELETE FROM usage WHERE owner=?", owner)

    # The gate -------------------------------------------------------------------------------------------

    def gate(self) -> QueueInfo:
        """Return whether jobs may start, and who said so. The gate of a new store is open."""
        rows = self._database.read("SELECT mode, set_by, reason, since FROM queue_gate")
        if not rows:
            return QueueInfo()
        row = rows[0]
        return QueueInfo(
            mode=cast(QueueMode, row["mode"]), set_by=row["set_by"], reason=row["reason"], since=row["since"]
        )

    def set_gate(self, gate: QueueInfo) -> None:
        """Write the gate as it is now."""
        self._database.write(
            "INSERT OR REPLACE INTO queue_gate VALUES (1,?,?,?,?)",
            gate.mode, gate.set_by, gate.reason, gate.since,
        )  # fmt: skip
