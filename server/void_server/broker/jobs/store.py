"""The job store: SQLite in WAL mode, the server's memory of everything it has promised.

The broker writes what happened, calls :meth:`Store.commit`, and only then tells anyone. One process holds the
store at a time; SQLite's own lock keeps a second server out of the same home.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from void_protocol.messages import (
    FrameEvent,
    JobInfo,
    JobState,
    NumberedEvent,
    ProgressInfo,
    ResultFile,
    StageTime,
    StateEvent,
    Transfer,
)
from void_server.broker.jobs.job_states import may_follow
from void_server.broker.jobs.store_database import Database
from void_server.broker.jobs.store_queue import QueueTables
from void_server.errors import StateChangeRefused

_event_decoder: msgspec.json.Decoder[NumberedEvent] = msgspec.json.Decoder(NumberedEvent)


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored when a job is accepted."""

    job_id: str
    owner: str
    name: str
    engine: str
    inputs: Transfer
    outputs: Transfer
    output_pattern: str
    frames_total: int
    content: bytes
    """A digest of everything that makes two submissions the same."""
    job: bytes
    """The job's JSON as the client has sent it; empty when it lies in the job's folder because it is long."""
    places: bytes = b""
    """Where files that go by path really lie; the worker reads it."""
    result_folder: str = ""
    """The folder that results by path go to, links resolved."""
    upload_bytes: int = 0
    """The size of the streamed inputs."""
    priority: int = 0
    view: str = ""
    together: str = ""
    """A word that jobs which belong together share."""

    def info(self, state: JobState, now: float) -> JobInfo:
        """Return the job as it is at the moment of being stored."""
        return JobInfo(
            job_id=self.job_id,
            name=self.name,
            engine=self.engine,
            owner=self.owner,
            state=state,
            frames_total=self.frames_total,
            frames_done=0,
            inputs=self.inputs,
            outputs=self.outputs,
            output_pattern=self.output_pattern,
            created_at=now,
            attempts=0,
            sequence=1,
            priority=self.priority,
            view=self.view,
            together=self.together,
        )


class AddedJob(NamedTuple):
    """A job that was just stored."""

    info: JobInfo
    event: StateEvent
    """The job's first event."""
    order: int | None
    """The job's place in the queue; None while it is uploaded."""


class Holding(NamedTuple):
    """What one job takes in the server."""

    owner: str
    upload_bytes: int = 0
    """Bytes of its announced inputs; 0 when they go by path."""
    result_bytes: int = 0
    """Bytes of its results in the spool."""


class FinalJob(NamedTuple):
    """A job that has ended, with what cleaning needs to know."""

    job_id: str
    finished_at: float
    """Seconds since 1970."""
    is_released: bool
    """Whether the job's results were released already."""


