from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from void_protocol.messages import FrameEvent, JobState, ResultFile, StageTime, StateEvent
from void_server.broker.jobs import store_database, store_schema
from void_server.broker.jobs.store import Holding, NewJob, Store
from void_server.broker.jobs.store_schema import STEPS
from void_server.errors import HomeInUseError, StoreError


def new_job(job_id: str, frames: int = 3) -> NewJob:
    return NewJob(
        job_id=job_id,
        owner="anna",
        name="shot",
        engine="auto",
        inputs="streamed",
        outputs="streamed",
        output_pattern="/o/r.%04d.exr",
        frames_total=frames,
        content=b"digest of " + job_id.encode(),
        job=b"{}",
        places=b"[]",
        result_folder="/o",
        upload_bytes=7,
    )


def test_a_job_that_is_known_stays_as_it_is(store: Store) -> None:
    first = store.add_job(new_job("a"), JobState.QUEUED)
    other = msgspec.structs.replace(new_job("a"), owner="bert", content=b"other", job=b"{1}")
    assert store.add_job(other, JobState.UPLOADING) is None
    assert first is not None
    assert store.info("a") == first.info
    assert (store.content("a"), store.texts("a")) == (b"digest of a", (b"{}", b"[]"))
    assert store.events_after("a", 0) == [first.event]


def test_places_go_on_where_the_last_process_ended(tmp_path: Path) -> None:
    for expected in ([1, 2], [3, 4]):  # the second time the file is there already
        store = Store(tmp_path / "jobs.sqlite")
        added = [store.add_job(new_job(f"job{number}"), JobState.QUEUED) for number in expected]
        assert [each.order for each in added if each is not None] == expected
        store.commit()
        store.close()


def test_a_job_and_its_story(store: Store) -> None:
    added = store.add_job(new_job("a"), JobState.UPLOADING)
    assert added is not None
    assert (added.event.sequence, added.event.state, added.order) == (1, JobState.UPLOADING, None)
    assert store.info("a") == added.info
    assert store.events_after("a", 0) == [added.event]
    assert store.content("a") == b"digest of a"
    assert store.texts("a") == (b"{}", b"[]")
    store.set_state("a", JobState.QUEUED)
    store.set_state("a", JobState.RUNNING)
    assert store.result_folder("a") == "/o"
    added_frame = store.add_result("a", 1001, 5, "ff")
    assert added_frame is not None
    assert (type(added_frame[0]), added_frame[0].sequence, added_frame[1]) == (FrameEvent, 4, 5)
    assert store.add_result("a", 1001, 5, "ff") is None  # known already
    again = store.add_result("a", 1001, 8, "ee")  # made again, differently
    assert again is not None
    assert again[1] == 3
    assert store.holdings() == [("a", Holding("anna", 7, 8), True)]
    store.add_stage_time("a", "read", 1.0)
    store.add_stage_time("a", "write", 0.5)
    store.add_stage_time("a", "read", 2.0)
    store.set_state("a", JobState.FAILED, "why")
    info = store.info("a")
    assert info is not None
    assert (info.state, info.message, info.frames_done, info.attempts, info.sequence) == (
        JobState.FAILED, "why", 1, 1, 6,
    )  # fmt: skip
    assert info.stage_times == [StageTime(stage="read", seconds=3.0), StageTime(stage="write", seconds=0.5)]
    assert info.started_at is not None
    assert info.finished_at is not None
    assert info.created_at <= info.started_at <= info.finished_at
    assert store.results("a", None, 10) == [ResultFile(frame=1001, size=8, sha256="ee")]
    assert store.result("a", 7) is None
    assert [event.sequence for event in store.events_after("a", 2)] == [3, 4, 5, 6]
    last = store.events_after("a", 5)[0]
    assert isinstance(last, StateEvent)
    assert (last.state, last.message) == (JobState.FAILED, "why")


def test_what_is_unknown_is_none(store: Store) -> None:
    assert store.info("nobody") is None
    assert store.content("nobody") is None
    assert store.state("nobody") is None


