"""Large and small jobs are read alike, and a large one leaves this process's threads alone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from void_protocol.job import Format, Matte, Output, RemovalJob, RotoPoint, RotoShape, ShapeFrame, Shot
from void_protocol.job_file import JOB_BYTES, encode_job
from void_protocol.messages import ManifestEntry
from void_protocol.wire import encode_manifest
from void_server.broker.transfers import job_reading
from void_server.broker.transfers.job_reading import QUICK_BYTES, read_job
from void_server.broker.transfers.packed_manifest import ManifestColumns
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


def noted_runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list to which the command of each process that is started is added."""
    runs: list[list[str]] = []
    start = subprocess.Popen

    def noted(command: list[str], **more: Any) -> Any:
        runs.append(command)
        return start(command, **more)

    monkeypatch.setattr(job_reading.subprocess, "Popen", noted)
    return runs


def test_a_large_job_is_read_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    text = encode_job(job(4000))
    assert len(text) > QUICK_BYTES
    runs = noted_runs(monkeypatch)
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
        with pytest.raises(RequestRefused) as caught:
            read_job(text)
        said.append(str(caught.value))
    monkeypatch.setattr(job_reading, "QUICK_BYTES", JOB_BYTES)
    for text, words in zip(texts, said, strict=True):
        with pytest.raises(RequestRefused) as caught:
            read_job(text)
        assert str(caught.value) == words
    with pytest.raises(RequestRefused, match="at most"):
        read_job(b" " * (JOB_BYTES + 1))


@pytest.mark.slow
def test_a_long_manifest_is_read_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest may be long where the job is short: 600,000 files take half a second to decode."""
    runs = noted_runs(monkeypatch)
    shot = msgspec.structs.replace(job(4).shot, last_frame=20_000)
    mattes = [Matte(role="remove", pattern="/p/matte.exr")]
    text = encode_job(msgspec.structs.replace(job(4), shot=shot, shapes=[], mattes=mattes))
    entries = [ManifestEntry("plate", frame, 7 * frame) for frame in shot.frame_numbers]
    entries.append(ManifestEntry("matte.0", None, 1))
    short = encode_manifest(entries)
    assert len(text) + len(short) < QUICK_BYTES
    found = read_job(text, memoryview(short))
    assert len(runs) == 1
    assert found.manifest is not None
    columns = ManifestColumns(found.manifest)
    assert list(columns) == entries
    assert (columns.total_bytes, found.manifest.largest) == (7 * sum(shot.frame_numbers) + 1, 19_999)
    wrong = {
        b"[": ("bad_message", "the manifest is not readable"),
        encode_manifest(entries[:-1]): ("bad_job", "the manifest ends before matte.0 frame None"),
        encode_manifest([*entries, *entries[:1]]): ("bad_job", "has 20002 files; the job needs 20001"),
        encode_manifest(entries[::-1]): ("bad_job", "file 0 of the manifest is matte.0 frame None"),
    }
    for quick in (0, JOB_BYTES):
        monkeypatch.setattr(job_reading, "QUICK_BYTES", quick)
        for manifest, (code, words) in wrong.items():
            with pytest.raises(RequestRefused, match=words) as caught:
                read_job(text, manifest)
            assert caught.value.code == code
    assert read_job(text, short) == found
    assert len(runs) == 5


def test_a_reader_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(job_reading, "_LIMIT_S", 0.5)
    hanging = tmp_path / "python"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(job_reading.sys, "executable", str(hanging))
    began = time.monotonic()
    with pytest.raises(RequestRefused, match="cannot read this job now"):
        read_job(b" " * (QUICK_BYTES + 1))
    assert time.monotonic() - began < 30.0


def test_a_reader_that_fails_refuses_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_reading.sys, "executable", "/no/such/python")
    with pytest.raises(RequestRefused, match="cannot read this job now") as caught:
        read_job(b" " * (QUICK_BYTES + 1))
    assert caught.value.code == "internal"
