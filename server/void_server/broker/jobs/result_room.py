"""Keeps jobs from filling the spool with results: those that find no room wait until there is some.

A worker is told how much room there is and writes no frame beyond it. What other workers write for the same
client meanwhile is noticed here, one frame later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from void_protocol.messages import JobInfo, JobState
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.quotas import Quotas
from void_server.broker.jobs.store import Store

_HOLDER = "the server"
"""Who holds back a job for whose results there is no room."""
_LIMITS = "client_spool_bytes, spool_bytes"


class _Change(Protocol):
    def __call__(self, job_id: str, state: JobState, message: str = ..., *, first: bool = ...) -> bool: ...


class ResultRoom:
    """Decides which jobs wait for room. All methods belong to the broker's thread."""

    def __init__(
        self,
        quotas: Quotas,
        queue: JobQueue,
        store: Store,
        info: Callable[[str], JobInfo],
        change: _Change,
        stop: Callable[[str], object],
    ) -> None:
        """Prepare to watch; ``info`` tells of a job, ``change`` gives it a state, ``stop`` stops its run."""
        self._quotas = quotas
        self._queue = queue
        self._store = store
        self._info = info
        self._change = change
        self._stop = stop
        self._lacking: dict[str, int] = {}
        """The jobs for whose results there is no room, those that stop and those that are held back, with the
        room in bytes that was too little."""

    def recover(self, job_id: str) -> None:
        """After a start, take note of an open job that may have been held back."""
        if self._queue.holder(job_id) == _HOLDER:
            self._lacking[job_id] = 0

    def forget(self, job_id: str) -> None:
        """Take note that a job is final."""
        self._lacking.pop(job_id, None)

    def for_run(self, info: JobInfo) -> int | None:
        """Return how many bytes of results a run of this job may write; None for any number."""
        return self._quotas.room_bytes(info.owner) if info.outputs == "streamed" else None

    def taken(self, job_id: str, more_bytes: int) -> None:
        """Take note that the results of a job have grown."""
        info = self._info(job_id)
        if info.outputs != "streamed":
            return
        self._quotas.add_result(job_id, more_bytes)
        if not self._quotas.room_bytes(info.owner) and info.frames_done < info.frames_total:
            self._lacking[job_id] = 0
            self._stop(job_id)

    def is_lacking(self, job_id: str) -> bool:
        """Return whether the job was stopped because there is no room."""
        return job_id in self._lacking

    def wait(self, job_id: str) -> None:
        """Let a job that has stopped wait until somebody makes room; end it when nobody can."""
        if not self._quotas.others_may_make_room(job_id, self._lacking):
            why = (
                f"the server has no room for all of its results ({_LIMITS}); have it write to a folder that "
            )
            why += "the server sees, submit fewer frames at a time, or choose a compression"
            self._change(job_id, JobState.FAILED, why)
            return
        self._lacking.setdefault(job_id, self._quotas.room_bytes(self._info(job_id).owner))
        self._store.uncount_attempt(job_id)
        self._queue.hold(job_id, _HOLDER)
        why = f"there is no room for its results ({_LIMITS}); fetch and release those of other jobs"
        self._change(job_id, JobState.QUEUED, f"{why}, then it goes on by itself")
        self.made()  # which may have happened while the job was stopping

    def released(self, job_id: str) -> None:
        """Count the results of a job no longer, because they are released or deleted."""
        self._quotas.released(job_id)
        self.made()

    def made(self) -> None:
        """Let the jobs go on that wait for room, where there is more than they had found."""
        for job_id, too_little in list(self._lacking.items()):
            info = self._info(job_id)
            if info.state is JobState.QUEUED and self._quotas.room_bytes(info.owner) > too_little:
                del self._lacking[job_id]
                if self._queue.holder(job_id) == _HOLDER:
                    self._queue.hold(job_id, "")
                    self._change(job_id, JobState.QUEUED, "there is room for its results again")
