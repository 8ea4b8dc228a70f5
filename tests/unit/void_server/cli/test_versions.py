"""Which version a job takes, by the frames that are there; none of its questions is asked for each frame."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from void_engine.made_from import JOB_ID_KEY, OUTPUT_VERSION_KEY, PROXY_SCALE_KEY, SHOT_KEY, MadeFrom
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.errors import ServerError
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import job_fingerprint
from void_protocol.sequence import frame_path
from void_server.cli import versions
from void_server.cli.jobs import known_to
from void_server.cli.versions import free_version, proxies_there


@pytest.fixture
def job(tmp_path: Path) -> RemovalJob:
    size = Format(width=8, height=8)
    return RemovalJob(
        shot=Shot(name="a", plate="a.%04d.exr", first_frame=1, last_frame=3, format=size),
        mattes=[Matte(role="remove", pattern="m.%04d.exr")],
        output=Output(pattern=str(tmp_path / "r_{version}.%04d.exr")),
    )


def write_result(job: RemovalJob, metadata: dict[str, Any]) -> None:
    for number in job.shot.frame_numbers:
        frame = Frame.from_pixels(number, ("R", "G", "B"), np.zeros((8, 8, 3), np.float16))
        path = frame_path(job.output.versioned_pattern, number)
        write_frame(frame.with_metadata(metadata), path)


class AskedServer:
    """Knows some jobs, and counts how often it is asked."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.asked = 0

    def job(self, job_id: str) -> Future[str]:
        self.asked += 1
        answer: Future[str] = Future()
        if job_id in self.known:
            answer.set_result(job_id)
        else:
            answer.set_exception(ServerError("unknown_job", job_id))
        return answer


@pytest.mark.parametrize(("is_known", "version"), [(True, 1), (False, 2)])
def test_the_server_is_asked_once_for_all_frames(job: RemovalJob, is_known: bool, version: int) -> None:
    write_result(job, {JOB_ID_KEY: job.job_id})
    server = AskedServer(*([job.job_id] if is_known else []))
    assert free_version(job, partial(known_to, server)).output.version == version
    assert server.asked == 1


def test_frames_of_others_are_no_question_to_the_server(job: RemovalJob) -> None:
    write_result(job, {JOB_ID_KEY: "another"})
    server = AskedServer()
    assert free_version(job, partial(known_to, server)).output.version == 2
    assert server.asked == 0


def test_what_the_job_says_is_hashed_once_for_all_frames(
    job: RemovalJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result(job, MadeFrom(job.job_id, job_fingerprint(job)).metadata())
    hashed: list[RemovalJob] = []

    def hashing(one: RemovalJob) -> str:
        hashed.append(one)
        return job_fingerprint(one)

    monkeypatch.setattr(versions, "job_fingerprint", hashing)
    assert free_version(job) is job
    assert hashed == [job]


def test_frames_of_the_edited_job_and_unreadable_ones_are_in_the_way(job: RemovalJob) -> None:
    write_result(job, MadeFrom(job.job_id, "0" * 64).metadata())
    assert free_version(job).output.version == 2
    for number in job.shot.frame_numbers:
        frame_path(job.output.versioned_pattern, number).write_bytes(b"no picture")
    assert free_version(job).output.version == 2


@pytest.mark.parametrize(("scale", "frames"), [(0.5, {1, 2, 3}), (1.0, set())])
def test_proxies_of_the_version_are_found_and_not_in_the_way(
    job: RemovalJob, scale: float, frames: set[int]
) -> None:
    about = {SHOT_KEY: "a", OUTPUT_VERSION_KEY: 1, PROXY_SCALE_KEY: scale}
    write_result(job, about)
    assert proxies_there(job) == frames
    assert free_version(job).output.version == (1 if frames else 2)
