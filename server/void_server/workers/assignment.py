"""A job that was given to a worker, and whether it still makes progress."""

from __future__ import annotations

from typing import Literal

_DUMP_S = 0.5
"""How many seconds a worker has to write down where it hangs before it is killed."""


class Assignment:
    """One job at one worker process, from the order to its end. Times are seconds of the monotonic clock."""

    def __init__(self, job_id: str, now: float, log_offset: int) -> None:
        self.job_id = job_id
        self.since = now
        self.log_offset = log_offset
        """Where in the worker's output file this job's output begins, in bytes."""
        self.stage = ""
        """The stage that the job is in; empty before its first one."""
        self._last_sign = now
        self._asked_where_at: float | None = None
        self._stop_asked_at: float | None = None

    def gave_sign(self, at: float, stage: str | None = None) -> None:
        """Note a sign of life of the job and, with ``stage``, the stage that it is in."""
        self._last_sign = at
        if stage is not None:
            self.stage = stage

    def ask_stop(self, now: float) -> bool:
        """Note that the job is to stop; False when that was asked before."""
        if self._stop_asked_at is not None:
            return False
        self._stop_asked_at = now
        return True

    def ignores_stop(self, now: float, grace_s: float) -> bool:
        """Return whether the job was asked to stop more than ``grace_s`` seconds ago."""
        return self._stop_asked_at is not None and now > self._stop_asked_at + grace_s

    def silence(self, now: float, limit_s: float) -> Literal["none", "ask", "wait", "over"]:
        """Say what to do about a job that has been silent.

        Within ``limit_s`` seconds of its last sign there is nothing to do (``none``). Once it is silent for
        longer, the worker is to be asked where it hangs (``ask``, one time), gets a moment to write that down
        (``wait``), and then it is to be killed (``over``).
        """
        if now <= self._last_sign + limit_s:
            self._asked_where_at = None
            return "none"
        if self._asked_where_at is None:
            self._asked_where_at = now
            return "ask"
        return "over" if now > self._asked_where_at + _DUMP_S else "wait"
