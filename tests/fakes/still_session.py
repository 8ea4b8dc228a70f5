"""Removals that do not move, in the place of :class:`void_nuke.jobs.session.RemovalSession`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from void_nuke.batch.farm_order import FarmOrder
from void_nuke.errors import HostError, SelectionError
from void_nuke.export.pick import RemovalPick
from void_nuke.jobs.script_notes import JobRecord
from void_nuke.jobs.tracked_job import Phase, TrackedJob


def job_of(job_id: str, phase: Phase, **changes: Any) -> TrackedJob:
    record = JobRecord(
        job_id=job_id,
        name="sh010",
        plate="",
        first_frame=1001,
        last_frame=1040,
        result_pattern="/shots/sh010/void/clean_v001/clean_v001.%04d.exr",
        version=1,
        engine="propagation",
        seed=42,
        created_at=1000.0,
    )
    return TrackedJob(record, phase, message="").changed(**changes)


class StillSession:
    """Does what it is told, and records each call in ``calls``."""

    def __init__(
        self, jobs: Sequence[TrackedJob] = (), on_change: Callable[[TrackedJob], None] | None = None
    ):
        self.by_id = {job.job_id: job for job in jobs}
        self.calls: list[tuple[str, Any]] = []
        self.on_change = on_change
        self.trouble: HostError | None = None

    @property
    def jobs(self) -> Sequence[TrackedJob]:
        return sorted(self.by_id.values(), key=lambda job: job.created_at, reverse=True)

    def job(self, job_id: str) -> TrackedJob:
        return self.by_id[job_id]

    def use_client(self, client: Any) -> None:
        self.calls.append(("use_client", client))

    def start(self, pick: RemovalPick) -> TrackedJob:
        self._note("start", pick)
        job = job_of(f"job{len(self.by_id)}", Phase.EXPORTING, pick=pick, created_at=2000.0 + len(self.by_id))
        self.change(job)
        return job

    def send_to_farm(self, pick: RemovalPick, order: FarmOrder) -> TrackedJob:
        self._note("send_to_farm", (pick, order))
        job = job_of(f"job{len(self.by_id)}", Phase.EXPORTING, pick=pick, farm=order)
        self.change(job)
        return job

    def change(self, job: TrackedJob, **changes: Any) -> None:
        self.by_id[job.job_id] = job.changed(**changes)
        if self.on_change is not None:
            self.on_change(self.by_id[job.job_id])

    def cancel(self, job_id: str) -> None:
        self._note("cancel", job_id)

    def retry(self, job_id: str) -> TrackedJob:
        self._note("retry", job_id)
        pick = self.by_id[job_id].pick
        if pick is None:
            raise SelectionError("it was sent in an earlier session; mark its shapes again and press Remove")
        return self.start(pick)

    def import_result(self, job_id: str) -> str:
        self._note("import_result", job_id)
        return "Read7"

    def reattach(self) -> None:
        self.calls.append(("reattach", None))

    def close(self) -> None:
        self.calls.append(("close", None))

    def _note(self, name: str, what: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.calls.append((name, what))
