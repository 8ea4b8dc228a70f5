from __future__ import annotations

from pathlib import Path

import msgspec

from tests.review_case import FIRST, LAST, reviewed_job
from void_engine.made_from import PROXY_SCALE_KEY
from void_engine.plates.exr.file import read_frame, write_frame
from void_protocol.job import RemovalJob
from void_server.review.catalogue import frames_there, review_shots


def named(job: RemovalJob, **fields: object) -> RemovalJob:
    return msgspec.structs.replace(job, shot=msgspec.structs.replace(job.shot, **fields))


def test_versions_on_the_disk_are_found(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path, versions=3)
    first = msgspec.structs.replace(job, output=msgspec.structs.replace(job.output, version=1))
    (shot,) = review_shots([first])
    assert [version.key for version in shot.versions] == ["v001", "v002", "v003"]
    assert [version.frames for version in shot.versions] == [
        tuple(range(FIRST, LAST + 1)), tuple(range(FIRST, LAST + 1)), tuple(range(FIRST, LAST)),
    ]  # fmt: skip
    assert [version.verdict is not None for version in shot.versions] == [False, False, True]
    (tmp_path / "glass" / "clean_v9x9.1001.exr").touch()
    (tmp_path / "glass" / "clean_v000.1001.exr").touch()
    (tmp_path / "glass" / "clean_v012.2001.exr").touch()  # no frame of the shot
    assert len(review_shots([first])[0].versions) == 3


def test_versions_may_be_folders(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    for version in (1, 2, 10):
        folder = tmp_path / "out" / f"v{version:03d}" / "exr"
        folder.mkdir(parents=True)
        (folder / "x.1002.exr").touch()
    (tmp_path / "out" / "v003_old").mkdir()
    output = msgspec.structs.replace(
        job.output, pattern=str(tmp_path / "out/{version}/exr/x.%04d.exr"), version=2
    )
    (shot,) = review_shots([msgspec.structs.replace(job, output=output)])
    assert [(version.key, version.frames) for version in shot.versions] == [
        ("v001", (1002,)), ("v002", (1002,)), ("v010", (1002,)),
    ]  # fmt: skip


def test_jobs_of_one_shot_are_one_and_shots_of_one_name_are_two(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    first = msgspec.structs.replace(job, output=msgspec.structs.replace(job.output, version=1))
    other = named(job, plate=str(tmp_path / "other.####.exr"))
    again = named(job, name="GLASS")
    shots = review_shots([first, other, job, again])
    assert [(shot.key, len(shot.versions)) for shot in shots] == [
        ("glass", 2),
        ("glass-2", 2),
        ("GLASS-3", 2),
    ]
    assert shots[0].job is job


def test_keys_are_names_of_folders(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path, versions=1)
    keys = [
        review_shots([named(job, name=name)])[0].key for name in ("../..", "a/b c", "<b>", "ü", "x" * 300)
    ]
    assert keys == ["shot", "a_b_c", "b", "shot", "x" * 80]


def test_a_folder_that_is_not_there_has_no_frames(tmp_path: Path) -> None:
    assert frames_there(str(tmp_path / "no" / "x.%04d.exr"), range(5)) == []


def test_the_frames_say_whether_they_are_a_proxys(tmp_path: Path) -> None:
    job = reviewed_job(tmp_path)
    (shot,) = review_shots([job])
    assert [version.scale() for version in shot.versions] == [1.0, 1.0]
    path = tmp_path / "glass" / f"clean_v001.{LAST}.exr"
    write_frame(read_frame(path, LAST).with_metadata({PROXY_SCALE_KEY: 0.25}), path, overwrite=True)
    assert [version.scale() for version in shot.versions] == [0.25, 1.0]
    proxy = msgspec.structs.replace(job, settings=msgspec.structs.replace(job.settings, proxy_scale=0.5))
    (shot,) = review_shots([proxy])
    assert [version.scale() for version in shot.versions] == [0.25, 0.5]
    (tmp_path / "glass" / f"clean_v001.{LAST}.exr").write_bytes(b"broken")
    assert shot.versions[0].scale() == 0.5
