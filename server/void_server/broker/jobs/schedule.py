"""Which job runs next. Plain arithmetic over what waits and what runs; nothing here is stored or sent.

Of the jobs that may run, in this order of weight:

1. a higher priority before a lower one;
2. a job that was begun, and put back before the others, before one that was not: what lies half done is
   finished first;
3. the owner with the fewest jobs running now, so that several devices serve several users;
4. the owner whose jobs have used less worker time lately. Used time fades by half in
   :attr:`~void_server.settings.ServerSettings.fair_share_half_life_s`: a long night is forgiven by and by;
5. the owner whose turn is longest ago;
6. of one owner's jobs, the one that came first.

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
    """Its place among its owner's jobs: lower ones first."""


@dataclass(frozen=True)
class UsedTime:
    """Worker time of one owner, as it stood at a time (seconds since 1970)."""

    seconds: float
    at: float

    def now(self, now: float, half_life_s: float) -> float:
        """What is left of it."""
        return float(self.seconds * 0.5 ** (max(0.0, now - self.at) / half_life_s))


_Class = tuple[int, bool]
"""Jobs of one class compete: (minus the priority, not begun); lower ones run first."""


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
        """Let a job wait, or change how it does."""
        self.remove(job.job_id)
        self._jobs[job.job_id] = job
        owners = self._classes.setdefault(_class_of(job), {})
        bisect.insort(owners.setdefault(job.owner, []), (job.order, job.job_id))

    def remove(self, job_id: str) -> None:
        """Let a job wait no more; one that does not is left alone."""
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
        """A worker has begun a job: it waits no more and uses its owner's share."""
        self.remove(job_id)
        self._turns += 1
        self._last_turn[owner] = self._turns
        self._running.setdefault(job_id, _Running(owner, now))

    def stop(self, job_id: str, now: float) -> tuple[str, UsedTime] | None:
        """A worker has ended with a job: its owner and what they used by now. None when it did not run."""
        run = self._running.pop(job_id, None)
        if run is None:
            return None
        total = UsedTime(self._faded(run.owner, now) + max(0.0, now - run.since), now)
        self.used[run.owner] = total
        return run.owner, total

    def next(self, now: float) -> str | None:
        """The job that should run next; None when none waits."""
        if not self._classes:
            return None
        owners = self._classes[min(self._classes)]
        owner = min(owners, key=lambda each: self._rank(each, now))
        return owners[owner][0][1]

    def position(self, job_id: str, now: float) -> int | None:
        """How many jobs will probably run before this one, if nothing changes and all take as long as each
        other; None for a job that does not wait."""
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
        rank = self._rank(job.owner, now)
        for owner, line in owners.items():
            if owner != job.owner:  # everybody has had as many turns, and those who come first one more
                ahead += min(len(line), index + (self._rank(owner, now) < rank))
        return ahead + index

    def used_s(self, now: float) -> Mapping[str, float]:
        """Each owner's worker time, faded, with that of running jobs."""
        owners = {*self.used, *(run.owner for run in self._running.values())}
        return {owner: self._used_with_running(owner, now) for owner in owners}

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """For each owner, how many jobs wait and how many run."""
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
        # Whole milliseconds: shares that differ by the noise of a clock are the same, and turns decide.
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
