"""Keeps the removals of the open script: the state of each for the artist, and the record in the script.

The exporting thread, the client's threads and the main thread write here. The listener is called on the main
thread, once for all changes that have come meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from void_nuke.errors import MainThreadError
from void_nuke.host.host import Host
from void_nuke.jobs.script_notes import JobRecord, decode_notes, encode_notes
from void_nuke.jobs.tracked_job import Phase, TrackedJob, tracked_from

OnChange = Callable[[TrackedJob], None]
_GIVEN_UP = (Phase.FAILED.value, Phase.CANCELLED.value)


class JobBook:
    """The removals of the open script. Any thread may call the methods unless they say otherwise."""

    def __init__(self, host: Host, on_change: OnChange | None) -> None:
        self._host = host
        self._on_change = on_change
        self._lock = threading.Lock()
        self._jobs: dict[str, TrackedJob] = {}
        self._changed: set[str] = set()
        self._is_closed = False
        self.script = 0
        """Counts the scripts that were opened and closed, so that what was meant for one never reaches the
        next."""

    @property
    def jobs(self) -> Sequence[TrackedJob]:
        """Return all removals, newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: job.created_at, reverse=True)

    def job(self, job_id: str) -> TrackedJob:
        """Return one removal.

        Raises:
            KeyError: when the script knows no such job.
        """
        with self._lock:
            return self._jobs[job_id]

    def record(self, job_id: str) -> JobRecord | None:
        """Return a job's record; None for a job of another script, or one that is still being exported."""
        with self._lock:
            job = self._jobs.get(job_id)
            return job.record if job is not None and job.is_kept else None

    def taken_patterns(self) -> list[str]:
        """Return the result patterns of all known jobs, whether they have files yet or not."""
        with self._lock:
            return [job.result_pattern for job in self._jobs.values()]

    def open_proxy(self, subject: str) -> str:
        """Return the newest proxy job of ``subject`` (:attr:`void_nuke.export.pick.RemovalPick.subject`)
        whose Read no full-size job has completed or is about to complete; empty for none."""
        with self._lock:
            alive = [record for record in self._kept() if record.phase not in _GIVEN_UP]
        completed = {record.completes_job for record in alive}
        proxies = [
            record
            for record in alive
            if record.subject == subject and record.proxy_scale != 1.0 and record.job_id not in completed
        ]
        return max(proxies, key=lambda record: record.created_at).job_id if proxies else ""

    def completed_read(self, job_id: str) -> str:
        """Return the Read of the full-size result that has replaced this proxy job's; empty for none."""
        with self._lock:
            return next((one.read_node for one in self._kept() if one.completes_job == job_id), "")

    def reads_of_group(self, group: str) -> dict[str, str]:
        """Return the Reads of removals that one press began, by their views, once all of them have one; empty
        before that, and for a removal by itself."""
        with self._lock:
            reads = {one.view: one.read_node for one in self._kept() if group and one.group == group}
        return reads if len(reads) > 1 and all(reads.values()) else {}

    def _kept(self) -> list[JobRecord]:
        """The records that the script keeps; for a caller that holds the lock."""
        return [job.record for job in self._jobs.values() if job.is_kept]

    def add(self, job: TrackedJob) -> None:
        """Add a new removal."""
        with self._lock:
            self._jobs[job.job_id] = job
        self._notify(job.job_id)

    def update(self, job_id: str, **changes: Any) -> None:
        """Change fields of a :class:`TrackedJob`, or count ``one_more_frame``. A final job changes only its
        Read."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or (job.phase.is_final and "read_node" not in changes):
                return
            if job.phase is Phase.CANCELLING and not changes.get("phase", job.phase).is_final:
                changes.pop("phase", None)
            if changes.pop("one_more_frame", False):
                changes["frames_done"] = min(job.frames_done + 1, len(job.frames.frames))
            self._jobs[job_id] = job.changed(**changes)
        self._notify(job_id)

    def remember(self, record: JobRecord) -> None:
        """Keep a job with the script from now on. A job of another script is left out."""
        with self._lock:
            job = self._jobs.get(record.job_id)
            if job is not None:
                self._jobs[record.job_id] = job.changed(record=record, is_kept=True)
        self._save_later()

    def keep(self, job_id: str, **changes: Any) -> None:
        """Change fields of a kept :class:`JobRecord`; the next :meth:`save` writes them."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None and job.is_kept:
                record = msgspec.structs.replace(job.record, **changes)
                self._jobs[job_id] = job.changed(record=record)

    def end(self, job_id: str, phase: Phase, message: str) -> None:
        """Make a job final that has not come to its end at the server."""
        self.keep(job_id, phase=phase.value, message=message)
        self._save_later()
        self.update(job_id, phase=phase, message=message)

    def save(self) -> None:
        """Write the records to the script; for the main thread."""
        with self._lock:
            text = encode_notes(self._kept())
        self._host.keep_notes(text)

    def leave_script(self) -> list[str]:
        """Forget all jobs, because the open script is being closed: from now on they belong to no script
        here. Return the ids of those that were being exported; for the main thread."""
        with self._lock:
            self.script += 1
            lost = [
                one.job_id for one in self._jobs.values() if one.phase in (Phase.EXPORTING, Phase.SUBMITTING)
            ]
            self._jobs = {}
        return lost

    def open_script(self) -> tuple[list[JobRecord], list[str]]:
        """Read the jobs that the open script knows; for the main thread.

        Returns:
            The script's records, and the ids of jobs that were being exported from another script.
        """
        records = {record.job_id: record for record in decode_notes(self._host.notes())}
        with self._lock:
            self.script += 1
            lost = [
                job_id
                for job_id, job in self._jobs.items()
                if job_id not in records and job.phase in (Phase.EXPORTING, Phase.SUBMITTING)
            ]
            known = self._jobs
            self._jobs = {
                job_id: known[job_id].changed(record=record, is_kept=True)
                if job_id in known
                else tracked_from(record)
                for job_id, record in records.items()
            }
        for job_id in records:
            self._notify(job_id)
        return list(records.values()), lost

    def _save_later(self) -> None:
        script = self.script

        def save() -> None:
            if script == self.script:
                self.save()

        self._post(save)

    def close(self) -> None:
        """Stop calling the listener."""
        self._is_closed = True

    def _notify(self, job_id: str) -> None:
        with self._lock:
            is_pending = job_id in self._changed
            self._changed.add(job_id)
        if not is_pending and self._on_change is not None:
            self._post(partial(self._tell, job_id))

    def _tell(self, job_id: str) -> None:
        with self._lock:
            self._changed.discard(job_id)
            job = self._jobs.get(job_id)
        if job is not None and self._on_change is not None and not self._is_closed:
            self._on_change(job)

    def _post(self, function: Callable[[], None]) -> None:
        with contextlib.suppress(MainThreadError):  # the host is quitting, so nobody listens any more
            self._host.post(function)
