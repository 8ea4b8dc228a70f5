from __future__ import annotations

from pathlib import Path

import pytest

from void_protocol.job import Anchors, Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_check import check_job
from void_protocol.manifest import input_files
from void_protocol.messages import ManifestEntry
from void_server.broker.jobs.spool import Spool


@pytest.fixture
def job() -> RemovalJob:
    return RemovalJob(
        job_id="CON",
        shot=Shot(
            name="s", plate="/p/p.%d.exr", first_frame=-1, last_frame=1, format=Format(width=4, height=4)
        ),
        mattes=[Matte(role="remove", pattern="/m/m.#.exr"), Matte(role="affected", pattern="/m/held.exr")],
        anchors=Anchors(pattern="/a/a.#.exr", frames=[0]),
        output=Output(pattern="/o/{version}/o.%d.exr"),
    )


def test_the_workers_job_names_the_spooled_files(job: RemovalJob, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    local = spool.local_job(job, "streamed", "streamed")
    check_job(local)
    entries = [ManifestEntry(file.group, file.frame, 1) for file in input_files(job)]
    spool.make_folders(job.job_id, entries, "streamed")
    for entry in entries:
        spool.input_file(job.job_id, entry).write_bytes(b"x")
    found = [file.path for file in input_files(local)]
    assert all(path.read_bytes() == b"x" for path in found)
    assert len(set(found)) == len(entries) == 8
    assert all(path.is_relative_to(tmp_path / "jobs") for path in found)
    result = spool.result_file(job, "streamed", -1)
    assert result == Path(local.output.versioned_pattern % -1)
    assert result.parent.is_dir()

    spool.remove_inputs(job.job_id)
    assert not any(path.exists() for path in found)
    spool.remove_results(job.job_id)
    assert not result.parent.exists()
    spool.remove_results(job.job_id)  # nothing there, no error


def test_paths_stay_as_they_are(job: RemovalJob, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.local_job(job, "paths", "paths") == job
    assert spool.result_file(job, "paths", 7) == Path("/o/v001/o.7.exr")
    mixed = spool.local_job(job, "paths", "streamed")
    assert mixed.shot == job.shot
    assert mixed.output.pattern == spool.result_pattern(job.job_id)


def test_folders_differ_where_a_file_system_takes_names_for_the_same(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    names = {spool.folder(job_id).name.lower() for job_id in ("a", "A", "con", "CON")}
    assert len(names) == 4
    assert "con" not in names
