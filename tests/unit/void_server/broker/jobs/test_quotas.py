from __future__ import annotations

import pytest

from void_server.broker.jobs.quotas import Quotas
from void_server.broker.jobs.store import Holding
from void_server.errors import RequestRefused
from void_server.settings import ResourceLimits


def quotas(**limits: int) -> Quotas:
    return Quotas(ResourceLimits(**limits))


def test_jobs_are_counted_for_each_client() -> None:
    counted = quotas(client_open_jobs=2)
    for name in "ab":
        counted.check(Holding("anna"))
        counted.enter(name, Holding("anna"))
    with pytest.raises(RequestRefused, match=r"anna has 2 open jobs; at most 2 \(client_open_jobs\)"):
        counted.check(Holding("anna"))
    counted.check(Holding("bert"))
    counted.leave("a")
    counted.check(Holding("anna"))


def test_jobs_of_all_clients_are_counted() -> None:
    counted = quotas(most_open_jobs=2)
    for name in "ab":
        counted.enter(name, Holding(name))
    with pytest.raises(RequestRefused, match=r"2 jobs are open already \(most_open_jobs\)"):
        counted.check(Holding("anna"))
    counted.enter("b", Holding("anna"))  # the same job again is no other one
    counted.leave("a")
    counted.check(Holding("anna"))


def test_bytes_are_counted_for_each_client_and_for_all() -> None:
    counted = quotas(client_spool_bytes=100, spool_bytes=150)
    counted.enter("a", Holding("anna", 90))
    with pytest.raises(
        RequestRefused, match=r"the files of anna .*101 bytes, at most 100 \(client_spool_bytes"
    ):
        counted.check(Holding("anna", 11))
    counted.check(Holding("anna", 10))
    with pytest.raises(RequestRefused, match=r"would have 151 bytes, at most 150 \(spool_bytes\)"):
        counted.check(Holding("bert", 61))
    counted.leave("a")
    counted.check(Holding("bert", 61))


def test_results_count_while_they_are_written_and_until_they_are_released() -> None:
    counted = quotas(client_spool_bytes=100, spool_bytes=150)
    counted.enter("a", Holding("anna", 20))
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (80, 100)
    counted.add_result("a", 70)
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (10, 60)
    with pytest.raises(RequestRefused, match="client_spool_bytes"):
        counted.check(Holding("anna", 11))
    counted.check(Holding("anna"))  # a job without inputs in the spool
    counted.add_result("a", 40)
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (0, 20)
    counted.leave("a")  # its inputs go, its results stay
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (0, 40)
    counted.released("a")
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (100, 100)
    counted.add_result("a", 5)  # it is not counted any more
    assert counted.room_bytes("anna") == 100


def test_who_may_make_room() -> None:
    counted = quotas(client_spool_bytes=100, spool_bytes=1000)
    counted.enter("a", Holding("anna", 0, 60))
    counted.enter("b", Holding("bert", 0, 90))
    assert not counted.others_may_make_room("a", set())  # anna's own limit is no business of bert's
    counted.enter("c", Holding("anna", 0, 40), is_open=False)
    assert counted.others_may_make_room("a", set())
    assert not counted.others_may_make_room("a", {"c"})  # which waits for room itself
    shared = quotas(client_spool_bytes=1000, spool_bytes=100)
    shared.enter("a", Holding("anna", 0, 60))
    shared.enter("b", Holding("bert", 30))
    assert shared.others_may_make_room("a", set())
    assert not shared.others_may_make_room("a", {"b"})


def test_a_job_that_was_never_open_may_end() -> None:
    counted = quotas()
    counted.leave("nobody")
    counted.released("nobody")
    counted.add_result("nobody", 5)
