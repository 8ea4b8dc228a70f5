"""The commands of whoever runs the server, as a user types them, against a real one."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.integration.command_case import Ran, new_job, void
from void_protocol.client import Client
from void_protocol.job_file import read_job
from void_protocol.operating import Operating
from void_server.cli.exit_codes import ExitCode
from void_server.cli.terminal import Terminal
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("home")
    with ServerProcess(ServerSettings(home=folder, endpoint="tcp://127.0.0.1:0")) as running:
        yield running


@pytest.fixture
def home(server: ServerProcess) -> Iterator[Path]:
    yield server.settings.home
    assert void("resume", "--home", server.settings.home).code == 0


def good(*arguments: str | Path) -> str:
    ran = void(*arguments)
    assert ran.code == 0, ran.err
    return ran.out


@pytest.fixture
def job_id(tmp_path: Path, home: Path) -> str:
    """A job that waits in a paused queue."""
    good("pause", "--reason", "dailies", "--home", home)
    job = new_job(tmp_path)
    good("submit", job, "--no-wait", "--home", home)
    return read_job(job).job_id


def test_status_of_the_server_and_of_a_job(job_id: str, home: Path) -> None:
    shown = good("status", "--home", home)
    for words in (
        "worker-0",
        "auto",
        "the queue is paused, by local (dailies)",
        job_id,
        "queued (1)",
        "frames/min",
    ):
        assert words in shown
    told = json.loads(good("status", "--json", "--home", home))
    assert told["queue"]["mode"] == "paused"
    assert told["is_healthy"] is True
    assert [job["job_id"] for job in told["open_jobs"]] == [job_id]
    assert told["workers"][0]["device"] == "auto"
    assert told["resident_bytes"] > 1e6
    good("resume", "--home", home)
    assert void("watch", job_id, "--home", home).code == 0
    told = json.loads(good("status", job_id, "--json", "--home", home))
    assert told["state"] == "done"
    assert told["queue_s"] > 0
    assert told["run_s"] > 0
    assert [frame["frame"] for frame in told["frames"]] == [1001, 1002, 1003]
    assert all(frame["seconds"] > 0 for frame in told["frames"])
    assert {stage["stage"] for stage in told["stage_times"]} >= {"mattes"}
    shown = good("status", job_id, "--home", home)
    assert "in the queue" in shown
    assert "for a frame on average; slowest: " in shown


def test_status_is_live_on_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen, looks = io.StringIO(), []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(
        "void_server.cli.status.Terminal", lambda: Terminal(file=screen, force_terminal=True, width=150)
    )
    monkeypatch.setattr("void_server.cli.status.time", SimpleNamespace(sleep=sleep))
    assert void("status", "--home", home).code == 0
    assert screen.getvalue().count("worker-0") >= 3
    assert looks == [1.0, 1.0, 1.0]


def test_health_is_for_monitoring(job_id: str, home: Path, tmp_path: Path) -> None:
    ran = void("status", "--health", "--home", home)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "healthy")
    assert "the queue is paused" in ran.out  # which is meant, and no problem
    assert json.loads(good("status", "--health", "--json", "--home", home))["is_healthy"] is True
    assert void("status", "--health", "--home", tmp_path / "nowhere").code == ExitCode.NO_SERVER


def test_a_server_without_room_is_not_healthy(tmp_path: Path) -> None:
    settings = ServerSettings(home=tmp_path / "home", endpoint="tcp://127.0.0.1:0", low_disk_bytes=10**18)
    with ServerProcess(settings):
        ran = void("status", "--health", "--home", tmp_path / "home")
        assert ran.code == ExitCode.FAILED
        assert "GB are free" in ran.err
        assert "void clean" in ran.err
        assert "GB are free" in good("status", "--home", tmp_path / "home")


def test_pause_resume_and_priority_of_a_job(job_id: str, home: Path) -> None:
    assert "queued, paused" in good("pause", job_id, "--reason", "wrong plate", "--home", home)
    assert "paused by local: wrong plate" in good("status", job_id, "--home", home)
    assert "queued (1)" in good("resume", job_id, "--home", home)
    assert "priority 50, queued (1)" in good("priority", job_id, "50", "--home", home)
    assert "priority -10, queued (1)" in good("priority", job_id, "--home", home, "--", "-10")
    assert void("priority", job_id, "101", "--home", home).code == 2
    good("cancel", job_id, "--home", home)
    ran = void("pause", job_id, "--home", home)
    assert (ran.code, "nothing to pause" in ran.err) == (ExitCode.REFUSED, True)


def test_drain_waits_until_nothing_runs(job_id: str, home: Path, tmp_path: Path) -> None:
    out = good("drain", "--wait", "--reason", "new driver", "--home", home)
    assert "the queue is draining; 0 running, 1 waiting" in out
    assert "nothing runs" in out
    refused = void("submit", new_job(tmp_path / "late"), "--no-wait", "--home", home)
    assert refused.code == ExitCode.REFUSED
    assert "drained for maintenance by local (new driver)" in refused.err
    good("cancel", job_id, "--home", home)


def test_logs_are_followed_to_the_end(job_id: str, home: Path, server: ServerProcess) -> None:
    ran: list[Ran] = []
    reader = threading.Thread(target=lambda: ran.append(void("logs", job_id, "--follow", "--home", home)))
    reader.start()
    time.sleep(0.5)
    with Client(server.connection()) as client:  # not the command: one at a time has the standard output
        Operating(client).resume_queue().result(10)
    reader.join(60)
    assert ran, "it did not end"
    assert (ran[0].code, ran[0].err) == (0, "")
    lines = [line.split(" ", 1)[1] for line in ran[0].out.splitlines()]
    assert lines[0].endswith("accepted from local, uploading") or lines[0].endswith("queued")
    assert lines.count("running") == 1
    assert lines[-1] == "done"
    told = [json.loads(line) for line in good("logs", job_id, "--json", "--home", home).splitlines()]
    assert [line["text"] for line in told] == lines
    assert {line["job_id"] for line in told} == {job_id}
    assert all(len(line["time"]) == len("2026-01-31T23:59:59+00:00") for line in told)


def test_clean_shows_before_it_deletes(job_id: str, home: Path) -> None:
    good("cancel", job_id, "--home", home)
    assert job_id not in good("clean", "--home", home)  # younger than the server keeps them
    shown = good("clean", "--days", "0", "--home", home)
    assert job_id in shown
    assert "nothing was deleted" in shown
    assert good("status", job_id, "--home", home)
    told = json.loads(good("clean", "--days", "0", "--yes", "--json", "--home", home))
    assert told["applied"] is True
    assert job_id in {item["what"] for item in told["items"] if item["kind"] == "job"}
    assert void("status", job_id, "--home", home).code == ExitCode.REFUSED
    assert not list((home / "jobs").glob(f"{job_id}-*"))


def test_clean_where_no_server_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ServerProcess(ServerSettings(home=home, endpoint="tcp://127.0.0.1:0")):
        good("submit", new_job(tmp_path), "--home", home)
    (home / "logs" / "server.jsonl.3").write_text("old")
    shown = good("clean", "--days", "0", "--home", home)
    assert "logs/server.jsonl.3" in shown
    # The job, what the cache remembers of its files, and the log.
    assert "deleted: 3 things" in good("clean", "--days", "0", "--yes", "--home", home)
    assert "nothing to clean" in good("clean", "--days", "0", "--home", home)
    assert not (home / "logs" / "server.jsonl.3").exists()
    assert void("clean", "--home", tmp_path / "nowhere").code == ExitCode.NO_SERVER


@pytest.mark.parametrize(
    "command", ["status", "logs", "pause", "resume", "drain", "priority", "clean", "serve"]
)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    shown = good(command, "--help")
    if command != "resume":
        assert f"void {command}" in shown
    assert "Example" in shown