class Store:
    """Jobs with their states, inputs, results and events. All methods belong to the broker's thread. Those
    that write raise StoreError when the disk fails."""

    def __init__(self, path: Path) -> None:
        """Open or make the store.

        Raises:
            HomeInUseError: when another process has it open.
            StoreError: when it cannot be opened or belongs to another release.
        """
        self.database = Database(path)
        self.queue = QueueTables(self.database)

    def commit(self) -> None:
        """Make durable what was written since the last call; see :meth:`Database.commit`."""
        self.database.commit()

    def close(self) -> None:
        """Close without a commit."""
        self.database.close()

    # Jobs -----------------------------------------------------------------------------------------------

    def add_job(self, new: NewJob, state: JobState) -> AddedJob | None:
        """Store a new job as uploading or queued; None when there is a job of this id already, which stays as
        it is. A client waits for this, so it takes three statements and reads nothing back.

        Raises:
            StateChangeRefused: for another state.
        """
        if not may_follow(None, state):
            raise StateChangeRefused(new.job_id, None, state)
        now = time.time()
        order = self.queue.last_place() if state is JobState.QUEUED else None
        added = self.database.write(
            "INSERT INTO jobs (job_id, owner, name, engine, inputs, outputs, output_pattern, content, state,"
            " frames_total, created_at, state_since, priority, queue_order, result_folder, upload_bytes,"
            " view, together, sequence) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,1)"
            " ON CONFLICT (job_id) DO NOTHING",
            new.job_id, new.owner, new.name, new.engine, new.inputs, new.outputs, new.output_pattern,
            new.content, state.value, new.frames_total, now, now, new.priority, order, new.result_folder,
            new.upload_bytes, new.view, new.together,
        )  # fmt: skip
        if not added.rowcount:
            return None
        self.database.write("INSERT INTO job_texts VALUES (?,?,?)", new.job_id, new.job, new.places)
        event = StateEvent(job_id=new.job_id, sequence=1, time=now, state=state, message="")
        self._add_event(event)
        return AddedJob(new.info(state, now), event, order)

    def content(self, job_id: str) -> bytes | None:
        """Return the content digest of a job, or None for an unknown one."""
        rows = self.database.read("SELECT content FROM jobs WHERE job_id=?", job_id)
        return bytes(rows[0]["content"]) if rows else None

    def texts(self, job_id: str) -> tuple[bytes, bytes]:
        """Return the job's JSON (empty when it lies in the job's folder) and where its files lie."""
        row = self.database.read("SELECT job, places FROM job_texts WHERE job_id=?", job_id)[0]
        return bytes(row["job"]), bytes(row["places"])

    def result_folder(self, job_id: str) -> str:
        """Return the folder that a job's results by path go to, links resolved; empty for a job of an older
        release."""
        return str(self.database.read("SELECT result_folder FROM jobs WHERE job_id=?", job_id)[0][0])

    def set_state(
        self, job_id: str, state: JobState, message: str = "", *, first: bool = False
    ) -> StateEvent:
        """Write a change of state and its event. A job that becomes queued goes to the end of the queue, or
        with ``first`` before all others; a job that was queued already keeps its place.

        Raises:
            StateChangeRefused: when there is no such job, or when the state may not follow its present one.
        """
        known = self.database.read("SELECT state, sequence FROM jobs WHERE job_id=?", job_id)
        before = JobState(known[0]["state"]) if known else None
        if before is None or not may_follow(before, state):
            raise StateChangeRefused(job_id, before, state)
        now = time.time()
        order = None
        if state is JobState.QUEUED:
            order = self.queue.place(job_id, first=first)
        self.database.write(
            "UPDATE jobs SET state=?, message=?, queue_order=?, sequence=sequence+1,"
            " started_at=CASE WHEN ?='running' THEN coalesce(started_at, ?) ELSE started_at END,"
            " attempts=attempts + (?='running' AND state<>'running'),"
            " queue_s=queue_s + CASE WHEN state='queued' THEN max(0, ? - state_since) ELSE 0 END,"
            " run_s=run_s + CASE WHEN state IN ('running', 'cancelling') THEN max(0, ? - state_since)"
            " ELSE 0 END,"
            " state_since=?,"
            " finished_at=CASE WHEN ? THEN ? ELSE finished_at END WHERE job_id=?",
            state.value, message, order, state.value, now, state.value, now, now, now,
            state.is_final, now, job_id,
        )  # fmt: skip
        sequence = int(known[0]["sequence"]) + 1
        event = StateEvent(job_id=job_id, sequence=sequence, time=now, state=state, message=message)
        self._add_event(event)
        return event

    def state(self, job_id: str) -> JobState | None:
        rows = self.database.read("SELECT state FROM jobs WHERE job_id=?", job_id)
        return JobState(rows[0]["state"]) if rows else None

    def count_worker_death(self, job_id: str) -> int:
        """Count one more worker that died of this job, and return how many have."""
        self.database.write("UPDATE jobs SET worker_deaths=worker_deaths+1 WHERE job_id=?", job_id)
        return int(self.database.read("SELECT worker_deaths FROM jobs WHERE job_id=?", job_id)[0][0])

    def uncount_attempt(self, job_id: str) -> None:
        """Do not count a start of which the worker gave the job back. One start always stays counted, so that
        the next one resumes."""
        self.database.write("UPDATE jobs SET attempts=max(1, attempts-1) WHERE job_id=?", job_id)

    def jobs_in(self, *states: JobState) -> list[str]:
        """Return the ids of the jobs in these states, oldest first."""
        marks = ",".join("?" * len(states))
        rows = self.database.read(
            f"SELECT job_id FROM jobs WHERE state IN ({marks}) ORDER BY created_at",  # noqa: S608
            *(state.value for state in states),
        )
        return [str(row["job_id"]) for row in rows]

    def holdings(self) -> list[tuple[str, Holding, bool]]:
        """Return what each job takes in the server that is not final, or whose results nobody has released:
        its id, what it takes, and whether it is open."""
        rows = self.database.read(
            "SELECT job_id, owner, state, upload_bytes, CASE WHEN outputs='streamed' AND released=0"
            " THEN result_bytes ELSE 0 END AS results FROM jobs WHERE finished_at IS NULL OR results > 0"
        )
        found = []
        for row in rows:
            is_open = not JobState(row["state"]).is_final
            holding = Holding(row["owner"], row["upload_bytes"] if is_open else 0, row["results"])
            found.append((str(row["job_id"]), holding, is_open))
        return found

    def holding(self, job_id: str) -> Holding:
        """Return what a job would take if it were open."""
        kept = "(outputs='streamed' AND released=0) * result_bytes"
        select = f"SELECT owner, upload_bytes, {kept} FROM jobs WHERE job_id=?"  # noqa: S608
        return Holding(*self.database.read(select, job_id)[0])

    def reopen(self, job_id: str, state: JobState, message: str) -> StateEvent:
        """Let a final job begin again as uploading or queued, with the frames that nobody has released.
        Return the event."""
        if self.is_released(job_id):
            self.database.write("DELETE FROM results WHERE job_id=?", job_id)
            self.database.write("UPDATE jobs SET frames_done=0, result_bytes=0 WHERE job_id=?", job_id)
        self.database.write("DELETE FROM upload_runs WHERE job_id=?", job_id)
        order, now = self.queue.last_place() if state is JobState.QUEUED else None, time.time()
        self.database.write(
            "UPDATE jobs SET state=?, message=?, queue_order=?, state_since=?, finished_at=NULL, released=0,"
            " attempts=min(attempts, 1), worker_deaths=0, sequence=sequence+1 WHERE job_id=?",
            state.value, message, order, now, job_id,
        )  # fmt: skip
        sequence = self._sequence(job_id)
        event = StateEvent(job_id=job_id, sequence=sequence, time=now, state=state, message=message)
        self._add_event(event)
        return event

    def set_engine_used(self, job_id: str, engine: str) -> None:
        self.database.write("UPDATE jobs SET engine_used=? WHERE job_id=?", engine, job_id)

    def count_by_state(self) -> dict[str, int]:
        rows = self.database.read("SELECT state, count(*) AS n FROM jobs GROUP BY state")
        return {str(row["state"]): int(row["n"]) for row in rows}

    def info(self, job_id: str, progress: ProgressInfo | None = None) -> JobInfo | None:
        """Return the job as it is now, or None for an unknown one."""
        rows = self.database.read("SELECT * FROM jobs WHERE job_id=?", job_id)
        return self._info(rows[0], progress) if rows else None

    def list_jobs(self, states: list[JobState] | None, limit: int) -> list[JobInfo]:
        """Return the newest jobs, newest first."""
        where, values = "", []
        if states is not None:
            where = f"WHERE state IN ({','.join('?' * len(states))})"
            values = [state.value for state in states]
        rows = self.database.read(
            f"SELECT * FROM jobs {where} ORDER BY created_at DESC, rowid DESC LIMIT ?",  # noqa: S608
            *values, limit,
        )  # fmt: skip
        return [self._info(row, None) for row in rows]

    def _info(self, row: sqlite3.Row, progress: ProgressInfo | None) -> JobInfo:
        stages = self.database.read(
            "SELECT stage, seconds FROM stage_times WHERE job_id=? ORDER BY position", row["job_id"]
        )
        return JobInfo(
            job_id=row["job_id"],
            name=row["name"],
            engine=row["engine"],
            engine_used=row["engine_used"],
            owner=row["owner"],
            state=JobState(row["state"]),
            message=row["message"],
            frames_total=row["frames_total"],
            frames_done=row["frames_done"],
            inputs=row["inputs"],
            outputs=row["outputs"],
            output_pattern=row["output_pattern"],
            created_at=row["created_at"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            attempts=row["attempts"],
            sequence=row["sequence"],
            progress=progress,
            priority=row["priority"],
            is_paused=bool(row["held_by"]),
            queue_s=round(row["queue_s"], 3),
            run_s=round(row["run_s"], 3),
            view=row["view"],
            together=row["together"],
            stage_times=[StageTime(stage=each["stage"], seconds=each["seconds"]) for each in stages],
        )

    # Uploads --------------------------------------------------------------------------------------------

    def add_upload(self, job_id: str, first: int, last: int) -> None:
        """Note that the files with these manifest indices, both included, are spooled whole. This replaces
        the runs that begin among them."""
        self.database.write(
            "DELETE FROM upload_runs WHERE job_id=? AND first BETWEEN ? AND ?", job_id, first, last
        )
        self.database.write("INSERT INTO upload_runs VALUES (?,?,?)", job_id, first, last)

    def uploaded(self, job_id: str) -> list[tuple[int, int]]:
        """Return runs of the manifest indices of the files that are spooled whole, in order."""
        rows = self.database.read("SELECT first, last FROM upload_runs WHERE job_id=? ORDER BY first", job_id)
        return [(int(row["first"]), int(row["last"])) for row in rows]

    # Results and events ---------------------------------------------------------------------------------

    def add_result(
        self, job_id: str, frame: int, size: int, sha256: str, seconds: float | None = None
    ) -> tuple[FrameEvent, int] | None:
        """Note a finished frame and the time it took. Return the event, and by how many bytes the results
        have grown; None when the frame was known already, unchanged."""
        known = self.database.read(
            "SELECT size, sha256 FROM results WHERE job_id=? AND frame=?", job_id, frame
        )
        if known and known[0]["sha256"] == sha256:
            return None
        self.database.write(
            "INSERT OR REPLACE INTO results VALUES (?,?,?,?,?)", job_id, frame, size, sha256, seconds
        )
        more_bytes = size - (int(known[0]["size"]) if known else 0)
        self.database.write(
            "UPDATE jobs SET sequence=sequence+1, frames_done=frames_done+?, result_bytes=result_bytes+?"
            " WHERE job_id=?",
            not known, more_bytes, job_id,
        )  # fmt: skip
        event = FrameEvent(
            job_id=job_id,
            sequence=self._sequence(job_id),
            time=time.time(),
            frame=frame,
            size=size,
            sha256=sha256,
        )
        self._add_event(event)
        return event, more_bytes

    def result(self, job_id: str, frame: int) -> ResultFile | None:
        rows = self.database.read(
            "SELECT frame, size, sha256, seconds FROM results WHERE job_id=? AND frame=?", job_id, frame
        )
        return _result(rows[0]) if rows else None

    def results(self, job_id: str, after_frame: int | None, limit: int) -> list[ResultFile]:
        rows = self.database.read(
            "SELECT frame, size, sha256, seconds FROM results WHERE job_id=? AND (? IS NULL OR frame > ?)"
            " ORDER BY frame LIMIT ?",
            job_id,
            after_frame,
            after_frame,
            limit,
        )
        return [_result(row) for row in rows]

    def events_after(self, job_id: str, sequence: int) -> list[NumberedEvent]:
        """Return the stored events with higher numbers, in order."""
        rows = self.database.read(
            "SELECT body FROM events WHERE job_id=? AND sequence > ? ORDER BY sequence", job_id, sequence
        )
        return [_event_decoder.decode(row["body"]) for row in rows]

    def _sequence(self, job_id: str) -> int:
        return int(self.database.read("SELECT sequence FROM jobs WHERE job_id=?", job_id)[0][0])

    def _add_event(self, event: NumberedEvent) -> None:
        self.database.write(
            "INSERT INTO events VALUES (?,?,?)", event.job_id, event.sequence, msgspec.json.encode(event)
        )

    # Housekeeping ---------------------------------------------------------------------------------------

    def add_stage_time(self, job_id: str, stage: str, seconds: float) -> None:
        """Add to the time that a stage of the job has taken."""
        self.database.write(
            "INSERT INTO stage_times VALUES (?,?,?, (SELECT count(*) FROM stage_times WHERE job_id=?))"
            " ON CONFLICT (job_id, stage) DO UPDATE SET seconds=seconds+excluded.seconds",
            job_id, stage, seconds, job_id,
        )  # fmt: skip

    def job_ids(self) -> list[str]:
        """Return the ids of all jobs, in no order."""
        return [str(row["job_id"]) for row in self.database.read("SELECT job_id FROM jobs")]

    def ended_before(self, *, job_until: float, results_until: float) -> list[FinalJob]:
        """Return the jobs that ended until ``job_until`` and, among those with results that nobody has
        released, those that ended until ``results_until``. Both times are seconds since 1970."""
        final = [state.value for state in JobState if state.is_final]
        marks = ",".join("?" * len(final))
        rows = self.database.read(
            f"SELECT job_id, finished_at, released FROM jobs WHERE state IN ({marks})"  # noqa: S608
            " AND (finished_at <= ? OR (released = 0 AND finished_at <= ?))",
            *final, job_until, results_until,
        )  # fmt: skip
        return [FinalJob(row["job_id"], row["finished_at"], bool(row["released"])) for row in rows]

    def delete_job(self, job_id: str) -> None:
        """Forget a job entirely."""
        for table in ("jobs", "job_texts", "upload_runs", "events", "results", "stage_times"):
            self.database.write(f"DELETE FROM {table} WHERE job_id=?", job_id)  # noqa: S608

    def set_released(self, job_id: str) -> None:
        self.database.write("UPDATE jobs SET released=1 WHERE job_id=?", job_id)

    def is_released(self, job_id: str) -> bool:
        """Return whether the job's spooled results were deleted: by release, or because they were old."""
        return bool(self.database.read("SELECT 1 FROM jobs WHERE job_id=? AND released=1", job_id))


def _result(row: sqlite3.Row) -> ResultFile:
    return ResultFile(frame=row["frame"], size=row["size"], sha256=row["sha256"], seconds=row["seconds"])
