"""What runs when: pauses, priorities, drains, fair shares, and a server that stops in good order."""

from __future__ import annotations

import json
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.server_case import assert_copied, job_for, server_for, wait_until, write_shot
from void_protocol.client import Client
from void_protocol.errors import ServerError
from void_protocol.job import RemovalJob
from void_protocol.keys import Connection, read_secret_key_file
from void_protocol.messages import JobState
from void_protocol.operating import Operating
from void_protocol.remote_job import RemoteJob
from void_server.access.allow_list import allowed_folder
from void_server.access.server_keys import make_key_pair, write_public_key
from void_server.operation.server_process import ServerProcess


def let_in(server: ServerProcess, name: str) -> Connection:
    """Keys of another user, on the server's list."""
    folder = server.settings.home / "others"
    folder.mkdir(exist_ok=True)
    make_key_pair(folder / f"{name}.key_secret")
    public, secret = read_secret_key_file(folder / f"{name}.key_secret")
    write_public_key(allowed_folder(server.settings.home) / f"{name}.key", public)
    known = server.connection()
    return Connection(
        endpoint=known.endpoint, server_key=known.server_key, client_key=public, client_secret=secret
    )


def begun(client: Client, job_id: str) -> bool:
    return client.job(job_id).result(5).state is JobState.RUNNING


def started_in_order(client: Client, jobs: list[RemovalJob]) -> list[int]:
    """Indices of the jobs in the order in which they began to run."""
    infos = [client.job(job.job_id).result(5) for job in jobs]
    assert all(info.started_at for info in infos), infos
    return sorted(range(len(jobs)), key=lambda index: infos[index].started_at or 0.0)


def submit(client: Client, job: RemovalJob, **more: Any) -> RemoteJob:
    remote = client.submit(job, transfer="paths", **more)
    remote.accepted.result(10)
    return remote


def test_a_running_job_is_paused_and_goes_on_where_it_was(client: Client, shot: Path, tmp_path: Path) -> None:
    operating = Operating(client)
    job = job_for(shot, tmp_path / "out", prompt="slow")
    remote = submit(client, job)
    wait_until(lambda: remote.info is not None and remote.info.frames_done >= 2)
    operating.pause_job(job.job_id, "dailies").result(5)
    wait_until(lambda: client.job(job.job_id).result(5).state is JobState.QUEUED)
    info = client.job(job.job_id).result(5)
    assert (info.is_paused, info.queue_position) == (True, None)
    assert info.message == "paused by local"
    other = submit(client, job_for(shot, tmp_path / "other"))
    assert other.done.result(10).state is JobState.DONE  # the worker is free
    assert client.job(job.job_id).result(5).state is JobState.QUEUED
    resumed = operating.resume_job(job.job_id).result(5)
    assert not resumed.is_paused
    info = remote.done.result(20)
    assert (info.state, info.attempts) == (JobState.DONE, 2)
    assert info.run_s > 0.4
    assert info.queue_s > 0.0
    seconds = [frame.seconds for frame in client.results(job.job_id)]
    assert len(seconds) == 5
    assert max(each for each in seconds if each is not None) >= 0.3  # a slow one
    assert_copied(shot, tmp_path / "out")


def test_a_worker_that_does_not_heed_a_pause_is_not_held_against_the_job(
    client: Client, shot: Path, tmp_path: Path
) -> None:
    job = job_for(shot, tmp_path / "out", prompt="deaf")
    remote = submit(client, job)
    wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
    Operating(client).pause_job(job.job_id).result(5)
    wait_until(lambda: client.job(job.job_id).result(5).state is JobState.QUEUED)
    assert "was killed" in client.job(job.job_id).result(5).message
    client.cancel(job.job_id).result(5)
    assert remote.done.result(10).state is JobState.CANCELLED


def test_a_job_paused_while_it_uploads_waits_when_its_files_are_here(client: Client, tmp_path: Path) -> None:
    large = write_shot(tmp_path / "large", frames=20, size=1_500_000)
    job = job_for(large, tmp_path / "out", frames=20)
    paused: list[bool] = []

    def pause_once(sent: int, total: int) -> None:
        if not paused:
            paused.append(True)
            Operating(client).pause_job(job.job_id)

    remote = client.submit(job, transfer="streamed", on_upload=pause_once)
    wait_until(lambda: remote.info is not None and remote.info.state is JobState.QUEUED)
    info = client.job(job.job_id).result(5)
    assert info.is_paused
    time.sleep(0.3)
    assert client.job(job.job_id).result(5).state is JobState.QUEUED
    Operating(client).resume_job(job.job_id).result(5)
    assert remote.done.result(20).state is JobState.DONE


