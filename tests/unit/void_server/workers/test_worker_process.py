from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from void_server.workers import worker_process
from void_server.workers.worker_link import WorkerConfig
from void_server.workers.worker_process import RestartBackoff, WorkerProcess

CONFIG = WorkerConfig(
    endpoint="tcp://127.0.0.1:1", identity="worker-0.1", server_key="", public_key="", secret_key="",
    runner="", device="cpu", frame_pixels=1, frame_bytes=1,
)  # fmt: skip


def start(code: str, log_file: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerProcess:
    real = subprocess.Popen
    monkeypatch.setattr(
        worker_process.subprocess, "Popen", lambda _, **more: real([sys.executable, "-c", code], **more)
    )
    return WorkerProcess("worker-0", CONFIG, {"MARK": "of the worker"}, log_file, now=100.0)


def wait_for_end(process: WorkerProcess) -> None:
    limit = time.monotonic() + 20.0
    while process.is_alive:
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_it_gets_its_orders_and_variables_and_its_output_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_file = tmp_path / "worker-0.log"
    log_file.write_text("before\n")
    code = "import os; print(input()[:11], os.environ['MARK']); raise SystemExit(3)"
    process = start(code, log_file, monkeypatch)
    wait_for_end(process)
    assert process.close() == "the worker process ended with exit code 3"
    assert log_file.read_text() == 'before\n{"endpoint" of the worker\n'
    assert process.identity == b"worker-0.1"


def test_the_first_reason_to_kill_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process = start("import time; time.sleep(60)", tmp_path / "log", monkeypatch)
    process.kill("did not stop within 5 s")
    process.kill("gave no sign of life")
    wait_for_end(process)
    assert process.close() == "the worker did not stop within 5 s and was killed"
    assert [record.message for record in caplog.records] == ["worker-0 did not stop within 5 s and is killed"]


def test_it_is_probed_each_second_once_it_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start("input()", tmp_path / "log", monkeypatch)
    assert not process.probe_is_due(105.0)
    process.is_ready = True
    assert [process.probe_is_due(now) for now in (105.0, 105.9, 106.0)] == [True, False, True]
    process.end()
    assert not process.is_alive


def test_starts_come_later_and_later_until_one_has_worked() -> None:
    backoff = RestartBackoff()
    assert backoff.may_start(0.0)
    assert [backoff.ended(100.0) for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert not backoff.may_start(129.9)
    assert backoff.may_start(130.0)
    backoff.worked()
    assert backoff.ended(200.0) == 0.5


@pytest.mark.slow
def test_a_worker_that_cannot_load_its_runner_says_so_and_ends(tmp_path: Path) -> None:
    config = msgspec.structs.replace(CONFIG, runner="a_module_that_nobody_has:run")
    process = WorkerProcess("worker-0", config, {}, tmp_path / "worker-0.log", now=time.monotonic())
    wait_for_end(process)
    assert process.close() == "the worker process ended with exit code 1"
    said = (tmp_path / "worker-0.log").read_text()
    assert "cannot load 'a_module_that_nobody_has:run'" in said
    assert "correct the server's setting 'runner'" in said
