"""``void run`` and ``void batch`` on a machine whose files come late and whose disks fill up."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command_case import new_job, void
from void_engine.plates.exr import file as exr
from void_server.cli.exit_codes import ExitCode

LATE = "plate.1002.exr"


def test_a_late_frame_is_told_at_once_by_default(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    (tmp_path / "shot" / LATE).unlink()
    began = time.monotonic()
    ran = void("run", job)
    assert ran.code == ExitCode.BAD_INPUT
    assert "missing frame 1002" in ran.err
    assert time.monotonic() - began < 10


def test_a_late_frame_is_waited_for_when_told(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    path, aside = tmp_path / "shot" / LATE, tmp_path / "late.exr"
    path.rename(aside)
    threading.Timer(0.6, aside.rename, (path,)).start()
    ran = void("run", job, "--wait", "20")
    assert ran.code == 0, ran.err
    assert "waiting for frame 1002" in ran.out
    assert "going on" in ran.out
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_wait_that_is_over_says_so(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    (tmp_path / "shot" / LATE).unlink()
    ran = void("run", job, "--wait", "0.5")
    assert ran.code == ExitCode.BAD_INPUT
    assert "(waited 0.5 s for it)" in ran.err


def test_a_full_disk_is_waited_for_once_the_work_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job(tmp_path)
    real = exr.put_in_place
    failures = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))] * 2

    def full_at_first(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        real(*arguments)

    monkeypatch.setattr(exr, "put_in_place", full_at_first)
    ran = void("run", job)
    assert ran.code == 0, ran.err
    assert "output volume full: " in ran.out
    assert "needs about" in ran.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"r_v001.{number}.exr" for number in (1001, 1002, 1003)
    ]


def test_what_a_killed_run_left_half_written_goes(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    part = tmp_path / "out" / ".r_v001.1002.exr.0123abcd.part"
    other = tmp_path / "out" / ".s_v001.1002.exr.0123abcd.part"
    for path in (part, other):
        path.write_bytes(b"half a frame")
    assert void("run", job).code == 0
    assert not part.exists()
    assert other.exists()


def test_a_batch_waits_for_a_late_frame_when_told(tmp_path: Path) -> None:
    job = new_job(tmp_path)
    (tmp_path / "shot" / LATE).unlink()
    ran = void("batch", job, "--wait", "0.3")
    assert ran.code == ExitCode.SOME_FAILED
    assert "waiting for frame 1002" in ran.out
    assert "(waited 0.3 s for it)" in ran.out
    assert "waiting" not in void("batch", job).out