def test_a_paused_queue_stays_paused_over_a_restart_and_priorities_decide_then(
    own_server: ServerProcess, shot: Path, tmp_path: Path
) -> None:
    server = own_server
    jobs = [job_for(shot, tmp_path / f"out{index}") for index in range(4)]
    with Client(server.connection()) as client:
        status = Operating(client).pause_queue("dailies").result(5)
        assert (status.queue.mode, status.queue.set_by, status.queue.reason) == ("paused", "local", "dailies")
        for index, job in enumerate(jobs):
            submit(client, job, priority=-5 if index == 0 else 0)
        Operating(client).set_priority(jobs[3].job_id, 50).result(5)
        positions = [client.job(job.job_id).result(5).queue_position for job in jobs]
        assert positions == [3, 1, 2, 0]
    server.kill()
    server.start()
    with Client(server.connection()) as client:
        health = Operating(client).health().result(5)
        assert "the queue is paused, by local (dailies)" in health.notes[0]
        assert client.status().result(5).jobs == {"queued": 4}
        assert [client.job(job.job_id).result(5).priority for job in jobs] == [-5, 0, 0, 50]
        Operating(client).resume_queue().result(5)
        wait_until(lambda: client.status().result(5).jobs == {"done": 4})
        assert started_in_order(client, jobs) == [3, 1, 2, 0]


def test_a_drained_server_ends_what_runs_and_accepts_nothing(
    client: Client, shot: Path, tmp_path: Path
) -> None:
    operating = Operating(client)
    running = submit(client, job_for(shot, tmp_path / "out", prompt="slow"))
    waiting = submit(client, job_for(shot, tmp_path / "next"))
    wait_until(lambda: begun(client, running.job_id))
    operating.drain("new driver").result(5)
    late = client.submit(job_for(shot, tmp_path / "late"), transfer="paths")
    with pytest.raises(ServerError, match=r"drained for maintenance by local \(new driver\)"):
        late.accepted.result(10)
    again = client.follow(waiting.job_id)  # what is known is served
    assert running.done.result(20).state is JobState.DONE
    assert client.job(waiting.job_id).result(5).state is JobState.QUEUED
    operating.resume_queue().result(5)
    assert again.done.result(20).state is JobState.DONE


def test_two_users_take_turns(server: ServerProcess, shot: Path, tmp_path: Path) -> None:
    other = let_in(server, "ben")
    with Client(server.connection()) as anna, Client(other) as ben:
        Operating(anna).pause_queue().result(5)
        jobs = [job_for(shot, tmp_path / f"out{index}") for index in range(6)]
        for job in jobs[:4]:
            submit(anna, job)
        for job in jobs[4:]:
            submit(ben, job)
        positions = [anna.job(job.job_id).result(5).queue_position for job in jobs]
        assert sorted(position for position in positions if position is not None) == list(range(6))
        owners = {share.owner: share.queued for share in anna.status().result(5).owners}
        assert (owners["local"], owners["ben"]) == (4, 2)
        Operating(anna).resume_queue().result(5)
        wait_until(lambda: all(anna.job(job.job_id).result(5).state is JobState.DONE for job in jobs))
        order = started_in_order(anna, jobs)
        # He came last and has used nothing yet: both of his run before local's third.
        assert max(order.index(4), order.index(5)) < order.index(2)
        assert order[-1] == 3


def test_only_operators_hold_up_others(server: ServerProcess, shot: Path, tmp_path: Path) -> None:
    with Client(server.connection()) as local, Client(let_in(server, "carl")) as carl:
        Operating(local).pause_queue().result(5)
        others = submit(local, job_for(shot, tmp_path / "local"))
        own = submit(carl, job_for(shot, tmp_path / "carl"))
        operating = Operating(carl)
        refused = (
            operating.pause_queue(), operating.resume_queue(), operating.drain(), operating.clean(),
            operating.pause_job(others.job_id), operating.resume_job(others.job_id),
            operating.set_priority(others.job_id, -1), operating.set_priority(own.job_id, 1),
            carl.cancel(others.job_id), carl.release(others.job_id),
            carl.submit(job_for(shot, tmp_path / "x"), transfer="paths", priority=1).accepted,
        )  # fmt: skip
        for future in refused:
            with pytest.raises(ServerError, match="operator") as caught:
                future.result(10)
            assert caught.value.code == "operators_only"
        assert operating.set_priority(own.job_id, -10).result(5).priority == -10
        assert operating.pause_job(own.job_id).result(5).is_paused
        assert not operating.resume_job(own.job_id).result(5).is_paused
        assert Operating(local).set_priority(own.job_id, 10).result(5).queue_position == 0
        assert operating.health().result(5).is_healthy
        Operating(local).resume_queue().result(5)
        assert others.done.result(10).state is JobState.DONE
        assert {own.job_id, others.job_id} <= {info.job_id for info in carl.jobs().result(5)}
        assert len(carl.results(others.job_id)) == 5
        third = submit(carl, job_for(shot, tmp_path / "third", prompt="slow"))
        assert local.cancel(third.job_id).result(5).state.value in ("cancelled", "cancelling")


