from __future__ import annotations

import pytest

from void_server.broker.jobs.quotas import Holding, Quotas
from void_server.errors import RequestRefused
from void_server.settings import ResourceLimits


def quotas(result_bytes: int = 0, **limits: int) -> Quotas:
    return Quotas(ResourceLimits(**limits), lambda: result_bytes)


def test_jobs_are_counted_for_each_client() -> None:
    counted = quotas(client_open_jobs=2)
    for name in "ab":
        counted.check(Holding("anna", 0))
        counted.enter(name, Holding("anna", 0))
    with pytest.raises(RequestRefused, match=r"anna has 2 open jobs; at most 2 \(client_open_jobs\)"):
        counted.check(Holding("anna", 0))
    counted.check(Holding("bert", 0))
    counted.leave("a")
    counted.check(Holding("anna", 0))


def test_jobs_of_all_clients_are_counted() -> None:
    counted = quotas(most_open_jobs=2)
    for name in "ab":
        counted.enter(name, Holding(name, 0))
    with pytest.raises(RequestRefused, match=r"2 jobs are open already \(most_open_jobs\)"):
        counted.check(Holding("anna", 0))
    counted.enter("b", Holding("anna", 0))  # the same job again is no other one
    counted.leave("a")
    counted.check(Holding("anna", 0))


def test_bytes_are_counted_for_each_client_and_for_all() -> None:
    counted = quotas(client_upload_bytes=100, spool_bytes=150)
    counted.enter("a", Holding("anna", 90))
    with pytest.raises(RequestRefused, match=r"anna's open jobs would have 101 bytes.*client_upload_bytes"):
        counted.check(Holding("anna", 11))
    counted.check(Holding("anna", 10))
    with pytest.raises(RequestRefused, match=r"would have 151 bytes; at most 150 \(spool_bytes\)"):
        counted.check(Holding("bert", 61))
    counted.leave("a")
    counted.check(Holding("bert", 61))


def test_results_take_room_for_uploads_only() -> None:
    counted = quotas(spool_bytes=100, result_bytes=95)
    counted.check(Holding("anna", 5))
    counted.check(Holding("anna", 0))
    with pytest.raises(RequestRefused, match="spool_bytes"):
        counted.check(Holding("anna", 6))


def test_a_job_that_was_never_open_may_end() -> None:
    quotas().leave("nobody")
