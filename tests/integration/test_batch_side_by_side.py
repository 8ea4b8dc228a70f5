"""``void batch --jobs``: several shots at a time, one table, memory that is planned, processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.command_case import void
from tests.integration.farm_case import VOID
from tests.integration.test_batch_command import report_of, shots
from void_server.batch.listed import BadShot
from void_server.batch.memory import needed_bytes
from void_server.batch.places import Places, places_for
from void_server.batch.report import ShotState
from void_server.batch.running import HowToRun
from void_server.batch.side_by_side import run_side_by_side
from void_server.batch.sources import read_sources
from void_server.cli.exit_codes import ExitCode
from void_server.cli.explain import exit_code_of
from void_server.errors import ServiceError

TWO = Places([{"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "1"}], 1, "2 side by side")


class Shown:
    """What a batch shows, and which shots it begins while others are worked on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.logged: list[str] = []
        self.places: set[int] = set()

    def begin_shot(self, name: str, index: int, count: int) -> None:
        self.begun.append(name.partition(" ")[0])

    def shot_progress(self, place: int, shot: str, stage: str, step: int, steps: int, note: str) -> None:
        self.places.add(place)

    def log(self, message: str) -> None:
        self.logged.append(message)

    def check_cancelled(self) -> None: ...


def test_as_one_by_one_with_a_failure_between(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010", "sh020", "sh030")
    (tmp_path / "sh020" / "plate.1002.exr").unlink()
    (jobs / "sh040.json").write_text('{"schema_version": 1}')
    ran = void("batch", jobs, "--jobs", "0", "--report", tmp_path / "report.json")
    assert ran.code == ExitCode.SOME_FAILED, ran.err
    found = report_of(tmp_path / "report.json")
    assert [shot["state"] for shot in found.values()] == ["done", "failed", "done", "failed"]
    assert found["sh020"]["exit_status"] == ExitCode.BAD_INPUT
    assert "missing frame 1002" in found["sh020"]["reason"]
    assert found["sh010"]["inputs"]
    assert "2 done, 2 failed; 4 frames made" in ran.out
    assert "of memory to plan with" in ran.out
    again = void("batch", jobs, "--jobs", "2", "--report", tmp_path / "report.json")
    assert again.code == ExitCode.SOME_FAILED
    assert report_of(tmp_path / "report.json")["sh010"]["state"] == "skipped"


def test_memory_is_planned(tmp_path: Path) -> None:
    """With room for one and a half shots, the second waits, and one that is too large runs alone."""
    listed = read_sources([shots(tmp_path, "sh010", "sh020")])
    needs = needed_bytes(listed.jobs[0], 1)
    assert 200 << 20 < needs < 1 << 30
    how = HowToRun(exit_status=exit_code_of)
    shown = Shown()
    bad = BadShot("sh005", ServiceError("no plate"))
    found = run_side_by_side(
        [bad, *listed.shots], shown, tmp_path / "report.json", how, TWO, usable=needs * 3 // 2
    )
    assert [shot.state for shot in found.shots] == [ShotState.FAILED, ShotState.DONE, ShotState.DONE]
    assert shown.places == {0}
    assert any(line.startswith("sh020 needs") and "and waits" in line for line in shown.logged)
    shown = Shown()
    run_side_by_side(listed.shots, shown, tmp_path / "report.json", how, TWO, usable=1 << 20)
    assert shown.begun == ["sh010", "sh020"]
    assert sum("it runs alone" in line for line in shown.logged) == 2


def die(error: Exception) -> int:
    """Stands in for a crash: it is called in the process that works on a shot."""
    if os.environ.get("VOID_TEST_CRASH"):
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_process_that_dies_is_its_shots_failure(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010", "sh020", "sh030")
    (tmp_path / "sh010" / "plate.1002.exr").unlink()
    shown = Shown()
    one = Places([{"VOID_TEST_CRASH": "1"}], 1, "1 side by side")
    listed = read_sources([jobs])
    found = run_side_by_side(
        listed.shots, shown, tmp_path / "report.json", HowToRun(exit_status=die), one, usable=1 << 40
    )
    assert [shot.state.value for shot in found.shots] == ["failed", "done", "done"]
    assert "ended with signal 9, perhaps for want of memory" in found.shots[0].reason
    assert "VOID_TEST_CRASH" not in os.environ


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM")
def test_sigterm_stops_all_of_them_and_the_report_says_so(tmp_path: Path) -> None:
    jobs = shots(tmp_path, "sh010", "sh020", "sh030", frames=60)
    report = tmp_path / "report.json"
    words = [VOID, "batch", jobs, "--jobs", "2", "--report", report]
    with subprocess.Popen(
        list(map(str, words)), stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("sh0*/out/*.exr")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == ExitCode.CANCELLED, out
    states = {shot["state"] for shot in report_of(report).values()}
    assert states <= {"cancelled", "done"}
    assert "cancelled" in states
    assert not list(tmp_path.glob("sh0*/out/*.tmp*"))


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = read_sources([shots(tmp_path, "sh010", "sh020", "sh030")])
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    found = places_for(listed.jobs, 0)
    assert len(found.environments) == 3  # no more than there are shots
    assert (found.threads, found.environments[0]["OMP_NUM_THREADS"]) == (2, "2")
    monkeypatch.setattr("void_server.batch.places._needs_device", lambda job: True)
    monkeypatch.setattr("void_server.batch.places._cuda_devices", lambda: ["cuda:0", "cuda:1"])
    found = places_for(listed.jobs, 5)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in found.environments] == ["0", "1"]
    assert found.about == "2 side by side, of 2 devices"