def test_an_upload_is_its_owners(server: ServerProcess, tmp_path: Path) -> None:
    """Another client that knows the whole job can neither take it over nor keep its files from arriving."""
    large = write_shot(tmp_path / "large", frames=20, size=1_500_000)
    job = job_for(large, tmp_path / "out", frames=20)
    refused: list[Any] = []
    with Client(server.connection()) as local, Client(let_in(server, "dora")) as dora:
        dora.wait_connected()

        def disturb(sent: int, total: int) -> None:
            if not refused:
                refused.append(dora.submit(job, transfer="streamed").accepted)

        remote = local.submit(job, transfer="streamed", on_upload=disturb)
        wait_until(lambda: bool(refused))
        with pytest.raises(ServerError, match="is being uploaded by local") as caught:
            refused[0].result(10)
        assert caught.value.code == "conflict"
        assert remote.done.result(20).state is JobState.DONE


def test_several_workers_have_their_own_devices_and_share_the_cores(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with (
        server_for(tmp_path / "home", devices=("cpu", "cpu")) as server,
        Client(server.connection()) as client,
    ):
        remotes = [submit(client, job_for(shot, tmp_path / f"out{i}", prompt="slow")) for i in range(2)]
        wait_until(lambda: client.status().result(5).jobs.get("running") == 2)
        workers = client.status().result(5).workers
        assert {worker.job_id for worker in workers} == {remote.job_id for remote in remotes}
        assert [worker.device for worker in workers] == ["cpu", "cpu"]
        wait_until(lambda: all(each.memory is not None for each in client.status().result(5).workers))
        memory = client.status().result(5).workers[0].memory
        assert memory is not None
        assert memory.resident_bytes > 10e6
        assert memory.device_used_bytes is None  # no torch was loaded for this
        if sys.platform != "win32":
            own = psutil.Process(server.pid).nice()
            assert {psutil.Process(worker.pid).nice() for worker in workers} == {min(19, own + 5)}
        if Path("/proc/self/environ").exists():
            for worker in workers:
                surroundings = Path(f"/proc/{worker.pid}/environ").read_bytes().split(b"\0")
                assert b"CUDA_VISIBLE_DEVICES=" in surroundings
                assert any(each.startswith(b"OMP_NUM_THREADS=") for each in surroundings)
                assert f"VOID_CACHE={server.settings.caches}".encode() in surroundings
        assert all(remote.done.result(20).state is JobState.DONE for remote in remotes)
        rates = client.status().result(5).throughput
        assert rates.frames_per_minute > 0
        assert rates.jobs_per_hour > 0


def test_a_server_that_is_told_to_stop_lets_a_job_finish(shot: Path, tmp_path: Path) -> None:
    with server_for(tmp_path / "home", stop_grace_s=20.0) as server:
        with Client(server.connection()) as client:
            remote = submit(client, job_for(shot, tmp_path / "out", prompt="slow"))
            waiting = submit(client, job_for(shot, tmp_path / "next"))
            wait_until(lambda: remote.info is not None and remote.info.frames_done >= 1)
            server.stop()
            assert_copied(shot, tmp_path / "out")
            assert not (tmp_path / "next").exists() or not list((tmp_path / "next").iterdir())
        server.start()
        with Client(server.connection()) as client:
            assert client.job(remote.job_id).result(5).attempts == 1
            wait_until(lambda: client.job(waiting.job_id).result(5).state is JobState.DONE)


def test_figures_for_prometheus_and_the_structured_log(shot: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        server_for(tmp_path / "home", metrics_port=port) as server,
        Client(server.connection()) as client,
    ):
        job = job_for(shot, tmp_path / "out")
        assert submit(client, job).done.result(10).state is JobState.DONE

        def figures() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        wait_until(lambda: 'void_jobs{state="done"} 1.0' in figures())
        text = figures()
        for line in (
            "void_frames_total 5.0", "void_jobs_ended_total 1.0", "void_healthy 1.0", "void_queue_open 1.0",
            'void_worker_alive{device="auto",worker="worker-0"} 1.0', "# TYPE void_owner_queued gauge",
        ):  # fmt: skip
            assert f"\n{line}\n" in text
        assert "void_commit_seconds_total" in text
        log = server.settings.log_folder / "server.jsonl"
        wait_until(lambda: '"state": "done"' in log.read_text())
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    story = [line["state"] for line in lines if line.get("job_id") == job.job_id]
    assert story == ["queued", "running", "done"]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
