from __future__ import annotations

import pytest

from void_protocol.messages import JobInfo, JobState
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import CommandError
from void_server.cli.following import only_watching


def job() -> JobInfo:
    return JobInfo(
        job_id="0123456789abcdef", name="sh010", engine="e", owner="o", state=JobState.RUNNING,
        frames_total=4, frames_done=1, inputs="paths", outputs="paths", output_pattern="p", created_at=0.0,
    )  # fmt: skip


def test_who_stops_watching_hears_that_the_job_goes_on_and_what_to_type() -> None:
    with pytest.raises(CommandError) as told, only_watching(job()):
        raise KeyboardInterrupt
    assert told.value.code is ExitCode.CANCELLED
    text = str(told.value)
    assert text.startswith("no longer watching; job 0123456789abcdef (sh010) goes on at the server.")
    assert "'void watch 01234567' takes it up again, 'void cancel 01234567' stops it" in text
    assert "cancelled" not in text


def test_what_is_watched_to_its_end_says_nothing_of_it() -> None:
    with only_watching(job()):
        pass
    with pytest.raises(ValueError, match="other"), only_watching(job()):
        raise ValueError("other")
