from __future__ import annotations

from void_server.workers.assignment import Assignment


def test_a_silent_job_is_asked_once_where_it_hangs_then_given_a_moment() -> None:
    job = Assignment("job", now=100.0, log_offset=0)
    assert [job.silence(now, 10.0) for now in (110.0, 110.1, 110.2, 110.6, 110.7)] == [
        "none", "ask", "wait", "wait", "over",
    ]  # fmt: skip
    job.gave_sign(111.0, "mattes")  # it was only slow: the next silence is asked about again
    assert [job.silence(now, 10.0) for now in (121.0, 121.1)] == ["none", "ask"]
    assert job.stage == "mattes"
    job.gave_sign(122.0)
    assert job.stage == "mattes"


def test_a_stop_is_asked_for_once_and_has_its_grace() -> None:
    job = Assignment("job", now=100.0, log_offset=0)
    assert not job.ignores_stop(1000.0, 5.0)
    assert job.ask_stop(200.0)
    assert not job.ask_stop(204.0)  # which gives it no more time
    assert not job.ignores_stop(205.0, 5.0)
    assert job.ignores_stop(205.1, 5.0)
