from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

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


def test_a_single_byte_may_make_room() -> None:
    for holding in (Holding("anna", 1), Holding("anna", 0, 1)):
        counted = quotas(client_spool_bytes=100, spool_bytes=1000)
        counted.enter("a", Holding("anna", 99))
        counted.enter("b", holding)
        assert counted.others_may_make_room("a", set())


@pytest.mark.parametrize(
    ("own", "every", "is_own"), [(300, 1000, True), (760, 1000, False), (740, 1000, True)]
)
def test_the_nearer_limit_decides_who_can_make_room(own: int, every: int, is_own: bool) -> None:
    """Anna has 250 bytes and bert 260, so the limit of all leaves 490."""
    counted = quotas(client_spool_bytes=own, spool_bytes=every)
    counted.enter("a", Holding("anna", 250))
    counted.enter("b", Holding("bert", 260))
    assert counted.others_may_make_room("a", set()) != is_own


def test_limits_that_were_lowered_hold_for_those_who_are_beyond_them() -> None:
    counted = quotas(client_open_jobs=2, most_open_jobs=2)
    for name in "abc":  # taken over from a server with other limits
        counted.enter(name, Holding("anna"))
    with pytest.raises(RequestRefused, match="most_open_jobs"):
        counted.check(Holding("bert"))


def test_a_job_that_was_never_open_may_end() -> None:
    counted = quotas()
    counted.leave("nobody")
    counted.released("nobody")
    counted.add_result("nobody", 5)


def test_an_ended_jobs_inputs_are_given_back_while_another_is_open() -> None:
    counted = quotas(client_spool_bytes=100, spool_bytes=150)
    counted.enter("a", Holding("anna", 30))
    counted.enter("b", Holding("anna", 40))
    counted.enter("c", Holding("bert", 50))
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (30, 30)
    counted.leave("b")
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (70, 50)
    counted.leave("b")  # it ends once
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (70, 50)
    counted.check(Holding("anna", 70))
    with pytest.raises(RequestRefused, match="101 bytes"):
        counted.check(Holding("anna", 71))


def test_a_job_that_is_entered_again_counts_as_it_is_now() -> None:
    counted = quotas(client_spool_bytes=100, spool_bytes=1000, client_open_jobs=2)
    counted.enter("a", Holding("anna", 60, 5))
    counted.enter("a", Holding("anna", 20, 5))  # begun again, with fewer files to send
    assert counted.room_bytes("anna") == 75
    counted.enter("a", Holding("bert", 20))  # somebody else's now
    assert (counted.room_bytes("anna"), counted.room_bytes("bert")) == (100, 80)
    counted.enter("a", Holding("bert", 20), is_open=False)  # over, with nothing to show for it
    assert counted.room_bytes("bert") == 100
    for name in "bc":
        counted.enter(name, Holding("bert"))
        counted.enter(name, Holding("bert"))
    with pytest.raises(RequestRefused, match="bert has 2 open jobs"):
        counted.check(Holding("bert"))


_STEPS = some.lists(
    some.tuples(
        some.sampled_from(("enter", "found again", "leave", "result", "released")),
        some.sampled_from("abcd"),
        some.sampled_from(("anna", "bert")),
        some.integers(0, 50),
        some.integers(0, 50),
    ),
    max_size=30,
)


@given(_STEPS)
def test_whatever_happens_the_sums_are_those_of_the_jobs_that_are_there(
    steps: list[tuple[str, str, str, int, int]],
) -> None:
    most = {"client_open_jobs": 2, "most_open_jobs": 3, "client_spool_bytes": 100, "spool_bytes": 150}
    counted = quotas(**most)
    there: dict[str, tuple[Holding, bool]] = {}
    for what, name, owner, upload, result in steps:
        if what == "enter":
            there[name] = Holding(owner, upload, result), True
            counted.enter(name, there[name][0])
        elif what == "found again":  # as when the server starts
            there[name] = Holding(owner, 0, result), False
            counted.enter(name, there[name][0], is_open=False)
        elif what == "leave":
            counted.leave(name)
            if name in there:
                there[name] = there[name][0]._replace(upload_bytes=0), False
        elif what == "result":
            counted.add_result(name, result)
            if name in there:
                held, is_open = there[name]
                there[name] = held._replace(result_bytes=held.result_bytes + result), is_open
        else:
            counted.released(name)
            if name in there:
                there[name] = there[name][0]._replace(result_bytes=0), there[name][1]
        there = {key: (held, is_open) for key, (held, is_open) in there.items() if is_open or held[2]}

        open_jobs = [held.owner for held, is_open in there.values() if is_open]
        every = sum(held.upload_bytes + held.result_bytes for held, _ in there.values())
        for client in ("anna", "bert"):
            own = sum(
                held.upload_bytes + held.result_bytes for held, _ in there.values() if held.owner == client
            )
            room = max(0, min(100 - own, 150 - every))
            assert counted.room_bytes(client) == room
            fits = len(open_jobs) < 3 and open_jobs.count(client) < 2
            for more, allowed in ((0, fits), (room, fits), (room + 1, False)):
                if allowed:
                    counted.check(Holding(client, more))
                else:
                    with pytest.raises(RequestRefused):
                        counted.check(Holding(client, more))
