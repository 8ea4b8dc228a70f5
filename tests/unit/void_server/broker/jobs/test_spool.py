from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from void_protocol.job import Anchors, Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_check import check_job
from void_protocol.manifest import input_files
from void_protocol.messages import ManifestEntry
from void_protocol.sequence import frame_path
from void_server.access.places import Places
from void_server.broker.jobs.spool import Spool
from void_server.workers.job_folder import local_job


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


def test_clients_hear_of_files_and_not_of_the_servers_folders(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "home")
    pattern = spool.files("a").input_pattern("matte.0", has_frames=True)
    others = f"is broken; {tmp_path}/elsewhere is not touched, nor b's {spool.folder('b')}"
    said = f"frame 1001 ({pattern % 1001}) {others}"
    told = spool.told("a", said)
    assert told == f"frame 1001 (inputs/matte.0/matte.0.0001001.exr) {others}"


def test_the_workers_job_names_the_spooled_files(job: RemovalJob, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    files = spool.files(job.job_id)
    local = local_job(job, files, "streamed", "streamed", Places())
    check_job(local.job)
    entries = [ManifestEntry(file.group, file.frame, 1) for file in input_files(job)]
    spool.make_folders(job.job_id, {entry.group for entry in entries}, "streamed")
    for entry in entries:
        spool.input_file(job.job_id, entry).write_bytes(b"x")
    found = [file.path for file in input_files(local.job)]
    assert all(path.read_bytes() == b"x" for path in found)
    assert len(set(found)) == len(entries) == 8
    assert local.read_folders == {path.parent for path in found} | {files.result}
    assert local.output_folder == files.result
    assert all(path.is_relative_to(tmp_path / "jobs") for path in found)
    result = frame_path(spool.result_pattern(job.job_id), -1)
    assert result == Path(local.job.output.versioned_pattern % -1)
    assert result.parent.is_dir()

    spool.remove_inputs(job.job_id)
    assert not any(path.exists() for path in found)
    spool.remove_results(job.job_id)
    assert not result.parent.exists()
    spool.remove_results(job.job_id)  # nothing there, no error


def test_files_that_go_by_path_are_where_they_were_found(job: RemovalJob, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    places = Places(
        plate="/real/p/p.%d.exr", mattes=["/real/m/m.#.exr", "/real/m/held.exr"], anchors="/real/a/a.#.exr",
        output="/real/o/o.%d.exr", linked_folders=["/real/store"],
    )  # fmt: skip
    files = spool.files(job.job_id)
    local = local_job(job, files, "paths", "paths", places)
    assert local.job.shot.plate == "/real/p/p.%d.exr"
    assert [matte.pattern for matte in local.job.mattes] == places.mattes
    assert local.job.output.versioned_pattern == "/real/o/o.%d.exr"
    assert local.output_folder == Path("/real/o")
    assert local.read_folders == {Path(f"/real/{name}") for name in ("p", "m", "a", "o", "store")}
    mixed = local_job(job, files, "paths", "streamed", places)
    assert mixed.job.shot == local.job.shot
    assert mixed.job.output.pattern == spool.result_pattern(job.job_id)
    assert mixed.output_folder == files.result


def test_a_long_jobs_text_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep_text("j", b"one", b"the job")
    spool.keep_text("j", b"two", b"another job of the same id")
    spool.remove_text("j", b"two")
    assert spool.files("j").text_file(b"one").read_bytes() == b"the job"
    assert spool.files("j").texts() == [spool.files("j").text_file(b"one")]
    spool.remove_inputs("j")
    assert spool.files("j").texts() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_looks_into_the_spool(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path)
        spool.make_folders("j", ["plate"], "streamed")
        spool.keep_text("j", b"one", b"the job")
    finally:
        os.umask(before)
    folders = [spool.root, *(path for path in spool.root.rglob("*") if path.is_dir())]
    assert len(folders) == 5
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert stat.S_IMODE(spool.files("j").text_file(b"one").stat().st_mode) == 0o600


def test_folders_differ_where_a_file_system_takes_names_for_the_same(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    names = {spool.folder(job_id).name.lower() for job_id in ("a", "A", "con", "CON")}
    assert len(names) == 4
    assert "con" not in names
