"""The command ``void propose``, on files."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.integration.command_case import void
from tests.unit.void_engine.effects.shots import crossing
from void_engine.errors import RemovalCancelled
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.propagation.in_memory import SilentMonitor
from void_protocol.job_file import read_job, write_job
from void_protocol.proposal import note_of_frame, proposal_path, read_proposal
from void_protocol.task import Propose
from void_server.cli.exit_codes import ExitCode
from void_server.mattes.files import FilesRun
from void_server.mattes.proposing import proposal_job, run_proposal
from void_server.mattes.things import matte_channels
from void_server.review.catalogue import review_shots
from void_server.review.pictures import ShotPictures


def _job(folder: Path, *, shadow: float = 0.5, still: bool = False, push: bool = False) -> Path:
    shot = crossing(shadow=shadow, still=still, push=push)
    for index, (picture, matte) in enumerate(zip(shot.plate, shot.remove, strict=True)):
        pixels = np.concatenate([picture, matte[..., None]], axis=2).astype(np.float16)
        frame = Frame.from_pixels(11 + index, ("R", "G", "B", "matte.A"), pixels)
        write_frame(frame, folder / f"plate.{11 + index:04d}.exr")
    plate, job = folder / "plate.%04d.exr", folder / "job.json"
    result = folder / "result.%04d.exr"
    ran = void("new", job, "--plate", plate, "--remove", f"{plate}:matte.A", "--output", result)
    assert ran.code == 0, ran.err
    return job


@pytest.mark.slow
def test_mattes_report_job_and_sheet_are_written_and_nothing_is_overwritten(tmp_path: Path) -> None:
    job = _job(tmp_path)
    mattes = tmp_path / "affected.%04d.exr"
    sheet, accepted = tmp_path / "sheet.png", tmp_path / "accepted.json"
    words = ("propose", job, "-o", mattes, "--by", "evidence")
    ran = void(*words, "--job", accepted, "--sheet", sheet)
    assert ran.code == 0, ran.err
    assert "shadow" in ran.out
    frame = read_frame(tmp_path / "affected.0018.exr", 18)
    things = sorted(set(frame.channel_names) - set(matte_channels()))
    assert "thing1.A" in things
    assert frame.display_size == (160, 96)
    planes = frame.read_channels(matte_channels(), frame.display_window)
    assert planes[..., 0].max() == 1
    np.testing.assert_allclose(planes[..., 2:].sum(axis=2), planes[..., 0])
    own = [name for name in things if "_" not in name]
    np.testing.assert_allclose(frame.read_channels(own, frame.display_window).sum(axis=2), planes[..., 0])
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


@pytest.mark.slow
def test_things_are_told_outlined_and_accepted_one_by_one(tmp_path: Path) -> None:
    job = _job(tmp_path, push=True)
    mattes = tmp_path / "affected.%04d.exr"
    ran = void("propose", job, "-o", mattes)
    assert ran.code == 0, ran.err
    report = read_proposal(proposal_path(str(mattes)))
    assert report is not None
    shadow, touched = report.things[0], next(one for one in report.things if one.extensions)
    assert (shadow.number, shadow.kind, shadow.words) == (1, "shadow", "shadow below the object")
    assert shadow.frames == "11-24"
    assert not shadow.extensions
    assert f"  {touched.number}  {touched.kind}: {touched.words}" in ran.out
    note = note_of_frame(tmp_path / "affected.0018.exr")
    assert note is not None
    drawn = np.zeros((96, 160), np.uint8)
    for ring in note.outlines["thing1"]:
        corners = np.array(ring).reshape(-1, 2) * (1, -1) + (0, 96)
        cv2.fillPoly(drawn, [np.round(corners - 0.5).astype(np.int32)], 1)
    frame = read_frame(tmp_path / "affected.0018.exr", 18)
    seen = frame.plane("thing1.A", frame.display_window) >= 0.5
    assert (drawn.astype(bool) & seen).sum() / (drawn.astype(bool) | seen).sum() > 0.85
    way, number = touched.extensions[0], touched.number
    words = ("propose", job, "--from", mattes, "--job", tmp_path / "accepted.json")
    ran = void(*words, "--accept", "shadow", "--extend", f"{number}={way}", "--grow", f"{number}=2.5")
    assert ran.code == 0, ran.err
    removal = read_job(tmp_path / "accepted.json")
    taken = [(one.channel, one.growth_px) for one in removal.mattes if one.role == "affected"]
    assert taken == [("thing1.A", 0.0), (f"thing{number}_{way}.A", 2.5)]
    extended = frame.plane(f"thing{number}_{way}.A", frame.display_window)
    assert (extended >= frame.plane(f"thing{number}.A", frame.display_window)).all()
    ran = void("run", tmp_path / "accepted.json", "--engine", "identity")
    assert ran.code == 0, ran.err
    sheets = [tmp_path / "plain.png", tmp_path / "told.png"]
    for which, sheet in zip((job, tmp_path / "accepted.json"), sheets, strict=True):
        ran = void("contact-sheet", which, "-o", sheet, "--version", "1", "--rows", "2")
        assert ran.code == 0, ran.err
    plain, told = (cv2.imread(str(sheet)) for sheet in sheets)
    assert told.shape[1] > plain.shape[1] + 100, "no column shows what is proposed"
    asked = proposal_job(read_job(job), str(mattes), Propose())
    (shot,) = review_shots([asked, removal])
    (alone,) = review_shots([removal])
    assert [version.pattern for version in alone.versions] == [version.pattern for version in shot.versions]
    assert [version.job.is_removal for version in shot.versions] == [False, True]
    with ShotPictures(shot) as pictures:
        proposed = shot.versions[0]
        picture, plate = pictures.result(proposed, 18), pictures.plate(18)
        matte = pictures.matte(proposed, 18)
        assert pictures.confidence(proposed, 18) is None
    np.testing.assert_array_equal(matte >= 0.5, frame.plane("A", frame.display_window) >= 0.5)
    np.testing.assert_array_equal(picture[matte == 0], plate[matte == 0])
    blue = picture[seen] - plate[seen]
    assert (blue[:, 2] > blue[:, 0]).all(), "a shadow is tinted blue"
    refused = void("propose", job, "--from", mattes, "--accept", "1")
    assert refused.code == ExitCode.INVALID_JOB
    assert "--job" in refused.err


@pytest.mark.slow
def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    ran = void("propose", _job(tmp_path, still=True), "-o", tmp_path / "a.%04d.exr")
    assert ran.code == 0, ran.err
    assert "nothing to propose" in ran.out
    assert "never leaves" in ran.out


class _StoppedAt(SilentMonitor):
    """A monitor that stops a run once so many frames are written."""

    def __init__(self, frames: int) -> None:
        self.left = frames
        self.lines: list[str] = []

    def frame_done(self, number: int, path: Path) -> None:
        self.left -= 1

    def check_cancelled(self) -> None:
        if self.left <= 0:
            raise RemovalCancelled

    def log(self, message: str) -> None:
        self.lines.append(message)

    def waiting(self, obstacle: str) -> None: ...


@pytest.mark.slow
def test_a_stopped_proposal_goes_on_with_what_it_has_and_sees_a_changed_plate(tmp_path: Path) -> None:
    removal = read_job(_job(tmp_path))
    job = proposal_job(removal, str(tmp_path / "affected.%04d.exr"), Propose())
    with pytest.raises(RemovalCancelled):
        run_proposal(job, _StoppedAt(3))
    first = tmp_path / "affected.0011.exr"
    stamp = first.stat().st_mtime_ns
    there = len(list(tmp_path.glob("affected.*.exr")))
    assert 3 <= there < 14
    assert not list(tmp_path.glob("*.part*"))
    assert not proposal_path(job.output.pattern).exists()
    report = run_proposal(job, _StoppedAt(99), FilesRun(resume=True))
    assert first.stat().st_mtime_ns == stamp
    assert [each.frame for each in report.frames] == list(range(11, 25))
    assert report == read_proposal(proposal_path(job.output.pattern))
    done = _StoppedAt(99)
    assert run_proposal(job, done, FilesRun(resume=True)) == report
    assert done.left == 99 - 14
    frame = read_frame(tmp_path / "plate.0011.exr", 11)
    grey = np.full((96, 160, 3), 0.5, np.float32)
    bright = frame.with_rgb(grey, frame.display_window, np.ones((96, 160), bool))
    write_frame(bright, tmp_path / "plate.0011.exr", overwrite=True)
    again = _StoppedAt(99)
    run_proposal(job, again, FilesRun(resume=True))
    assert any("changed since" in line for line in again.lines)
    assert first.stat().st_mtime_ns != stamp


@pytest.mark.slow
def test_a_proposal_is_refused_where_removals_are_made(tmp_path: Path) -> None:
    job = proposal_job(read_job(_job(tmp_path)), str(tmp_path / "affected.%04d.exr"), Propose())
    path = tmp_path / "propose.json"
    write_job(job, path)
    for words in (
        ("batch", path),
        ("check", path),
        ("farm", "bundle", path, "--to", "openjd", "-o", tmp_path / "b"),
    ):
        ran = void(*words)
        assert ran.code != 0
        assert "makes mattes (propose-evidence)" in ran.out + ran.err
    ran = void("run", path)
    assert ran.code == 0, ran.err
    assert "14 frames" in ran.out


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
    assert proposal_path(pattern) == Path("out") / name
