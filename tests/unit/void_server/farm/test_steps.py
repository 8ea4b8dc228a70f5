"""What is told of a shot that fails among others."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.unit.void_protocol.test_job_file import make_job
from void_server.farm import steps
from void_server.farm.errors import FarmError
from void_server.farm.monitor import Dialect, StepMonitor
from void_server.farm.plan_file import JobPiece
from void_server.farm.planning import FarmStep, ShotRange, plan


def test_an_error_without_words_is_told_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(piece: JobPiece, scratch: Path, monitor: object) -> None:
        raise AssertionError

    monkeypatch.setattr(steps, "STEPS", dict.fromkeys(FarmStep, fail))
    shots = [
        ShotRange(file=f"{name}.json", name=name, engine="identity", first_frame=1, last_frame=2)
        for name in "ab"
    ]
    made = plan(shots, lambda engine: None)
    job = make_job()
    piece = JobPiece(made.jobs[0], job, job, made.merge[0][0], made)
    out = io.StringIO()
    steps.run_task([piece], "merge", tmp_path, StepMonitor(Dialect.PLAIN, 1, out))
    assert "a: AssertionError; the other shots go on" in out.getvalue()
    with pytest.raises(FarmError, match="a: AssertionError\na failed in the step merge: AssertionError"):
        steps.run_task([piece], "check", tmp_path, StepMonitor(Dialect.PLAIN, 1, out))
