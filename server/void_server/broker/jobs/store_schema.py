"""The tables of the job store, and the steps from an older release's store to this release's.

Each step makes the next version from the one before. A new store goes through all of them, so that a new and
an old store cannot differ. A step and its version number are one transaction, so a power cut leaves the old
version whole.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from void_server.errors import StoreError

_FIRST = """
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    engine TEXT NOT NULL,
    inputs TEXT NOT NULL,
    outputs TEXT NOT NULL,
    output_pattern TEXT NOT NULL,
    content BLOB NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    frames_total INTEGER NOT NULL,
    frames_done INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    queue_order INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    worker_deaths INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL DEFAULT 0,
    released INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, queue_order);
CREATE TABLE job_texts (job_id TEXT PRIMARY KEY, job BLOB NOT NULL, manifest BLOB NOT NULL) STRICT;
CREATE TABLE uploads (
    job_id TEXT NOT NULL, file INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (job_id, file)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    job_id TEXT NOT NULL, sequence INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (job_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE results (
    job_id TEXT NOT NULL, frame INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (job_id, frame)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage_times (
    job_id TEXT NOT NULL, stage TEXT NOT NULL, seconds REAL NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (job_id, stage)
) STRICT, WITHOUT ROWID;
"""
_QUEUE = """
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN state_since REAL NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN queue_s REAL NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN run_s REAL NOT NULL DEFAULT 0;
UPDATE jobs SET state_since = coalesce(finished_at, started_at, created_at);
ALTER TABLE results ADD COLUMN seconds REAL;
CREATE TABLE queue_gate (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mode TEXT NOT NULL, set_by TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL
) STRICT;
CREATE TABLE usage (owner TEXT PRIMARY KEY, seconds REAL NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID;
"""
_SHORT_TURNS = """
ALTER TABLE jobs ADD COLUMN upload_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN result_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN result_folder TEXT NOT NULL DEFAULT '';
UPDATE jobs SET
    upload_bytes = coalesce((SELECT sum(json_extract(value, '$[2]')) FROM job_texts,
        json_each(CAST(job_texts.manifest AS TEXT)) WHERE job_texts.job_id = jobs.job_id), 0),
    result_bytes = coalesce((SELECT sum(size) FROM results WHERE results.job_id = jobs.job_id), 0);
ALTER TABLE job_texts ADD COLUMN places BLOB NOT NULL DEFAULT x'';
ALTER TABLE job_texts DROP COLUMN manifest;
CREATE TABLE upload_runs (
    job_id TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (job_id, first)
) STRICT, WITHOUT ROWID;
INSERT INTO upload_runs SELECT job_id, min(file), max(file) FROM
    (SELECT job_id, file, file - row_number() OVER (PARTITION BY job_id ORDER BY file) AS run FROM uploads)
    GROUP BY job_id, run;
DROP TABLE uploads;
"""
_VIEWS = """
ALTER TABLE jobs ADD COLUMN view TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN together TEXT NOT NULL DEFAULT '';
"""
_ENGINE_USED = "ALTER TABLE jobs ADD COLUMN engine_used TEXT NOT NULL DEFAULT '';"
STEPS = (_FIRST, _QUEUE, _SHORT_TURNS, _VIEWS, _ENGINE_USED)
"""Step N makes version N + 1 from version N. A released step is never changed; a new one is added instead."""
STORE_VERSION = len(STEPS)


def open_schema(database: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to this release's version and take the database for this process alone.

    Raises:
        StoreError: when a newer release wrote it.
        sqlite3.DatabaseError: when it cannot be read or written.
    """
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > STORE_VERSION:
        raise StoreError(
            f"{path} has version {version}, this release knows {STORE_VERSION}; "
            "use the release that wrote it, or give the server another home"
        )
    for number, step in enumerate(STEPS[version:], start=version + 1):
        try:
            database.executescript(f"BEGIN EXCLUSIVE;{step}PRAGMA user_version={number};COMMIT;")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
    database.execute("BEGIN IMMEDIATE")
    database.execute("COMMIT")
