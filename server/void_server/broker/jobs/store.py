"""The job store: SQLite in WAL mode, the server's memory of everything it has promised.

The broker writes what happened, calls :meth:`Store.commit`, and only then tells anyone. One process holds the
store at a time; SQLite's own lock keeps a second server out of the same home.
"""

from __future__ import annotations

import contextlib
import os
import shutil
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
from void_server.broker.jobs.store_schema import open_schema
from void_server.errors import HomeInUseError, StoreError, StoreFullError

_LOG_PAGES = 16_384
"""Of 4 KiB. A log this long is moved into the database whoever waits."""
_UNTIDY_COMMITS = 250
_LEAST_ROOM_BYTES = 256 * 1024
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
    """Digest of everything that makes two submissions the same."""
    job: bytes
    manifest: bytes
    priority: int = 0

    def info(self, state: JobState, now: float) -> JobInfo:
        """The picture of the job in the moment in which it is stored."""
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
        )


class AddedJob(NamedTuple):
    info: JobInfo
    event: StateEvent
    """Its first."""
    order: int | None
    """Its place in the queue; None while it is uploaded."""


class Store:
    """All methods belong to the broker's thread. Those that write raise StoreError when the disk fails."""

    def __init__(self, path: Path) -> None:
        """Open or make the store.

        Raises:
            HomeInUseError: when another process holds it.
            StoreError: when it cannot be opened or belongs to another release.
        """
        self._path = path
        self.is_dirty = False
        self._untidy = 0
        """Commits since the log was last moved into the database."""
        self.commits = 0
        self.commit_s = 0.0
        """Time that commits have taken since the start."""
        _make_private(path)
        try:
            self._db = _open(path)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise HomeInUseError(
                    f"another server uses {path.parent}; stop it, or give this one a home of its own"
                ) from error
            raise StoreError(f"cannot open the job store {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"the job store {path} is damaged ({error}); move it away to start with an empty one"
            ) from error

    def write(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Change something; :meth:`commit` makes it durable."""
        try:
            if not self.is_dirty:
                self._db.execute("BEGIN IMMEDIATE")
                self.is_dirty = True
            return self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise self._write_error(error) from error

    def read(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds, with what was written since the last commit."""
        return self._db.execute(statement, values).fetchall()

    def _write_error(self, error: sqlite3.OperationalError) -> StoreError:
        # Where the write-ahead log cannot grow, SQLite speaks of an I/O error.
        is_full = "full" in str(error) or shutil.disk_usage(self._path.parent).free < _LEAST_ROOM_BYTES
        return (StoreFullError if is_full else StoreError)(
            f"cannot write the job store {self._path}: {error}; "
            "nothing that was promised is lost: make room or restore the disk and start the server again"
        )

    def commit(self) -> None:
        """Make durable what was written since the last call.

        Raises:
            StoreError: when the disk does not take it. The server has to end then: what it holds in memory
                is ahead of what it may say.
        """
        if self.is_dirty:
            began = time.perf_counter()
            try:
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise self._write_error(error) from error
            self.is_dirty = False
            self.commits += 1
            self._untidy += 1
            self.commit_s += time.perf_counter() - began

    def tidy(self) -> None:
        """Move what has gathered in the write-ahead log into the database, once it is worth it.

        That takes the disk long enough to be felt by whoever waits for an answer: call it when nobody does.
        Without a call the commit does it that fills the log to :data:`_LOG_PAGES`.
        """
        if self._untidy >= _UNTIDY_COMMITS and not self.is_dirty:
            self._untidy = 0
            with contextlib.suppress(sqlite3.OperationalError):  # a commit will meet it again, and tell
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close without a commit."""
        self._db.close()

    # Jobs -----------------------------------------------------------------------------------------------

    def add_job(self, new: NewJob, state: JobState) -> AddedJob:
        """Store a job that is not there yet, as uploading or queued. A client waits: three statements and
        nothing read back."""
        now = time.time()
        order = self._last_place() if state is JobState.QUEUED else None
        self.write(
            "INSERT INTO jobs (job_id, owner, name, engine, inputs, outputs, output_pattern, content, state,"
            " frames_total, created_at, state_since, priority, queue_order, sequence)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,1)",
            new.job_id, new.owner, new.name, new.engine, new.inputs, new.outputs, new.output_pattern,
            new.content, state.value, new.frames_total, now, now, new.priority, order,
        )  # fmt: skip
        self.write("INSERT INTO job_texts VALUES (?,?,?)", new.job_id, new.job, new.manifest)
        event = StateEvent(job_id=new.job_id, sequence=1, time=now, state=state, message="")
        self._add_event(event)
        return AddedJob(new.info(state, now), event, order)

    def content(self, job_id: str) -> bytes | None:
        """The content digest of a job, or None for an unknown one."""
        row = self._db.execute("SELECT content FROM jobs WHERE job_id=?", (job_id,)).fetchone()
        return None if row is None else bytes(row["content"])

    def texts(self, job_id: str) -> tuple[bytes, bytes]:
        """The job's JSON and its manifest's (empty with paths)."""
        row = self._db.execute("SELECT job, manifest FROM job_texts WHERE job_id=?", (job_id,)).fetchone()
        return bytes(row["job"]), bytes(row["manifest"])

    def set_state(
        self, job_id: str, state: JobState, message: str = "", *, first: bool = False
    ) -> StateEvent:
        """Write a change of state and its event. A job that becomes queued goes to the end of the queue, or
        with ``first`` before all others; one that was queued already keeps its place."""
        now = time.time()
        order = None
        if state is JobState.QUEUED:
            order = self._place(job_id, first=first)
        self.write(
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
        event = StateEvent(
            job_id=job_id, sequence=self._sequence(job_id), time=now, state=state, message=message
        )
        self._add_event(event)
        return event

    def _place(self, job_id: str, *, first: bool) -> int:
        """A place in the queue: below 0 for jobs that were put before the others, above for the rest."""
        if first:
            return min(self.read("SELECT min(queue_order) FROM jobs WHERE state='queued'")[0][0] or 0, 0) - 1
        known = self.read("SELECT queue_order FROM jobs WHERE job_id=? AND queue_order IS NOT NULL", job_id)
        if known:
            return int(known[0][0])
        return self._last_place()

    def _last_place(self) -> int:
        return max(self.read("SELECT max(queue_order) FROM jobs WHERE state='queued'")[0][0] or 0, 0) + 1

    def state(self, job_id: str) -> JobState | None:
        row = self._db.execute("SELECT state FROM jobs WHERE job_id=?", (job_id,)).fetchone()
        return None if row is None else JobState(row["state"])

    def count_worker_death(self, job_id: str) -> int:
        """One more worker has died of this job; how many that makes."""
        self.write("UPDATE jobs SET worker_deaths=worker_deaths+1 WHERE job_id=?", job_id)
        row = self._db.execute("SELECT worker_deaths FROM jobs WHERE job_id=?", (job_id,)).fetchone()
        return int(row["worker_deaths"])

    def uncount_attempt(self, job_id: str) -> None:
        """A worker gave the job back: its start does not count towards the most that there may be. One start
        stays, so that the next one resumes."""
        self.write("UPDATE jobs SET attempts=max(1, attempts-1) WHERE job_id=?", job_id)

    def jobs_in(self, *states: JobState) -> list[str]:
        """Ids of the jobs in these states, oldest first."""
        marks = ",".join("?" * len(states))
        rows = self._db.execute(
            f"SELECT job_id FROM jobs WHERE state IN ({marks}) ORDER BY created_at",  # noqa: S608
            [state.value for state in states],
        )
        return [str(row["job_id"]) for row in rows]

    def spooled_result_bytes(self) -> int:
        """Results in the spool that nobody has released."""
        rows = self.read(
            "SELECT coalesce(sum(results.size), 0) FROM results JOIN jobs USING (job_id)"
            " WHERE outputs='streamed' AND released=0"
        )
        return int(rows[0][0])

    def count_by_state(self) -> dict[str, int]:
        rows = self._db.execute("SELECT state, count(*) AS n FROM jobs GROUP BY state")
        return {str(row["state"]): int(row["n"]) for row in rows}

    def info(self, job_id: str, progress: ProgressInfo | None = None) -> JobInfo | None:
        """A picture of the job, or None for an unknown one."""
        row = self._db.execute("SELECT * FROM jobs WHERE job_id=?", (job_id,)).fetchone()
        return None if row is None else self._info(row, progress)

    def list_jobs(self, states: list[JobState] | None, limit: int) -> list[JobInfo]:
        """The newest jobs, newest first."""
        where, values = "", []
        if states is not None:
            where = f"WHERE state IN ({','.join('?' * len(states))})"
            values = [state.value for state in states]
        rows = self._db.execute(
            f"SELECT * FROM jobs {where} ORDER BY created_at DESC, rowid DESC LIMIT ?",  # noqa: S608
            [*values, limit],
        ).fetchall()
        return [self._info(row, None) for row in rows]

    def _info(self, row: sqlite3.Row, progress: ProgressInfo | None) -> JobInfo:
        stages = self._db.execute(
            "SELECT stage, seconds FROM stage_times WHERE job_id=? ORDER BY position", (row["job_id"],)
        )
        return JobInfo(
            job_id=row["job_id"],
            name=row["name"],
            engine=row["engine"],
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
            stage_times=[StageTime(stage=each["stage"], seconds=each["seconds"]) for each in stages],
        )

    # Uploads --------------------------------------------------------------------------------------------

    def add_upload(self, job_id: str, file: int, size: int, sha256: str) -> None:
        self.write("INSERT OR REPLACE INTO uploads VALUES (?,?,?,?)", job_id, file, size, sha256)

    def uploaded(self, job_id: str) -> list[int]:
        """Manifest indices of the files that are spooled whole, in order."""
        rows = self._db.execute("SELECT file FROM uploads WHERE job_id=? ORDER BY file", (job_id,))
        return [int(row["file"]) for row in rows]

    # Results and events ---------------------------------------------------------------------------------

    def add_result(
        self, job_id: str, frame: int, size: int, sha256: str, seconds: float | None = None
    ) -> FrameEvent | None:
        """Note a whole frame and the time it took; None when it was known already, unchanged."""
        known = self._db.execute(
            "SELECT sha256 FROM results WHERE job_id=? AND frame=?", (job_id, frame)
        ).fetchone()
        if known is not None and known["sha256"] == sha256:
            return None
        self.write("INSERT OR REPLACE INTO results VALUES (?,?,?,?,?)", job_id, frame, size, sha256, seconds)
        self.write(
            "UPDATE jobs SET sequence=sequence+1, frames_done=frames_done+? WHERE job_id=?",
            known is None, job_id,
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
        return event

    def result(self, job_id: str, frame: int) -> ResultFile | None:
        row = self._db.execute(
            "SELECT frame, size, sha256, seconds FROM results WHERE job_id=? AND frame=?", (job_id, frame)
        ).fetchone()
        return None if row is None else _result(row)

    def results(self, job_id: str, after_frame: int | None, limit: int) -> list[ResultFile]:
        rows = self._db.execute(
            "SELECT frame, size, sha256, seconds FROM results WHERE job_id=? AND (? IS NULL OR frame > ?)"
            " ORDER BY frame LIMIT ?",
            (job_id, after_frame, after_frame, limit),
        )
        return [_result(row) for row in rows]

    def events_after(self, job_id: str, sequence: int) -> list[NumberedEvent]:
        """The stored events with higher numbers, in order."""
        rows = self._db.execute(
            "SELECT body FROM events WHERE job_id=? AND sequence > ? ORDER BY sequence", (job_id, sequence)
        )
        return [_event_decoder.decode(row["body"]) for row in rows]

    def _sequence(self, job_id: str) -> int:
        row = self._db.execute("SELECT sequence FROM jobs WHERE job_id=?", (job_id,)).fetchone()
        return int(row["sequence"])

    def _add_event(self, event: NumberedEvent) -> None:
        self.write(
            "INSERT INTO events VALUES (?,?,?)", event.job_id, event.sequence, msgspec.json.encode(event)
        )

    # Housekeeping ---------------------------------------------------------------------------------------

    def add_stage_time(self, job_id: str, stage: str, seconds: float) -> None:
        """Add to the time that a stage of the job has taken."""
        self.write(
            "INSERT INTO stage_times VALUES (?,?,?, (SELECT count(*) FROM stage_times WHERE job_id=?))"
            " ON CONFLICT (job_id, stage) DO UPDATE SET seconds=seconds+excluded.seconds",
            job_id, stage, seconds, job_id,
        )  # fmt: skip

    def delete_job(self, job_id: str) -> None:
        """Forget a job entirely."""
        for table in ("jobs", "job_texts", "uploads", "events", "results", "stage_times"):
            self.write(f"DELETE FROM {table} WHERE job_id=?", job_id)  # noqa: S608

    def set_released(self, job_id: str) -> None:
        self.write("UPDATE jobs SET released=1 WHERE job_id=?", job_id)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=0.5)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        open_schema(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _result(row: sqlite3.Row) -> ResultFile:
    return ResultFile(frame=row["frame"], size=row["size"], sha256=row["sha256"], seconds=row["seconds"])


def _make_private(path: Path) -> None:
    """Let only the owner read the store, whatever the home folder's own mode: it holds everybody's jobs.

    SQLite gives its log beside it (``-wal``) the mode of the database. The file of a store that is open must
    not be opened here: closing it again would end this process's own locks on it (POSIX).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
            with contextlib.suppress(OSError):  # another's file: SQLite will say whether it can be used
                file.chmod(0o600)
    except OSError as error:
        raise StoreError(f"cannot open the job store {path}: {error.strerror or error}") from error
