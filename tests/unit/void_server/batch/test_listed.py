"""Jobs that are given twice, and jobs that would write the same files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.integration.command_case import write_shot
from void_protocol.job import RemovalJob
from void_server.batch.errors import ManifestError
from void_server.batch.listed import BadShot, Listed, once_each
from void_server.batch.manifest_row import ManifestRow, jobs_of


@pytest.fixture
def row(tmp_path: Path) -> ManifestRow:
    plate = write_shot(tmp_path / "a", range(1001, 1007))
    return ManifestRow(
        shot="a", plate=str(plate), remove=f"{plate}:matte.A", output="out/r_{version}.%04d.exr"
    )


def jobs(row: ManifestRow, tmp_path: Path, **changes: object) -> list[RemovalJob]:
    found = jobs_of(msgspec.structs.replace(row, **changes), tmp_path, "line 2")
    assert not any(isinstance(one, BadShot) for one in found), found
    return [one for one in found if isinstance(one, RemovalJob)]


def test_a_job_that_comes_again_is_done_once(row: ManifestRow, tmp_path: Path) -> None:
    assert len(once_each(jobs(row, tmp_path) * 3)) == 1


@pytest.mark.parametrize(
    "output", ["out/r_{version}.%04d.exr", "./out/r_{version}.####.exr", "out/x/../r_v001.%04d.exr"]
)
def test_two_jobs_that_write_the_same_files_are_refused(
    row: ManifestRow, tmp_path: Path, output: str
) -> None:
    both = jobs(row, tmp_path) + jobs(row, tmp_path, shot="b", output=output)
    with pytest.raises(ManifestError, match="b and a both write"):
        once_each(both)


def test_other_versions_or_other_frames_are_other_files(row: ManifestRow, tmp_path: Path) -> None:
    both = jobs(row, tmp_path) + jobs(row, tmp_path, version=2)
    assert len(once_each(both)) == 2
    parts = jobs(row, tmp_path, frames="1001-1002, 1004-1005")
    found = [(job.shot.first_frame, job.shot.last_frame) for job in Listed(once_each(parts)).jobs]
    assert found == [
        (1001, 1002),
        (1004, 1005),
    ]


@pytest.mark.parametrize("name", ["../b", "a/../../b", "/b", "C:/b", "a\\b"])
def test_a_shots_name_cannot_lead_its_files_out(row: ManifestRow, tmp_path: Path, name: str) -> None:
    (bad,) = jobs_of(msgspec.structs.replace(row, shot=name), tmp_path, "line 2")
    assert isinstance(bad, BadShot)
    assert "out of their folder" in str(bad.error)


@pytest.mark.parametrize("name", ["sq010/sh010", "sh..010", "sh010.v2", "シーン"])
def test_other_names_may_stay(row: ManifestRow, tmp_path: Path, name: str) -> None:
    (job,) = jobs(row, tmp_path, shot=name)
    assert job.shot.name == name


def test_every_second_frame_is_taken_for_a_mistake(row: ManifestRow, tmp_path: Path) -> None:
    (bad,) = jobs_of(msgspec.structs.replace(row, frames="1001-1200x2"), tmp_path, "line 2")
    assert isinstance(bad, BadShot)
    assert "100 runs" in str(bad.error)
