"""Large and small jobs are read alike, and a large one leaves this process's threads alone."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import msgspec
import pytest

from void_protocol.errors import JobError
from void_protocol.job import Format, Output, RemovalJob, RotoPoint, RotoShape, ShapeFrame, Shot
from void_protocol.job_file import JOB_BYTES, encode_job
from void_server.broker.transfers import job_reading
from void_server.broker.transfers.job_reading import QUICK_BYTES, read_job
from void_server.errors import RequestRefused


def job(points: int, **changes: Any) -> RemovalJob:
    outline = [RotoPoint(x=n / 8 + 0.0625, y=n / 4, left_x=-1.125, right_x=1.125) for n in range(points)]
    return RemovalJob(
        job_id="large",
        shot=Shot(
            name="a shot",
            plate="/p/plate.%04d.exr",
            first_frame=1,
            last_frame=1,
            format=Format(width=64, height=48),
        ),
        shapes=[
            RotoShape(name=f"s{n}", role="remove", frames=[ShapeFrame(frame=1, points=outline)])
            for n in range(10)
        ],
        output=Output(pattern="/o/result.%04d.exr"),
        **changes,
    )


def test_a_large_job_is_read_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    text = encode_job(job(4000))
    assert len(text) > QUICK_BYTES
    runs: list[list[str]] = []
    run = subprocess.run

    def noted(command: list[str], **more: Any) -> Any:
        runs.append(command)
        return run(command, **more)

    monkeypatch.setattr(job_reading.subprocess, "run", noted)
    began = time.process_time()
    found = read_job(memoryview(text))
    assert time.process_time() - began < 0.2
    assert len(runs) == 1
    assert found.job.shapes == []
    assert msgspec.structs.replace(job(4000), shapes=[]) == found.job
    monkeypatch.setattr(job_reading, "QUICK_BYTES", JOB_BYTES)
    assert read_job(text) == found
    spaced = text.replace(b'"shapes":', b' "shapes" : ')
    assert read_job(spaced) == found  # what it says counts, not how
    assert read_job(encode_job(job(3999))).shapes != found.shapes
    assert len(runs) == 1


def test_what_is_wrong_is_told_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        b"[" * (QUICK_BYTES + 1),
        encode_job(job(4000)).replace(b'"width":64', b'"width":-4'),
        b"{" + b" " * QUICK_BYTES + b'"shot": NaN}',
    ]
    said = []
    for text in texts:
        with pytest.raises(JobError) as caught:
            read_job(text)
        said.append(str(caught.value))
    monkeypatch.setattr(job_reading, "QUICK_BYTES", JOB_BYTES)
    for text, words in zip(texts, said, strict=True):
        with pytest.raises(JobError) as caught:
            read_job(text)
        assert str(caught.value) == words
    with pytest.raises(JobError, match="at most"):
        read_job(b" " * (JOB_BYTES + 1))


def test_a_reader_that_fails_refuses_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_reading.sys, "executable", "/no/such/python")
    with pytest.raises(RequestRefused, match="cannot read this job now") as caught:
        read_job(b" " * (QUICK_BYTES + 1))
    assert caught.value.code == "internal"
