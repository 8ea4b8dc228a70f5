"""Servers that die, keys that do not fit, clients that leave."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.integration.server_case import Stranger, assert_copied, job_for, server_for, wait_until, write_shot
from void_protocol.client import Client
from void_protocol.errors import KeyFileError, ServerUnreachableError
from void_protocol.job_file import encode_job
from void_protocol.keys import Connection, client_secret_key_file, load_connection, server_public_key_file
from void_protocol.manifest import input_files, measure_inputs
from void_protocol.messages import FrameEvent, JobState, StateEvent
from void_protocol.watching import Connected, Disconnected, Snapshot, WatchEvent
from void_protocol.wire import encode_manifest
from void_server.access.allow_list import allowed_folder
from void_server.access.server_keys import make_key_pair
from void_server.broker.jobs.spool import Spool
from void_server.operation.server_process import ServerProcess


@pytest.fixture
def endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def server(tmp_path: Path, endpoint: str) -> Iterator[ServerProcess]:
    with server_for(tmp_path / "home", endpoint=endpoint) as running:
        yield running


@pytest.mark.parametrize("transfer", ["streamed", "paths"])
def test_a_killed_server_goes_on_with_the_running_job(
    server: ServerProcess, shot: Path, tmp_path: Path, transfer: Any
) -> None:
    events: list[WatchEvent] = []
    with Client(server.connection()) as client:
        job = job_for(shot, tmp_path / "out", prompt="slow")
        remote = client.submit(job, transfer=transfer, on_event=events.append)
        waiting = client.submit(job_for(shot, tmp_path / "next"), transfer=transfer)
        waiting.accepted.result(10)
        wait_until(lambda: remote.info is not None and remote.info.frames_done >= 2)
        server.kill()
        wait_until(lambda: any(isinstance(event, Disconnected) for event in events))
        server.start()
        info = remote.done.result(20)
        assert (info.state, info.attempts, info.frames_done) == (JobState.DONE, 2, 5)
        assert waiting.done.result(20).state is JobState.DONE
        text, _ = client.log(job.job_id).result(5)
    assert_copied(shot, tmp_path / "out")
    assert_copied(shot, tmp_path / "next")
    assert "resume True" in text
    assert any(isinstance(event, Connected) for event in events)
    assert any("it will continue" in getattr(event, "message", "") for event in events)
    first = next(event for event in events if isinstance(event, Snapshot))
    numbered = [event.sequence for event in events if isinstance(event, StateEvent | FrameEvent)]
    assert numbered == list(range(first.job.sequence + 1, info.sequence + 1))  # none lost, none twice


def test_a_killed_server_takes_up_the_upload_again(server: ServerProcess, tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "shot", frames=60, size=1_500_000)
    job = job_for(shot, tmp_path / "out", frames=60)
    sent: list[int] = []
    with Client(server.connection()) as client:
        remote = client.submit(job, transfer="streamed", on_upload=lambda done, total: sent.append(done))
        wait_until(lambda: len(sent) >= 10)
        server.kill()
        assert not remote.done.done()
        server.start()
        info = remote.done.result(40)
    assert info.state is JobState.DONE
    assert_copied(shot, tmp_path / "out", frames=60)
    assert 62 < len(sent) < 62 + 20  # the file on its way was sent again, those that were stored were not


def test_a_server_told_to_stop_continues_at_its_next_start(
    server: ServerProcess, shot: Path, tmp_path: Path
) -> None:
    with Client(server.connection()) as client:
        remote = client.submit(job_for(shot, tmp_path / "out", prompt="slow"))
        wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
        server.stop()
        server.start()
        info = remote.done.result(20)
        log, _ = client.log(remote.job_id).result(5)
    assert (info.state, info.attempts) == (JobState.DONE, 2)
    assert "queued: the server stopped; it will continue" in log
    assert_copied(shot, tmp_path / "out")


def test_a_job_that_was_being_cancelled_when_the_server_died_is_cancelled(
    server: ServerProcess, shot: Path, tmp_path: Path
) -> None:
    with Client(server.connection()) as client:
        remote = client.submit(job_for(shot, tmp_path / "out", prompt="deaf"))
        wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
        assert remote.cancel().result(5).state is JobState.CANCELLING
        server.kill()
        server.start()
        assert remote.done.result(20).state is JobState.CANCELLED


def test_the_worker_ends_with_its_server(server: ServerProcess) -> None:
    with Client(server.connection()) as client:
        wait_until(lambda: client.status().result(5).workers[0].alive)
        pid = client.status().result(5).workers[0].pid
    assert pid is not None
    server.kill()
    wait_until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc to look at another process")
    return status.exists() and status.read_text().split()[2] != "Z"


def test_an_upload_without_its_client_is_dropped(tmp_path: Path, shot: Path) -> None:
    job = job_for(shot, tmp_path / "out")
    manifest = encode_manifest(measure_inputs(list(input_files(job))))
    with server_for(tmp_path / "home", upload_grace_s=0.5) as server, Client(server.connection()) as client:
        with Stranger(server.connection()) as stranger:
            stranger.hello()
            accepted = stranger.ask(
                encode_job(job), manifest, type="submit", request=2, inputs="streamed", outputs="streamed"
            )
            assert accepted["type"] == "accepted"
            data = (shot / "plate.1001.exr").read_bytes()[:1000]
            stranger.say(data, type="chunk", job_id=job.job_id, file=0, offset=0)
            inputs = Spool(server.settings.home).inputs_folder(job.job_id)
            wait_until(lambda: (inputs / "plate" / "plate.0001001.exr.part").exists())
        wait_until(lambda: client.job(job.job_id).result(5).state is JobState.CANCELLED)
        assert "did not all arrive within" in client.job(job.job_id).result(5).message
        wait_until(lambda: not inputs.exists())
        wait_until(lambda: [path.name for path in inputs.parent.iterdir()] == ["log.txt"])


def test_a_client_that_is_not_on_the_list_is_kept_out(server: ServerProcess, tmp_path: Path) -> None:
    stranger_home = tmp_path / "stranger"
    (stranger_home / "keys").mkdir(parents=True)
    make_key_pair(client_secret_key_file(stranger_home))
    shutil.copy(server_public_key_file(server.settings.home), server_public_key_file(stranger_home))
    connection = load_connection(stranger_home, server.connection().endpoint)
    with (
        Client(connection) as client,
        pytest.raises(ServerUnreachableError, match="does not let this client in"),
    ):
        client.wait_connected(2)

    # Put on the list, it comes in without a restart of the server.
    public = connection.client_key.decode()
    allowed = allowed_folder(server.settings.home) / "stranger.key"
    allowed.write_text(f'metadata\ncurve\n    public-key = "{public}"\n')
    with Client(connection) as client:
        client.wait_connected(5)
        assert client.status().result(5).sessions == 1
        # Taken off again, it is out at once, although its connection stands.
        allowed.unlink()
        wait_until(lambda: client._session.welcome is None)
        with pytest.raises(
            ServerUnreachableError, match=r"not on the server's list|does not let this client in"
        ):
            client.wait_connected(1)


def test_another_servers_key_is_not_trusted(server: ServerProcess) -> None:
    real = server.connection()
    public, _ = zmq.curve_keypair()
    forged = Connection(real.endpoint, public, real.client_key, real.client_secret)
    with Client(forged) as client, pytest.raises(ServerUnreachableError, match="key is not the one pinned"):
        client.wait_connected(1)


def test_nobody_comes_in_without_a_key(server: ServerProcess) -> None:
    context = zmq.Context()
    plain = context.socket(zmq.DEALER)
    plain.linger = 0
    plain.connect(server.connection().endpoint)
    plain.send(b'{"type":"hello","request":1,"min_version":1,"max_version":1}')
    assert not plain.poll(500)
    plain.close()
    context.term()
    with Client(server.connection()) as client:
        client.wait_connected(5)


def test_no_server_is_said_plainly(tmp_path: Path, server: ServerProcess, endpoint: str) -> None:
    connection = server.connection()
    server.stop()
    with Client(connection, request_timeout_s=0.5) as client:
        with pytest.raises(ServerUnreachableError, match="nothing listens there; start a server"):
            client.wait_connected(1)
        began = time.monotonic()
        with pytest.raises(ServerUnreachableError, match="nothing listens there"):
            client.status().result(5)
        assert time.monotonic() - began < 3
    with pytest.raises(KeyFileError, match="no server runs with this home"):
        load_connection(server.settings.home)


def test_closing_the_client_ends_what_waits(server: ServerProcess, shot: Path, tmp_path: Path) -> None:
    client = Client(server.connection())
    remote = client.submit(job_for(shot, tmp_path / "out", prompt="slow"), transfer="streamed")
    remote.accepted.result(10)
    client.close()
    with pytest.raises(ServerUnreachableError, match="the job goes on at the server"):
        remote.done.result(5)


def test_a_runner_that_cannot_be_loaded_is_tried_again_and_jobs_wait(shot: Path, tmp_path: Path) -> None:
    with server_for(tmp_path / "home", runner="void_server.nowhere:run") as server:
        with Client(server.connection()) as client:
            remote = client.submit(job_for(shot, tmp_path / "out"))
            wait_until(lambda: client.status().result(5).workers[0].restarts >= 1)
            assert not client.status().result(5).workers[0].alive
            assert client.job(remote.job_id).result(5).state is JobState.QUEUED
            assert remote.cancel().result(5).state is JobState.CANCELLED
        log = (server.settings.home / "logs" / "worker-0.log").read_text()
        assert "cannot load 'void_server.nowhere:run', which runs the jobs" in log


def test_two_devices_work_side_by_side(shot: Path, tmp_path: Path) -> None:
    with (
        server_for(tmp_path / "home", devices=("auto", "cpu")) as server,
        Client(server.connection()) as client,
    ):
        wait_until(lambda: all(worker.alive for worker in client.status().result(5).workers))
        remotes = [client.submit(job_for(shot, tmp_path / name, prompt="slow")) for name in ("a", "b")]
        wait_until(lambda: all(worker.job_id for worker in client.status().result(5).workers))
        busy = {worker.job_id for worker in client.status().result(5).workers}
        assert busy == {remote.job_id for remote in remotes}
        assert [remote.done.result(20).state for remote in remotes] == [JobState.DONE] * 2


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals to freeze a process")
def test_a_server_that_freezes_is_found_again(server: ServerProcess, shot: Path, tmp_path: Path) -> None:
    events: list[WatchEvent] = []
    with Client(server.connection()) as client:
        job = job_for(shot, tmp_path / "out", prompt="slow")
        remote = client.submit(job, transfer="streamed", on_event=events.append)
        wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: any(isinstance(event, Disconnected) for event in events))
        finally:
            os.kill(server.pid, signal.SIGCONT)
        info = remote.done.result(20)
        assert (info.state, info.attempts) == (JobState.DONE, 1)  # the worker never noticed
    assert_copied(shot, tmp_path / "out")
    gone = next(event for event in events if isinstance(event, Disconnected))
    assert "silent for" in gone.why
    numbered = [event.sequence for event in events if isinstance(event, StateEvent | FrameEvent)]
    assert numbered == list(range(numbered[0], info.sequence + 1))


def test_files_in_the_current_folder_are_not_code(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An artist starts the server in a folder that others can write to."""
    for name in ("queue.py", "numpy.py", "void_server.py"):
        (tmp_path / name).write_text("raise SystemExit('this must not run')")
    monkeypatch.chdir(tmp_path)
    with server_for(tmp_path / "home") as server, Client(server.connection()) as client:
        assert client.submit(job_for(shot, tmp_path / "out")).done.result(20).state is JobState.DONE


def test_results_that_nobody_fetched_go_in_time(shot: Path, tmp_path: Path) -> None:
    job = job_for(shot, tmp_path / "out")
    with server_for(tmp_path / "home") as server, Client(server.connection()) as client:
        assert client.submit(job, transfer="streamed", fetch=False).done.result(20).state is JobState.DONE
    results = Path(Spool(server.settings.home).result_pattern(job.job_id)).parent
    assert len(list(results.iterdir())) == 5
    with server_for(tmp_path / "home", result_days=1e-9) as server, Client(server.connection()) as client:
        wait_until(lambda: not results.exists())
        assert client.job(job.job_id).result(5).frames_done == 5


def test_many_jobs_are_fetched_within_the_servers_limit(tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "shot", frames=4, size=200_000)
    with server_for(tmp_path / "home", fetches=1) as server, Client(server.connection()) as client:
        remotes = [
            client.submit(job_for(shot, tmp_path / f"out{number}", frames=4), transfer="streamed")
            for number in range(3)
        ]
        assert [remote.done.result(30).state for remote in remotes] == [JobState.DONE] * 3
    for number in range(3):
        assert_copied(shot, tmp_path / f"out{number}", frames=4)
