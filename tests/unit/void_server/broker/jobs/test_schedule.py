from __future__ import annotations

import random
from collections import Counter

import pytest

from void_server.broker.jobs.schedule import FairSchedule, UsedTime, WaitingJob

HOUR_S = 3600.0


def job(name: str, *, priority: int = 0, is_begun: bool = False, order: int | None = None) -> WaitingJob:
    """``anna3``: the third job of anna."""
    number = int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    return WaitingJob(
        job_id=name,
        owner=name.rstrip("0123456789"),
        priority=priority,
        is_begun=is_begun,
        order=number if order is None else order,
    )


def schedule_of(*jobs: WaitingJob) -> FairSchedule:
    schedule = FairSchedule(4 * HOUR_S)
    for each in jobs:
        schedule.put(each)
    return schedule


def run_all(schedule: FairSchedule, seconds: float = 10.0, now: float = 0.0) -> list[str]:
    """The order in which one worker runs everything."""
    ran = []
    while (job_id := schedule.next(now)) is not None:
        ran.append(job_id)
        schedule.start(job_id, job_id.rstrip("0123456789"), now)
        now += seconds
        schedule.stop(job_id, now)
    return ran


def test_one_owner_has_a_plain_queue() -> None:
    schedule = schedule_of(job("anna3"), job("anna1"), job("anna2"))
    assert [schedule.position(f"anna{number}", 0.0) for number in (1, 2, 3)] == [0, 1, 2]
    assert run_all(schedule) == ["anna1", "anna2", "anna3"]
    assert schedule.next(0.0) is None


def test_owners_take_turns_however_much_one_of_them_submits() -> None:
    schedule = schedule_of(*(job(f"anna{number}") for number in range(1, 6)), job("ben6"), job("ben7"))
    assert run_all(schedule) == ["anna1", "ben6", "anna2", "ben7", "anna3", "anna4", "anna5"]


def test_positions_are_what_comes_true() -> None:
    names = ("anna1", "anna2", "anna3", "ben4", "ben5", "carl6")
    schedule = schedule_of(*(job(name) for name in names))
    positions = {name: schedule.position(name, 0.0) for name in names}
    order = run_all(schedule)
    assert {name: order.index(name) for name in names} == positions
    assert schedule.position("anna1", 0.0) is None


def test_time_counts_not_jobs() -> None:
    """Ben's shots take nine times as long: in the long run both get the same time."""
    schedule = schedule_of(*(job(f"{who}{number}") for who in ("anna", "ben") for number in range(700)))
    now, used = 0.0, Counter[str]()
    while now < 1000.0:
        job_id = schedule.next(now)
        assert job_id is not None
        owner = job_id.rstrip("0123456789")
        seconds = 9.0 if owner == "ben" else 1.0
        schedule.start(job_id, owner, now)
        now += seconds
        schedule.stop(job_id, now)
        used[owner] += int(seconds)
    assert abs(used["anna"] - used["ben"]) <= 10


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (job("anna9", priority=1), job("anna1")),
        (job("anna9"), job("anna1", priority=-1)),
        (job("anna9", is_begun=True), job("anna1")),
        (job("anna9", priority=1), job("anna1", is_begun=True)),
        (job("ben9", priority=5), job("anna1", priority=4)),
    ],
)
def test_priority_then_what_was_begun_then_the_order(first: WaitingJob, second: WaitingJob) -> None:
    schedule = schedule_of(second, first)
    schedule.used[first.owner] = UsedTime(1e6, 0.0)  # which a class apart does not mind
    assert schedule.position(first.job_id, 0.0) == 0
    assert run_all(schedule) == [first.job_id, second.job_id]


def test_several_workers_serve_several_owners() -> None:
    schedule = schedule_of(*(job(f"anna{number}") for number in range(5)), job("ben9"))
    schedule.used["ben"] = UsedTime(500.0, 0.0)
    begun = []
    for _ in range(3):  # three workers at the same moment
        job_id = schedule.next(0.0)
        assert job_id is not None
        begun.append(job_id)
        schedule.start(job_id, job_id.rstrip("0123456789"), 0.0)
    assert begun == ["anna0", "ben9", "anna1"]
    assert schedule.counts() == {"anna": (3, 2), "ben": (0, 1)}


def test_what_runs_now_counts_already() -> None:
    schedule = schedule_of(job("anna1"), job("ben1"))
    schedule.used["ben"] = UsedTime(60.0, 0.0)
    schedule.start("anna0", "anna", 0.0)
    schedule.start("ben0", "ben", 0.0)
    assert schedule.next(30.0) == "anna1"
    assert schedule.used_s(30.0)["anna"] == 30.0
    schedule.stop("ben0", 30.0)
    assert schedule.next(30.0) == "ben1"  # anna's worker is still busy


def test_used_time_fades() -> None:
    used = UsedTime(800.0, 1000.0)
    assert used.now(1000.0 + 4 * HOUR_S, 4 * HOUR_S) == pytest.approx(400.0)
    assert used.now(900.0, HOUR_S) == 800.0  # a clock that was set back does not make it grow
    schedule = schedule_of(job("anna1"), job("ben1"))
    schedule.used.update(anna=used, ben=UsedTime(100.0, 1000.0 + 16 * HOUR_S))
    assert schedule.next(1000.0 + 16 * HOUR_S) == "anna1"  # 50 are left of her 800


