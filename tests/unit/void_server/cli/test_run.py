from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.job_file import read_job, write_job
from void_server.batch.manifest_row import ManifestRow, jobs_of
from void_server.cli.job_overrides import JobOverrides, with_overrides


@pytest.fixture
def row(tmp_path: Path) -> ManifestRow:
    pixels = np.zeros((4, 6, 3), np.float16)
    for frame in (1001, 1002):
        write_frame(Frame.from_pixels(frame, "RGB", pixels), tmp_path / f"plate.{frame}.exr")
    return ManifestRow(
        shot="sh010", plate="plate.%04d.exr", remove="matte.exr", output="out_{version}.%04d.exr"
    )


def test_a_changed_job_has_the_id_that_a_batch_gives_it(row: ManifestRow, tmp_path: Path) -> None:
    listed = jobs_of(msgspec.structs.replace(row, engine="propagation", version=3), tmp_path, "row 1")[0]
    for old_id in ("4f1c9a0be2d94c4fa6d2f1a1f8f4d3c7", "hand-made"):
        file = tmp_path / f"{old_id}.json"
        write_job(msgspec.structs.replace(jobs_of(row, tmp_path, "row 1")[0], job_id=old_id), file)
        changed = with_overrides(read_job(file), JobOverrides(engine="propagation", version=3))
        assert changed == listed


def test_a_job_that_nothing_changes_keeps_its_id(row: ManifestRow, tmp_path: Path) -> None:
    job = msgspec.structs.replace(
        jobs_of(row, tmp_path, "row 1")[0],
        job_id="hand-made",
    )
    assert with_overrides(job, JobOverrides(engine=job.settings.engine, version=1)).job_id == "hand-made"
    assert with_overrides(job, JobOverrides()).job_id == "hand-made"
    second, third = (with_overrides(job, JobOverrides(version=version)) for version in (2, 3))
    assert second.job_id != third.job_id
