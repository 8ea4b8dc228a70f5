"""Which job of a server somebody means."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from void_protocol.client import Client
from void_protocol.errors import ServerError
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import read_job, with_content_id, write_job
from void_protocol.messages import JobInfo, JobState
from void_server.cli.explain import CommandError
from void_server.cli.job_names import find_job


class Server:
    """Answers as a client of a server that has these jobs, the newest first."""

    def __init__(self, *jobs: JobInfo) -> None:
        self._jobs = list(jobs)

    def jobs(self, limit: int) -> Future[list[JobInfo]]:
        return answered(self._jobs[:limit])

    def job(self, job_id: str) -> Future[JobInfo]:
        for job in self._jobs:
            if job.job_id == job_id:
                return answered(job)
        raise ServerError("unknown_job", "there is none")

    def wait_connected(self) -> object:
        return SimpleNamespace(owner="me")


def answered(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def info(job_id: str, name: str = "sh010", owner: str = "me", pattern: str = "/x.%04d.exr") -> JobInfo:
    return JobInfo(
        job_id=job_id, name=name, engine="e", owner=owner, state=JobState.RUNNING, frames_total=4,
        frames_done=1, inputs="paths", outputs="paths", output_pattern=pattern, created_at=0.0,
    )  # fmt: skip


def found(name: str, *jobs: JobInfo) -> str:
    return find_job(cast(Client, Server(*jobs)), name).job_id


def of(job: RemovalJob, **changes: Any) -> JobInfo:
    output = msgspec.structs.replace(job.output, **changes)
    tried = with_content_id(msgspec.structs.replace(job, output=output))
    return info(tried.job_id, job.shot.name, pattern=output.versioned_pattern)


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    size = Format(width=8, height=8)
    job = RemovalJob(
        job_id="1" * 32,
        shot=Shot(name="sh010", plate="a.%04d.exr", first_frame=1, last_frame=3, format=size),
        mattes=[Matte(role="remove", pattern="m.%04d.exr")],
        output=Output(pattern="clean/r_{version}.%04d.exr"),
    )
    write_job(job, tmp_path / "job.json")
    return tmp_path / "job.json"


def test_a_file_means_the_newest_try_of_its_result(job_file: Path) -> None:
    job = read_job(job_file)
    other = info("other", job.shot.name, pattern="/elsewhere_v002.%04d.exr")
    first = info(job.job_id, pattern=job.output.versioned_pattern)
    assert found(str(job_file), other, first) == job.job_id
    second = of(job, version=2)
    assert second.job_id != job.job_id
    assert found(str(job_file), other, second, first) == second.job_id
    assert found(str(job_file), other, second) == second.job_id


def test_a_file_that_the_server_has_no_job_of_is_named(job_file: Path) -> None:
    with pytest.raises(CommandError, match=f"no job of {job_file}.*void submit"):
        found(str(job_file), info("other", pattern="/elsewhere_v002.%04d.exr"))


def test_ids_shots_and_the_last_one() -> None:
    jobs = (info("b1", "sh020", owner="you"), info("a2"), info("a1"), info("cc", "sh030"))
    assert found("cc", *jobs) == "cc"
    assert found("c", *jobs) == "cc"
    assert found("sh010", *jobs) == "a2"
    assert found("last", *jobs) == "a2"
    with pytest.raises(CommandError, match="2 jobs begin with 'a'"):
        found("a", *jobs)
    with pytest.raises(CommandError, match="no job 'zz'"):
        found("zz", *jobs)
    with pytest.raises(CommandError, match="no job of yours"):
        found("last", jobs[0])