def test_a_stop_without_a_start_is_nothing() -> None:
    assert schedule_of().stop("anna1", 5.0) is None


def test_a_job_that_changes_leaves_nothing_behind() -> None:
    chance = random.Random(6)
    schedule = schedule_of()
    there: dict[str, WaitingJob] = {}
    for _ in range(2000):
        name = f"{chance.choice(('anna', 'ben', 'carl'))}{chance.randrange(20)}"
        if chance.random() < 0.4:
            schedule.remove(name)
            there.pop(name, None)
        else:
            there[name] = job(name, priority=chance.randrange(-2, 3), is_begun=chance.random() < 0.3)
            schedule.put(there[name])
    assert sum(waiting for waiting, _ in schedule.counts().values()) == len(there) > 10
    positions = sorted(schedule.position(name, 0.0) or 0 for name in there)
    assert positions[0] == 0
    assert positions[-1] < len(there)
    ran = run_all(schedule)
    assert sorted(ran) == sorted(there)
    classes = [(-there[name].priority, not there[name].is_begun) for name in ran]
    assert classes == sorted(classes)


def test_of_owners_with_equal_shares_the_one_whose_turn_was_longest_ago_is_next() -> None:
    """Not the one whose name comes first, nor the one who had the most turns."""
    schedule = schedule_of(*(job(f"{who}9") for who in ("anna", "ben", "carl")))
    for number, owner in enumerate(("carl", "anna", "ben", "carl", "ben", "anna")):
        schedule.start(f"{owner}{number}", owner, 0.0)
        schedule.stop(f"{owner}{number}", 0.0)  # without having taken any time
    order = []
    for _ in range(3):
        job_id = schedule.next(0.0)
        assert job_id is not None
        order.append(job_id)
        schedule.remove(job_id)
    assert order == ["carl9", "ben9", "anna9"]
    assert [schedule_of(job("ben1"), job("anna2")).next(0.0)] == [
        "anna2"
    ]  # of two without any turn: the name


def test_one_who_never_had_a_turn_comes_before_one_who_had() -> None:
    schedule = schedule_of(job("anna1"), job("ben2"))
    schedule.start("anna0", "anna", 0.0)
    schedule.stop("anna0", 0.0)
    assert schedule.next(0.0) == "ben2"
    assert (schedule.position("ben2", 0.0), schedule.position("anna1", 0.0)) == (0, 1)


def test_a_clock_that_goes_back_takes_nothing_from_anybody() -> None:
    schedule = schedule_of(job("anna1"), job("ben1"))
    schedule.start("anna0", "anna", 1000.0)
    assert schedule.used_s(400.0) == {"anna": 0.0}
    owner, used = schedule.stop("anna0", 400.0) or ("", UsedTime(-1.0, 0.0))
    assert (owner, used.seconds, used.at) == ("anna", 0.0, 400.0)
    schedule.start("ben0", "ben", 500.0)
    schedule.stop("ben0", 530.0)
    assert schedule.used_s(530.0) == {"anna": 0.0, "ben": 30.0}
    # What was used before the clock went back stays used, undiminished, until the clock has caught up.
    assert schedule.used_s(100.0)["ben"] == 30.0
    schedule.start("ben2", "ben", 100.0)
    schedule.stop("ben2", 110.0)
    assert schedule.used_s(110.0)["ben"] == 40.0
    assert schedule.next(110.0) == "anna1"


def test_a_job_that_is_begun_twice_has_run_since_it_was_first_begun() -> None:
    schedule = schedule_of()
    schedule.start("anna1", "anna", 10.0)
    schedule.start("anna1", "anna", 50.0)
    assert schedule.counts() == {"anna": (0, 1)}
    stopped = schedule.stop("anna1", 60.0)
    assert stopped is not None
    assert stopped[1].seconds == 50.0
    assert schedule.counts() == {}


def test_shares_that_differ_by_less_than_a_clock_tells_are_the_same() -> None:
    schedule = schedule_of(job("anna1"), job("ben1"))
    schedule.start("anna0", "anna", 0.0)
    schedule.stop("anna0", 0.0)
    schedule.used.update(anna=UsedTime(10.0, 0.0), ben=UsedTime(10.0004, 0.0))
    assert schedule.next(0.0) == "ben1"  # anna had the last turn
    schedule.used["ben"] = UsedTime(10.002, 0.0)
    assert schedule.next(0.0) == "anna1"


def test_each_owner_has_used_what_his_own_jobs_have() -> None:
    schedule = schedule_of()
    schedule.start("anna0", "anna", 0.0)
    schedule.start("ben0", "ben", 10.0)
    schedule.start("ben1", "ben", 25.0)
    assert schedule.used_s(30.0) == {"anna": 30.0, "ben": 25.0}
    schedule.stop("ben1", 30.0)
    assert schedule.used_s(30.0) == {"anna": 30.0, "ben": 25.0}
