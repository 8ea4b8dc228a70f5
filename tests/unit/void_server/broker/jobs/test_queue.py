from __future__ import annotations

import msgspec
import pytest

from tests.unit.void_server.broker.jobs.test_store import new_job
from void_protocol.messages import JobState, OwnerShare, QueueInfo
from void_server.broker.jobs.queue import JobQueue
from void_server.broker.jobs.store import Store


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


def add(store: Store, queue: JobQueue, job_id: str, owner: str = "anna", priority: int = 0) -> None:
    store.add_job(msgspec.structs.replace(new_job(job_id), owner=owner, priority=priority), JobState.QUEUED)
    queue.changed(job_id, JobState.QUEUED)


def move(store: Store, queue: JobQueue, job_id: str, state: JobState, *, first: bool = False) -> None:
    store.set_state(job_id, state, first=first)
    queue.changed(job_id, state)


def test_everything_survives_a_restart(store: Store, clock: Clock) -> None:
    queue = JobQueue(store, 3600.0, clock)
    for job_id, owner in (("a", "anna"), ("b", "anna"), ("c", "ben"), ("d", "ben")):
        add(store, queue, job_id, owner)
    queue.set_priority("d", 7)
    queue.hold("a", "anna")
    move(store, queue, "c", JobState.RUNNING)
    clock.now += 100.0
    move(store, queue, "c", JobState.DONE)
    queue.set_gate("paused", "eve", "dailies")
    expected = QueueInfo(mode="paused", set_by="eve", reason="dailies", since=clock.now)
    for each in (queue, JobQueue(store, 3600.0, clock)):
        if each is not queue:
            each.recover()
        assert each.gate == expected
        assert each.next() is None
        assert {job_id: each.position(job_id) for job_id in "abcd"} == {"a": None, "b": 1, "c": None, "d": 0}
        assert each.holder("a") == "anna"
        assert each.shares() == [
            OwnerShare(owner="ben", queued=1, running=0, used_s=100.0),
            OwnerShare(owner="anna", queued=1, running=0, used_s=0.0),
        ]
    each.set_gate("open", "eve", "")
    assert each.next() == "d"
    move(store, each, "d", JobState.RUNNING)
    assert each.next() == "b"
    each.hold("a", "")
    assert each.next() == "a"


def test_a_draining_queue_starts_nothing(store: Store, clock: Clock) -> None:
    queue = JobQueue(store, 3600.0, clock)
    add(store, queue, "a")
    queue.set_gate("draining", "eve", "")
    assert queue.next() is None
    assert queue.position("a") == 0


def test_a_cancelled_run_uses_time_until_its_worker_has_let_go(store: Store, clock: Clock) -> None:
    queue = JobQueue(store, 3600.0, clock)
    add(store, queue, "a")
    move(store, queue, "a", JobState.RUNNING)
    clock.now += 5.0
    move(store, queue, "a", JobState.CANCELLING)
    assert queue.shares()[0].running == 1
    clock.now += 5.0
    move(store, queue, "a", JobState.CANCELLED)
    assert queue.shares() == [OwnerShare(owner="anna", queued=0, running=0, used_s=10.0)]
    clock.now += 30 * 3600.0
    queue.forget_unused()
    assert queue.shares() == []
    assert store.database.read("SELECT * FROM usage") == []


def test_a_job_put_back_goes_before_those_that_never_ran(store: Store, clock: Clock) -> None:
    queue = JobQueue(store, 3600.0, clock)
    add(store, queue, "a", "anna")
    add(store, queue, "b", "ben")
    move(store, queue, "a", JobState.RUNNING)
    clock.now += 1000.0
    move(store, queue, "a", JobState.QUEUED, first=True)
    assert queue.next() == "a"


def test_after_a_crash_a_run_counts_up_to_its_last_frame(store: Store, clock: Clock) -> None:
    queue = JobQueue(store, 3600.0, clock)
    add(store, queue, "a")
    add(store, queue, "b")
    for job_id in "ab":
        move(store, queue, job_id, JobState.RUNNING)
    clock.now += 40.0
    store.add_result("a", 1, 2, "ff", 40.0)
    clock.now += 86_400.0  # the machine was off
    JobQueue(store, 3600.0, clock).recover()
    for job_id in "ab":
        store.set_state(job_id, JobState.QUEUED)
    infos = {job_id: store.info(job_id) for job_id in "ab"}
    assert {job_id: info.run_s for job_id, info in infos.items() if info} == {"a": 40.0, "b": 0.0}
