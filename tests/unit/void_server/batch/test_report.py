"""The file of a report that grows with a batch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from void_server.batch.report import BatchReport, ReportFile, ShotReport, ShotState


def shots(count: int) -> list[ShotReport]:
    return [ShotReport(shot=f"s{number}", job_id="") for number in range(count)]


def test_it_is_written_after_every_shot_unless_that_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that says that a writing takes a second."""
    now = [0.0]
    written: list[int] = []

    def save(self: BatchReport, path: Path) -> None:
        now[0] += 1.0
        written.append(self.count(ShotState.DONE))

    monkeypatch.setattr("void_server.batch.report.time.monotonic", lambda: now[0])
    monkeypatch.setattr(BatchReport, "save", save)
    report = BatchReport(shots=shots(100))
    file = ReportFile(report, tmp_path / "report.json")
    for shot in report.shots:
        now[0] += 4.0
        shot.state = ShotState.DONE
        file.update()
    file.save()
    assert written[0] == 0
    assert written[-1] == 100
    assert 18 <= len(written) <= 22  # 400 s of work, and a twentieth of it for the report
    now[0] += 1000.0
    file.update()
    assert len(written) <= 23


def test_the_file(tmp_path: Path) -> None:
    report = BatchReport(shots=shots(2))
    file = ReportFile(report, tmp_path / "new" / "report.json")
    report.shots[0].state = ShotState.DONE
    file.save()
    found = json.loads((tmp_path / "new" / "report.json").read_text())
    assert [shot["state"] for shot in found["shots"]] == ["done", "waiting"]