def test_a_queued_job_keeps_its_place_unless_it_goes_first(store: Store) -> None:
    def places() -> list[str]:
        rows = store.database.read("SELECT job_id FROM jobs WHERE state='queued' ORDER BY queue_order")
        return [row["job_id"] for row in rows]

    for place, job_id in enumerate("abc", start=1):
        added = store.add_job(new_job(job_id), JobState.QUEUED)
        assert added is not None
        assert added.order == place
        assert store.info(job_id) == added.info
    store.set_state("a", JobState.RUNNING)
    assert places() == ["b", "c"]
    store.set_state("b", JobState.QUEUED, "paused by anna")
    assert places() == ["b", "c"]
    store.set_state("a", JobState.QUEUED, "again", first=True)
    assert places() == ["a", "b", "c"]
    assert [info.job_id for info in store.list_jobs(None, 2)] == ["c", "b"]
    assert store.list_jobs([JobState.RUNNING], 9) == []
    assert store.count_by_state() == {"queued": 3}
    assert store.jobs_in(JobState.QUEUED, JobState.RUNNING) == ["a", "b", "c"]


def test_results_page_by_frame(store: Store) -> None:
    store.add_job(new_job("a"), JobState.QUEUED)
    for frame in (3, -1, 2):
        store.add_result("a", frame, 1, "00")
    assert [result.frame for result in store.results("a", None, 2)] == [-1, 2]
    assert [result.frame for result in store.results("a", 2, 2)] == [3]


def test_only_what_was_committed_survives(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    store = Store(path)
    store.add_job(new_job("kept"), JobState.QUEUED)
    for first, last in ((2, 2), (0, 0), (4, 4), (0, 2)):
        store.add_upload("kept", first, last)
    store.commit()
    store.add_job(new_job("lost"), JobState.QUEUED)
    assert store.database.is_dirty
    store.database._db.close()  # as a kill would: no commit
    again = Store(path)
    assert again.state("kept") is JobState.QUEUED
    assert again.uploaded("kept") == [(0, 2), (4, 4)]
    assert again.state("lost") is None
    again.close()


def test_worker_deaths_are_counted_durably(store: Store) -> None:
    store.add_job(new_job("a"), JobState.QUEUED)
    assert [store.count_worker_death("a") for _ in range(2)] == [1, 2]


def test_a_deleted_job_leaves_nothing(store: Store) -> None:
    for job_id in "ab":
        store.add_job(new_job(job_id), JobState.UPLOADING)
        store.add_upload(job_id, 0, 1)
        store.add_result(job_id, 1, 2, "ee", 0.5)
        store.add_stage_time(job_id, "read", 1.0)
    store.delete_job("a")
    for table in ("jobs", "job_texts", "upload_runs", "events", "results", "stage_times"):
        found = {row["job_id"] for row in store.database.read(f"SELECT job_id FROM {table}")}
        assert found == {"b"}, table


def test_the_log_is_tidied_when_idle_and_not_before(store: Store, tmp_path: Path) -> None:
    database = tmp_path / "jobs.sqlite"

    def commit(count: int) -> None:
        for number in range(count):
            store.add_stage_time("a", f"{number % 50}", 1.0)
            store.commit()

    def moved() -> bool:
        """Whether what was written is in the database itself."""
        return b"stage_times" in database.read_bytes() and database.read_bytes().count(b"a49") > 0

    commit(store_database._UNTIDY_COMMITS - 1)
    store.database.tidy()
    assert not moved()
    commit(1)
    store.add_stage_time("b", "x", 1.0)
    store.database.tidy()
    assert not moved()  # not in the middle of a turn
    store.commit()
    store.database.tidy()
    assert moved()


def test_one_process_at_a_time(store: Store, tmp_path: Path) -> None:
    with pytest.raises(HomeInUseError, match="another server uses"):
        Store(tmp_path / "jobs.sqlite")


def test_stores_of_other_releases_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreError, match="has version 99, this release knows "):
        Store(path)
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"damaged\.sqlite is damaged"):
        Store(damaged)
    with pytest.raises(StoreError, match="cannot open the job store"):
        Store(tmp_path / "no" / "folder.sqlite")


def test_a_store_of_the_first_release_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript(f"{STEPS[0]}PRAGMA user_version=1;")
        database.execute(
            "INSERT INTO jobs (job_id, owner, name, engine, inputs, outputs, output_pattern, content, state,"
            " frames_total, created_at, queue_order) VALUES ('old', 'anna', 's', 'auto', 'paths', 'paths',"
            " '/o/r.%04d.exr', x'00', 'queued', 2, 1000.0, 1)"
        )
        database.execute("INSERT INTO results VALUES ('old', 1, 5, 'ff')")
    database.close()
    store = Store(path)
    info = store.info("old")
    assert info is not None
    assert (info.state, info.priority, info.is_paused, info.queue_s) == (JobState.QUEUED, 0, False, 0.0)
    assert store.results("old", None, 9) == [ResultFile(frame=1, size=5, sha256="ff")]
    store.set_state("old", JobState.RUNNING)
    waited = store.info("old")
    assert waited is not None
    assert waited.queue_s > 1e9  # it has waited since 1970
    assert store.database.read("PRAGMA user_version")[0][0] == len(STEPS)
    store.commit()
    store.close()
    Store(path).close()  # and once more, which changes nothing


