"""Decides which job runs next, by plain arithmetic over what waits and what runs. Nothing here is stored or
sent.

Jobs that may run are compared by these rules, the first one first:

1. A higher priority comes before a lower one.
2. A job that was begun and put back in the queue comes before others, so that half-done work is finished
   first.
3. The owner with the fewest jobs running now comes first, so that several devices serve several users.
4. The owner whose jobs have used less worker time lately comes first. Used time fades by half in
   :attr:`~void_server.settings.ServerSettings.fair_share_half_life_s`, so a night of much work counts less
   and less.
5. The owner whose last turn is longest ago comes first.
6. Of one owner's jobs, the one that came first runs first.

With one owner that is a plain queue. It is the decayed-usage fair share of batch schedulers (J. Kay and
P. Lauder, "A fair share scheduler", CACM 31(1), 1988), with one level and equal shares.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class WaitingJob:
    """A job that may run as soon as there is a worker."""

    job_id: str
    owner: str
    priority: int
    is_begun: bool
    """Whether it was running and was put back before the others."""
    order: int
    """The job's place among its owner's jobs; lower ones run first."""


@dataclass(frozen=True)
class UsedTime:
    """Worker time of one owner, as it was at one time (seconds since 1970)."""

    seconds: float
    at: float

    def now(self, now: float, half_life_s: float) -> float:
        """Return what is left of the used time at ``now``."""
        return float(self.seconds * 0.5 ** (max(0.0, now - self.at) / half_life_s))


_Class = tuple[int, bool]
"""Jobs of one class compete. A class is (minus the priority, not begun); the lower one runs first."""


@dataclass
class _Running:
    owner: str
    since: float


@dataclass
class FairSchedule:
    """Keeps what waits and what runs, and says what is next. Times are seconds since 1970."""

    half_life_s: float
    used: dict[str, UsedTime] = field(default_factory=dict)
    _jobs: dict[str, WaitingJob] = field(default_factory=dict)
    _classes: dict[_Class, dict[str, list[tuple[int, str]]]] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)
    _last_turn: dict[str, int] = field(default_factory=dict)
    _turns: int = 0

    def put(self, job: WaitingJob) -> None:
        """Let a job wait, or change its priority or place."""
        self.remove(job.job_id)
        self._jobs[job.job_id] = job
        owners = self._classes.setdefault(_class_of(job), {})
        bisect.insort(owners.setdefault(job.owner, []), (job.order, job.job_id))

    def remove(self, job_id: str) -> None:
        """Remove a job from those that wait; one that does not wait is left alone."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        owners = self._classes[_class_of(job)]
        line = owners[job.owner]
        del line[bisect.bisect_left(line, (job.order, job_id))]
        if not line:
            del owners[job.owner]
        if not owners:
            del self._classes[_class_of(job)]

    def start(self, job_id: str, owner: str, now: float) -> None:
        """Note that a worker has begun a job, which now uses its owner's share."""
        self.remove(job_id)
        self._turns += 1
        self._last_turn[owner] = self._turns
        self._running.setdefault(job_id, _Running(owner, now))

    def stop(self, job_id: str, now: float) -> tuple[str, UsedTime] | None:
        """Note that a worker has ended with a job. Return its owner and what they have used, or None if it
        did not run."""
        run = self._running.pop(job_id, None)
        if run is None:
            return None
        total = UsedTime(self._faded(run.owner, now) + max(0.0, now - run.since), now)
        self.used[run.owner] = total
        return run.owner, total

    def next(self, now: float) -> str | None:
        """Return the job that should run next; None when none waits."""
        if not self._classes:
            return None
        owners = self._classes[min(self._classes)]
        owner = min(owners, key=lambda each: self._rank(each, now))
        return owners[owner][0][1]

    def position(self, job_id: str, now: float) -> int | None:
        """Return how many jobs will probably run before this one, if nothing changes and all take equally
        long; None for a job that does not wait."""
        job = self._jobs.get(job_id)
        if job is None:
            return None
        own_class = _class_of(job)
        ahead = sum(
            len(line)
            for each, owners in self._classes.items()
            if each < own_class
            for line in owners.values()
        )
        owners = self._classes[own_class]
        index = bisect.bisect_left(owners[job.owner], (job.order, job_id))
        if len(owners) > 1:
            rank = self._rank(job.owner, now)
            for owner, line in owners.items():
                if owner != job.owner:  # others have as many turns, those who come first one more
                    ahead += min(len(line), index + (self._rank(owner, now) < rank))
        return ahead + index

    def used_s(self, now: float) -> Mapping[str, float]:
        """Return each owner's worker time, faded, with that of running jobs."""
        owners = {*self.used, *(run.owner for run in self._running.values())}
        return {owner: self._used_with_running(owner, now) for owner in owners}

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return for each owner how many jobs wait and how many run."""
        found: dict[str, tuple[int, int]] = {}
        for job in self._jobs.values():
            waiting, running = found.get(job.owner, (0, 0))
            found[job.owner] = (waiting + 1, running)
        for run in self._running.values():
            waiting, running = found.get(run.owner, (0, 0))
            found[run.owner] = (waiting, running + 1)
        return found

    def _rank(self, owner: str, now: float) -> tuple[int, float, int, str]:
        running = sum(run.owner == owner for run in self._running.values())
        # Whole milliseconds count: shares that differ by a clock's noise are the same, and turns decide.
        used = round(self._used_with_running(owner, now), 3)
        return running, used, self._last_turn.get(owner, 0), owner

    def _used_with_running(self, owner: str, now: float) -> float:
        running = sum(max(0.0, now - run.since) for run in self._running.values() if run.owner == owner)
        return self._faded(owner, now) + running

    def _faded(self, owner: str, now: float) -> float:
        used = self.used.get(owner)
        return 0.0 if used is None else used.now(now, self.half_life_s)


def _class_of(job: WaitingJob) -> _Class:
    return -job.priority, not job.is_begun
