"""``void check`` and the verdict of ``void batch``, on results that a real removal has written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.integration.command_case import FIRST, LAST, new_job, void, write_shot
from void_engine.plates.exr.file import read_frame, write_frame
from void_protocol.verdict import read_verdict, verdict_path
from void_server.cli.exit_codes import ExitCode


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job that has run: the plate itself is its result, which nobody can tell from a perfect one."""
    path = new_job(tmp_path)
    assert void("run", path).code == 0
    return path


def _result(job: Path, number: int) -> Path:
    return job.parent / "out" / f"r_v001.{number:04d}.exr"


def _change(path: Path, number: int, rows: slice, columns: slice, factor: float) -> None:
    frame = read_frame(path, number)
    box = frame.data_window
    picture = np.array(frame.read_rgb(box))
    touched = np.zeros(picture.shape[:2], np.bool_)
    touched[rows, columns] = True
    picture[touched] *= np.float32(factor)
    write_frame(frame.with_rgb(picture, box, touched, ("R", "G", "B")), path, overwrite=True)


def test_a_good_result_is_green_and_its_verdict_lies_beside_it(job: Path) -> None:
    ran = void("check", job)
    assert ran.code == 0, ran.out + ran.err
    assert "3 of 3 frames good" in ran.out
    verdict = read_verdict(verdict_path(str(job.parent / "out" / "r_v001.%04d.exr")))
    assert verdict is not None
    assert [(one.frame, one.status) for one in verdict.frames] == [
        (number, "green") for number in range(FIRST, LAST + 1)
    ]
    assert verdict.engine == "identity"


def test_a_touched_pixel_far_from_the_matte_is_found(job: Path) -> None:
    _change(_result(job, 1002), 1002, slice(3, 4), slice(90, 91), 1.5)
    ran = void("check", job, "--json", "--no-save")
    assert ran.code == ExitCode.NOT_GOOD
    told = json.loads(ran.out.splitlines()[-1])
    assert [one["flags"] for one in told["frames"]] == [[], ["outside"], []]
    assert told["frames"][1]["touched"] == [90, 3]
    assert not verdict_path(told["result"]).exists()


def test_faults_and_missing_frames_are_told_in_words_and_as_a_table(job: Path) -> None:
    _change(_result(job, 1001), 1001, slice(24, 40), slice(40, 56), 4.0)
    _result(job, 1003).unlink()
    table = job.parent / "faults.csv"
    ran = void("check", job, "--csv", table)
    assert ran.code == ExitCode.NOT_GOOD
    assert "1 missing" in ran.out
    assert "frame 1001" in ran.out
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [(row["frame"], row["verdict"]) for row in rows][::2] == [("1001", "red"), ("1003", "missing")]
    assert rows[0]["faults"]


def test_some_frames_are_judged_alone_and_leave_no_verdict_of_the_shot(job: Path) -> None:
    ran = void("check", job, "--frames", "1002", "--all")
    assert ran.code == 0
    assert "1 of 1 frames good" in ran.out
    assert not list((job.parent / "out").glob("*.json"))
    assert void("check", job, "--frames", "7").code == ExitCode.INVALID_JOB


def test_a_result_that_is_not_there_is_missing(tmp_path: Path) -> None:
    ran = void("check", new_job(tmp_path))
    assert ran.code == ExitCode.NOT_GOOD
    assert "3 missing" in ran.out


def test_a_folder_is_judged_and_a_job_in_it_that_cannot_be_read_stops_no_other(job: Path) -> None:
    (job.parent / "zz_broken.json").write_text('{"schema_version": 1}')
    ran = void("check", job.parent, "--json")
    assert ran.code == ExitCode.SOME_FAILED
    assert [len(json.loads(line)["frames"]) for line in ran.out.splitlines()] == [3]
    assert "zz_broken" in ran.err
    (job.parent / "zz_broken.json").unlink()
    assert void("check", job.parent).code == 0


def test_a_list_is_judged_by_the_words_that_ran_it(tmp_path: Path) -> None:
    plate = write_shot(tmp_path / "shot")
    (tmp_path / "out").mkdir()
    listed = tmp_path / "shots.csv"
    listed.write_text(f"shot,plate,frames\na,{plate},{FIRST}-{LAST}\nb,{plate},{FIRST}\n")
    words = ["--remove", f"{plate}:matte.A", "--output", tmp_path / "out" / "{shot}.%04d.exr"]
    words += ["--engine", "identity"]
    assert void("batch", listed, *words).code == 0
    files = [tmp_path / "out" / f"{shot}.check.json" for shot in "ab"]
    made = [read_verdict(file) for file in files]
    assert None not in made
    for file in files:
        file.unlink()
    ran = void("check", listed, *words)
    assert ran.code == 0, ran.out + ran.err
    assert "3 of 3 frames good" in ran.out
    assert "1 of 1 frames good" in ran.out
    assert [read_verdict(file) for file in files] == made


def test_a_batch_tells_the_verdict_and_fails_on_it_only_when_strict(job: Path) -> None:
    report = job.parent / "report.json"
    ran = void("batch", job, "--report", report)
    assert ran.code == 0
    shot = json.loads(report.read_bytes())["shots"][0]
    assert (shot["state"], shot["verdict"], shot["at_fault"]) == ("skipped", "green", 0)
    _change(_result(job, 1002), 1002, slice(3, 4), slice(90, 91), 1.5)
    assert void("batch", job, "--report", report).code == 0
    ran = void("batch", job, "--report", report, "--strict")
    assert ran.code == ExitCode.NOT_GOOD
    shot = json.loads(report.read_bytes())["shots"][0]
    assert (shot["verdict"], shot["at_fault"]) == ("red", 1)
    assert "touched outside" in shot["findings"][0]
    ran = void("batch", job, "--report", report, "--no-check")
    assert json.loads(report.read_bytes())["shots"][0]["verdict"] == ""
