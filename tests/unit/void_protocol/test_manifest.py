from __future__ import annotations

from pathlib import Path

import pytest

from void_protocol.errors import TransferError
from void_protocol.job import Anchors, Format, Matte, Output, RemovalJob, Shot
from void_protocol.manifest import input_files, measure_inputs
from void_protocol.messages import ManifestEntry


@pytest.fixture
def job(tmp_path: Path) -> RemovalJob:
    for name, size in {
        "p.1.exr": 10,
        "p.2.exr": 0,
        "m.1.exr": 3,
        "m.2.exr": 4,
        "held.exr": 5,
        "a.2.exr": 6,
    }.items():
        (tmp_path / name).write_bytes(bytes(size))
    return RemovalJob(
        shot=Shot(
            name="s",
            plate=str(tmp_path / "p.%d.exr"),
            first_frame=1,
            last_frame=2,
            format=Format(width=4, height=4),
        ),
        mattes=[
            Matte(role="remove", pattern=str(tmp_path / "m.#.exr")),
            Matte(role="affected", pattern=str(tmp_path / "held.exr")),
        ],
        anchors=Anchors(pattern=str(tmp_path / "a.#.exr"), frames=[2, 2]),
        output=Output(pattern=str(tmp_path / "o.%d.exr")),
    )


def test_files_in_the_documented_order(job: RemovalJob) -> None:
    assert measure_inputs(list(input_files(job))) == [
        ManifestEntry("plate", 1, 10),
        ManifestEntry("plate", 2, 0),
        ManifestEntry("matte.0", 1, 3),
        ManifestEntry("matte.0", 2, 4),
        ManifestEntry("matte.1", None, 5),
        ManifestEntry("anchors", 2, 6),
    ]


def test_missing_files_are_named_by_group_and_frame(job: RemovalJob, tmp_path: Path) -> None:
    (tmp_path / "p.2.exr").unlink()
    (tmp_path / "held.exr").unlink()
    with pytest.raises(TransferError) as caught:
        measure_inputs(list(input_files(job)))
    plate, matte = str(caught.value).splitlines()
    where = tmp_path / "p.2.exr"
    assert plate.startswith(f"plate has no file for frame 2 (looked for {where}); ")
    assert matte.startswith("matte.1 has no file (looked for")


def test_a_folder_is_no_file(job: RemovalJob, tmp_path: Path) -> None:
    (tmp_path / "held.exr").unlink()
    (tmp_path / "held.exr").mkdir()
    with pytest.raises(TransferError, match=r"held\.exr is not a file"):
        measure_inputs(list(input_files(job)))