def test_what_is_counted_of_an_older_store(tmp_path: Path) -> None:
    """Sums that this release keeps are made of the lists that the last one kept."""
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as database:
        database.executescript(f"{STEPS[0]}{STEPS[1]}PRAGMA user_version=2;")
        for job_id, state in (("a", "uploading"), ("b", "done"), ("c", "done")):
            database.execute(
                "INSERT INTO jobs (job_id, owner, name, engine, inputs, outputs, output_pattern, content,"
                " state, frames_total, created_at, finished_at, released) VALUES (?, 'anna', 's', 'auto',"
                " 'streamed', 'streamed', '/o/r.%04d.exr', x'00', ?, 2, 1000.0, ?, ?)",
                (job_id, state, None if state == "uploading" else 2000.0, job_id == "c"),
            )
            database.execute("INSERT INTO results VALUES (?, 1, 50, 'ff', NULL)", (job_id,))
        manifest = b'[["plate",1,10],["plate",2,20],["matte.0",null,3]]'
        database.execute("INSERT INTO job_texts VALUES ('a', x'7b7d', ?)", (manifest,))
        database.execute("INSERT INTO job_texts VALUES ('b', x'7b7d', ?)", (manifest,))
        for file in (0, 1, 2, 5, 7, 8):
            database.execute("INSERT INTO uploads VALUES ('a', ?, 10, 'ff')", (file,))
    database.close()
    store = Store(path)
    assert store.uploaded("a") == [(0, 2), (5, 5), (7, 8)]
    assert store.texts("a") == (b"{}", b"")
    assert store.result_folder("a") == ""
    assert sorted(store.holdings()) == [
        ("a", Holding("anna", 33, 50), True),
        ("b", Holding("anna", 0, 50), False),
    ]
    store.close()


def test_a_step_that_fails_leaves_the_old_store_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "jobs.sqlite"
    Store(path).close()
    broken = (*STEPS, "CREATE TABLE extra (a); CREATE TABLE jobs (a);")
    monkeypatch.setattr(store_schema, "STEPS", broken)
    with pytest.raises(StoreError, match="table jobs already exists"):
        Store(path)
    monkeypatch.undo()
    store = Store(path)
    assert store.database.read("SELECT name FROM sqlite_master WHERE name='extra'") == []
    store.close()


def test_times_in_queue_and_in_work_add_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    store.add_job(new_job("a"), JobState.UPLOADING)
    for state, seconds in (
        (JobState.QUEUED, 7.0),
        (JobState.RUNNING, 3.0),
        (JobState.QUEUED, 20.0),
        (JobState.RUNNING, 100.0),
        (JobState.CANCELLING, 400.0),
        (JobState.CANCELLED, 1.0),
    ):
        clock[0] += seconds
        store.set_state("a", state)
    info = store.info("a")
    assert info is not None
    assert (info.queue_s, info.run_s) == (103.0, 421.0)


def test_a_full_disk_is_said_and_takes_nothing_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "jobs.sqlite")
    store.add_job(new_job("kept"), JobState.QUEUED)
    store.commit()
    pages = store.database._db.execute("PRAGMA page_count").fetchone()[0]
    store.database._db.execute(f"PRAGMA max_page_count={pages + 5}")  # SQLite's own way to be full

    def fill() -> None:
        for number in range(200):
            store.add_job(new_job(f"more-{number}"), JobState.QUEUED)

    with pytest.raises(StoreError, match="nothing that was promised is lost: make room"):
        fill()
    store.close()
    again = Store(tmp_path / "jobs.sqlite")
    assert again.jobs_in(JobState.QUEUED) == ["kept"]
    again.close()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("is_old", [False, True])
def test_only_the_owner_reads_the_store(tmp_path: Path, is_old: bool) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "jobs.sqlite"
    before = os.umask(0o022)
    try:
        if is_old:  # made by a release that left the mode to the umask
            sqlite3.connect(path).execute("CREATE TABLE other (a)").connection.close()
            assert path.stat().st_mode & 0o777 == 0o644
        store = Store(path)
        store.add_job(new_job("a"), JobState.QUEUED)
        store.commit()
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes["jobs.sqlite-wal"] == 0o600
    assert set(modes.values()) == {0o600}
