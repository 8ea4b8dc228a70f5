"""The command ``void propose``, on files."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.integration.command_case import void
from tests.unit.void_engine.effects.shots import crossing
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.job_file import read_job
from void_server.cli.exit_codes import ExitCode
from void_server.proposing import matte_channels, report_path


def _job(folder: Path, *, shadow: float = 0.5, still: bool = False) -> Path:
    shot = crossing(shadow=shadow, still=still)
    for index, (picture, matte) in enumerate(zip(shot.plate, shot.remove, strict=True)):
        pixels = np.concatenate([picture, matte[..., None]], axis=2).astype(np.float16)
        frame = Frame.from_pixels(11 + index, ("R", "G", "B", "matte.A"), pixels)
        write_frame(frame, folder / f"plate.{11 + index:04d}.exr")
    plate, job = folder / "plate.%04d.exr", folder / "job.json"
    result = folder / "result.%04d.exr"
    ran = void("new", job, "--plate", plate, "--remove", f"{plate}:matte.A", "--output", result)
    assert ran.code == 0, ran.err
    return job


def test_mattes_report_job_and_sheet_are_written_and_nothing_is_overwritten(tmp_path: Path) -> None:
    job = _job(tmp_path)
    mattes = tmp_path / "affected.%04d.exr"
    sheet, accepted = tmp_path / "sheet.png", tmp_path / "accepted.json"
    words = ("propose", job, "-o", mattes, "--by", "evidence")
    ran = void(*words, "--job", accepted, "--sheet", sheet)
    assert ran.code == 0, ran.err
    assert "shadow" in ran.out
    frame = read_frame(tmp_path / "affected.0018.exr", 18)
    assert sorted(frame.channel_names) == sorted(matte_channels())
    assert frame.display_size == (160, 96)
    planes = frame.read_channels(matte_channels(), frame.display_window)
    assert planes[..., 0].max() == 1
    np.testing.assert_allclose(planes[..., 2:].sum(axis=2), planes[..., 0])
    assert 0.3 < planes[..., 1][planes[..., 0] > 0.5].mean() <= 1
    report = json.loads((tmp_path / "affected.proposal.json").read_text())
    assert [each["frame"] for each in report["frames"]] == list(range(11, 25))
    assert report["frames"][7]["kinds"]["shadow"] > 0
    assert read_job(accepted).mattes[-1].role == "affected"
    assert read_job(accepted).mattes[-1].pattern == str(mattes)
    picture = cv2.imread(str(sheet))
    assert picture is not None
    again = void(*words)
    assert again.code == ExitCode.BAD_OUTPUT
    assert "affected.0011.exr" in again.err


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    ran = void("propose", _job(tmp_path, still=True), "-o", tmp_path / "a.%04d.exr")
    assert ran.code == 0, ran.err
    assert "nothing to propose" in ran.out
    assert "never leaves" in ran.out


def test_a_pattern_without_a_frame_number_is_refused(tmp_path: Path) -> None:
    ran = void("propose", _job(tmp_path), "-o", tmp_path / "a.exr")
    assert ran.code != 0
    assert "frame" in ran.err
    assert not (tmp_path / "a.exr").exists()


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("out/affected.%04d.exr", "affected.proposal.json"),
        ("out/affected_####.exr", "affected.proposal.json"),
        ("out/%04d.exr", "%04d.proposal.json"),
    ],
)
def test_the_report_lies_beside_the_mattes_and_is_not_hidden(pattern: str, name: str) -> None:
    assert report_path(pattern) == Path("out") / name
