"""What a server does when clients, or strangers, want too much of it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import zmq

from tests.integration.server_case import FIRST, Stranger, job_for, wait_until, write_shot
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.client import Client
from void_protocol.errors import ServerUnreachableError
from void_protocol.job import Settings
from void_protocol.job_file import encode_job
from void_protocol.keys import Connection, fingerprint, load_connection
from void_server.access.key_commands import add_client, new_client, revoke_client
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER

MIB = 1 << 20


def memory_bytes(server: ServerProcess) -> int:
    return int(psutil.Process(server.pid).memory_info().rss)


def submission(folder: Path, job_id: str, *, size: int = 1000, **changes: Any) -> list[bytes]:
    """Job and manifest for streamed inputs of one frame."""
    job = json.loads(encode_job(job_for(folder, folder / "out", frames=1, job_id=job_id)))
    job.update(changes)
    manifest = [["plate", FIRST, size], ["matte.0", None, 10], ["anchors", FIRST, 10]]
    return [json.dumps(job).encode(), json.dumps(manifest).encode()]


def submit(stranger: Stranger, parts: list[bytes], request: int = 9, how: str = "streamed") -> dict[str, Any]:
    return stranger.ask(*parts, type="submit", request=request, inputs=how, outputs=how)


def test_connections_without_end(start: Callable[..., ServerProcess]) -> None:
    """2,000 connections that say nothing: those beyond the limit are closed at once, the others soon, and
    who was there before goes on."""
    # On a busy machine all of it may take long; whoever was there before is silent meanwhile.
    server = start(connections=100, handshake_s=1.0, heartbeat_s=60.0)
    host, port = server.connection().endpoint.removeprefix("tcp://").split(":")
    with Stranger(server.connection()) as friend:
        friend.hello()
        before = memory_bytes(server)
        files = psutil.Process(server.pid).num_fds() if hasattr(psutil.Process, "num_fds") else 0
        most_files = files
        for number in range(2000):
            with socket.create_connection((host, int(port)), timeout=60) as one:
                one.setblocking(False)
                if number % 200 == 0:
                    assert friend.ask(type="ping", request=number + 10)["type"] == "pong"
                    if files:
                        most_files = max(most_files, psutil.Process(server.pid).num_fds())
        with ExitStack() as held:
            kept = [
                held.enter_context(socket.create_connection((host, int(port)), timeout=60))
                for _ in range(400)
            ]
            assert friend.ask(type="ping", request=5000)["type"] == "pong"
            wait_until(lambda: _closed(kept) >= 300)
            if files:
                assert psutil.Process(server.pid).num_fds() - files <= 100 + 10
            wait_until(lambda: _closed(kept) == 400)  # the handshake's time is over
        assert memory_bytes(server) - before < 100 * MIB
    with Stranger(server.connection()) as late:
        assert late.hello()["type"] == "welcome"
    wait_until(lambda: "(connections)" in server.log_file.read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much has arrived")
@pytest.mark.parametrize("says_hello", [True, False])
def test_a_message_of_endless_parts(start: Callable[..., ServerProcess], says_hello: bool) -> None:
    """No part is too large, and the last one never comes, as far as the server can see."""
    server = start(heartbeat_s=5.0, submission_bytes=MIB)
    with Stranger(server.connection()) as friend, Stranger(server.connection()) as hostile:
        friend.hello()
        if says_hello:
            hostile.hello()
        monitor = hostile.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        before, most = memory_bytes(server), 0
        part = bytes(MIB)
        hostile.socket.send_multipart([part] * 1500, copy=False)  # one buffer, whatever their number
        limit = time.monotonic() + 60.0
        while not monitor.poll(50):
            assert time.monotonic() < limit
            most = max(most, memory_bytes(server) - before)
            assert friend.ask(type="ping", request=2)["type"] == "pong"
        assert most < 600 * MIB
        hostile.socket.disable_monitor()
        monitor.close(0)
        hostile.socket.close()  # or it would try again
        wait_until(lambda: memory_bytes(server) - before < 150 * MIB, 10.0)
    wait_until(lambda: "does not come to an end" in server.log_file.read_text())


def test_large_jobs_are_no_endless_message(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    """As large as they may be, and several at a time."""
    server = start(heartbeat_s=5.0, submission_bytes=MIB)
    with Stranger(server.connection()) as friend:
        friend.hello()
        for number in range(2):
            friend.say(
                b" " * (64 * MIB), b" " * (64 * MIB), type="submit", request=number + 2, inputs="streamed",
                outputs="streamed",
            )  # fmt: skip
        for _ in range(2):
            message, _ = friend.hear(30.0)
            assert (message["type"], message["code"] in ("bad_job", "limit")) == ("error", True)
        assert friend.ask(type="ping", request=9)["type"] == "pong"


def _closed(connections: list[socket.socket]) -> int:
    count = 0
    for one in connections:
        one.setblocking(False)
        try:
            while data := one.recv(1000):  # ZeroMQ's greeting
                del data
            count += 1
        except BlockingIOError:
            pass
        except OSError:
            count += 1
    return count


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="nothing can be frozen here")
def test_a_connection_that_does_not_answer_is_closed(start: Callable[..., ServerProcess]) -> None:
    """A machine that is asleep, or a client that never gets to the end of its message, keeps no handle."""
    server = start(connection_silence_s=0.8, heartbeat_s=5.0)
    process = psutil.Process(server.pid)
    frozen = subprocess.Popen(
        [sys.executable, "-c", _SAY_HELLO, str(server.settings.home)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert frozen.stdout is not None
        assert "welcome" in frozen.stdout.readline()
        connected = len(_clients(process, server))
        frozen.send_signal(signal.SIGSTOP)
        wait_until(lambda: len(_clients(process, server)) == connected - 1, 15.0)
    finally:
        frozen.kill()
        frozen.communicate()


_SAY_HELLO = """
import sys, time
from pathlib import Path
from tests.integration.server_case import Stranger
from void_protocol.keys import load_connection
with Stranger(load_connection(Path(sys.argv[1]))) as stranger:
    print(stranger.hello()["type"], flush=True)
    time.sleep(60)
"""


def _clients(process: psutil.Process, server: ServerProcess) -> list[Any]:
    port = int(server.connection().endpoint.rpartition(":")[2])
    return [
        each
        for each in process.net_connections("tcp")
        if each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED
    ]


def test_one_client_has_so_many_sessions(start: Callable[..., ServerProcess]) -> None:
    server = start(client_sessions=2)
    with Stranger(server.connection()) as first, Stranger(server.connection()) as second:
        first.hello()
        second.hello()
        with Stranger(server.connection()) as third:
            refusal = third.ask(type="hello", request=1, min_version=1, max_version=1)
            assert (refusal["code"], "(client_sessions)" in refusal["message"]) == ("limit", True)
        assert second.ask(type="hello", request=2, min_version=1, max_version=1)["type"] == "welcome"


def test_quotas_are_named(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    server = start(client_open_jobs=3, client_spool_bytes=100_000, spool_bytes=150_000, frame_pixels=5000)
    write_shot(tmp_path / "shot", 1, 1000)
    other = load_connection(_another(server, tmp_path / "anna"))
    with Stranger(server.connection()) as mine, Stranger(other) as hers:
        mine.hello()
        hers.hello()
        assert submit(mine, submission(tmp_path / "shot", "a", size=90_000))["type"] == "accepted"
        assert submit(mine, submission(tmp_path / "shot", "a", size=90_000))["type"] == "accepted"  # again
        refusal = submit(mine, submission(tmp_path / "shot", "b", size=20_000))
        assert (refusal["code"], "(client_spool_bytes)" in refusal["message"]) == ("limit", True)
        refusal = submit(hers, submission(tmp_path / "shot", "c", size=70_000))
        assert (refusal["code"], "(spool_bytes)" in refusal["message"]) == ("limit", True)
        for name in ("d", "e"):
            assert submit(mine, submission(tmp_path / "shot", name, size=100))["type"] == "accepted"
        refusal = submit(mine, submission(tmp_path / "shot", "f", size=100))
        assert (refusal["code"], "(client_open_jobs)" in refusal["message"]) == ("limit", True)
        assert submit(hers, submission(tmp_path / "shot", "g", size=100))["type"] == "accepted"
        assert mine.ask(type="cancel", request=20, job_id="a")["job"]["state"] == "cancelled"
        assert submit(mine, submission(tmp_path / "shot", "h", size=80_000))["type"] == "accepted"

        wide = json.loads(submission(tmp_path / "shot", "i")[0])["shot"]
        wide["format"] = {"width": 100, "height": 51}
        refusal = submit(hers, submission(tmp_path / "shot", "i", shot=wide))
        assert (refusal["code"], "(frame_pixels)" in refusal["message"]) == ("limit", True)


def test_quotas_outlive_the_server(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    server = start(client_spool_bytes=100_000)
    write_shot(tmp_path / "shot", 1, 1000)
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        assert submit(stranger, submission(tmp_path / "shot", "a", size=90_000))["type"] == "accepted"
    server.stop()
    server.start()
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        refusal = submit(stranger, submission(tmp_path / "shot", "b", size=20_000))
        assert "(client_spool_bytes)" in refusal["message"]


def _another(server: ServerProcess, folder: Path) -> Path:
    new_client(server.settings.home, folder.name, folder)
    return folder


def test_an_upload_in_drops_is_dropped(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    """A byte now and then keeps a session, but not a job that never gets anywhere."""
    server = start(upload_grace_s=1.0, upload_progress_bytes=1000)
    write_shot(tmp_path / "shot", 1, 1000)
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        assert submit(stranger, submission(tmp_path / "shot", "slow", size=5000))["type"] == "accepted"
        began, offset, state = time.monotonic(), 0, "uploading"
        while state == "uploading":
            assert time.monotonic() - began < 20.0
            stranger.say(b"x", type="chunk", job_id="slow", file=0, offset=offset)
            offset += 1
            time.sleep(0.1)
            state = stranger.ask(type="get_job", request=100 + offset, job_id="slow")["job"]["state"]
        assert state == "cancelled"


def test_who_does_not_read_loses_the_session_and_costs_bounded_memory(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start(client_queue_bytes=160 * MIB, heartbeat_s=30.0)
    write_shot(tmp_path / "shot", 1, 1000)
    with Stranger(server.connection()) as greedy, Stranger(server.connection()) as friend:
        greedy.hello()
        friend.hello()
        job = submission(tmp_path / "shot", "a", size=1000)
        assert submit(greedy, job)["type"] == "accepted"
        log = next((server.settings.home / "jobs").glob("a-*")) / "log.txt"
        with log.open("ab") as file:
            file.write(b"x" * MIB)
        before, began = memory_bytes(server), time.monotonic()
        greedy.socket.setsockopt(zmq.RCVHWM, 1)
        asked = 0
        most = before
        # A busy machine takes long to give so many answers.
        while "loses its session (client_queue_bytes)" not in server.log_file.read_text():
            assert time.monotonic() - began < 120.0
            wish = {"type": "get_log", "request": asked, "job_id": "a", "max_bytes": MIB}
            with suppress(zmq.Again):
                for _ in range(8):  # answers of a megabyte that nobody reads
                    greedy.socket.send_json(wish, zmq.NOBLOCK)
            assert friend.ask(type="ping", request=10_000 + asked)["type"] == "pong"
            most = max(most, memory_bytes(server))
            asked += 1
            time.sleep(0.01)
        assert most - before < 400 * MIB


def test_who_missed_too_many_events_gets_a_picture(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start(event_backlog=1)
    write_shot(tmp_path / "shot", 1, 1000)
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        submit(stranger, submission(tmp_path / "shot", "a"))
        stranger.ask(type="cancel", request=2, job_id="a")
        last = stranger.ask(type="get_job", request=3, job_id="a")["job"]["sequence"]
        assert last == 2
        assert stranger.ask(type="watch", request=4, job_id="a", after=0)["gap"] is True
        assert stranger.ask(type="watch", request=5, job_id="a", after=1)["gap"] is False
        assert stranger.hear_of("state")[0]["sequence"] == 2


def test_a_revoked_client_is_out_at_once(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    server = start(heartbeat_s=5.0)
    folder = _another(server, tmp_path / "anna")
    with Stranger(load_connection(folder)) as anna:
        anna.hello()
        process = psutil.Process(server.pid)
        assert len(_clients(process, server)) == 1
        revoke_client(server.settings.home, "anna")
        began = time.monotonic()
        wait_until(lambda: not _clients(process, server), 3.0)  # it comes back, and is turned away each time
        assert time.monotonic() - began < 2.0
        _try_to_say(anna, type="ping", request=2)
        assert anna.is_silent(0.3)
    with Stranger(load_connection(folder)) as again:
        _try_to_say(again, type="hello", request=1, min_version=1, max_version=1)
        assert again.is_silent(0.5)
    add_client(server.settings.home, "anna2", load_connection(folder).client_key)
    with Stranger(load_connection(folder)) as again:
        assert again.hello()["type"] == "welcome"


def test_the_client_of_a_revoked_key_does_not_hang(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start(heartbeat_s=0.3)
    folder = _another(server, tmp_path / "anna")
    with Client(load_connection(folder), request_timeout_s=1.0) as client:
        client.wait_connected(5.0)
        revoke_client(server.settings.home, "anna")
        time.sleep(1.5)  # heartbeats go on meanwhile
        with pytest.raises(ServerUnreachableError):
            client.jobs().result(10.0)
        began = time.monotonic()
    assert time.monotonic() - began < 5.0


def _try_to_say(stranger: Stranger, **message: Any) -> None:
    with suppress(zmq.Again):  # nobody listens, and ZeroMQ would wait for somebody who does
        stranger.socket.send(json.dumps(message).encode(), zmq.NOBLOCK)


def test_a_server_with_another_key_is_not_talked_to(start: Callable[..., ServerProcess]) -> None:
    server = start()
    known = server.connection()
    other, _ = zmq.curve_keypair()
    pinned = Connection(known.endpoint, other, known.client_key, known.client_secret)
    with Client(pinned) as client, pytest.raises(ServerUnreachableError):
        client.wait_connected(1.0)
    assert fingerprint(other) != fingerprint(known.server_key)


def test_the_bytes_of_other_files_are_none_of_a_clients_business(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """Who could ask for a digest of any single byte of any file could read that file."""
    server = start()
    key, secret = server.settings.home / "keys" / "server.key_secret", tmp_path / "secret"
    secret.write_bytes(b"a password")
    (tmp_path / "key.exr").symlink_to(key)
    (tmp_path / "secret.exr").symlink_to(secret)
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        for path, why in (
            (key, "lies in the server's own home"),
            (tmp_path / "key.exr", "lies in the server's own home"),
            (secret, "is not an EXR file"),
            (tmp_path / "secret.exr", "is not an EXR file"),
        ):
            reply = stranger.ask(
                type="prove", request=2, nonce="00" * 32, files=[{"path": str(path), "ranges": [[0, 1]]}]
            )
            assert reply["files"][0]["digest"] is None
            assert why in reply["files"][0]["problem"]


def test_a_job_that_names_models_or_code_is_refused(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start()
    write_shot(tmp_path / "shot", 1, 1000)
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        for number, name in enumerate(("models", "checkpoint", "python", "runner")):
            settings = {"engine_options": {name: str(tmp_path)}}
            refusal = submit(stranger, submission(tmp_path / "shot", f"j{number}", settings=settings))
            assert (refusal["code"], name in refusal["message"]) == ("bad_job", True)


def test_a_server_for_others_takes_no_paths_without_roots(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start(allow_remote=True)
    shot = write_shot(tmp_path / "shot", 1, 1000)
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        job = encode_job(job_for(shot, tmp_path / "out", frames=1))
        refusal = submit(stranger, [job], how="paths")
        assert (refusal["code"], "(read_roots)" in refusal["message"]) == ("refused_path", True)


@pytest.mark.parametrize("swapped", ["plate", "output"])
def test_a_link_that_comes_after_the_job_was_accepted_leads_nowhere(
    start: Callable[..., ServerProcess], tmp_path: Path, swapped: str
) -> None:
    root, outside, frame = tmp_path / "root", tmp_path / "outside", f"plate.{FIRST}.exr"
    for folder in (root, outside, root / "out"):
        folder.mkdir()
    pixels = np.ones((48, 64, 4), np.float16)
    for name in (root / frame, root / "matte.exr", outside / frame):
        write_frame(Frame.from_pixels(FIRST, "RGBA", pixels), name)
    server = start(runner=DEFAULT_RUNNER, read_roots=(root,), output_roots=(root,))
    job = job_for(root, root / "out", frames=1, job_id="swapped")
    job = msgspec.structs.replace(job, anchors=None, settings=Settings(engine="identity"))
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        assert stranger.ask(type="pause", request=2)["type"] == "status"
        assert submit(stranger, [encode_job(job)], how="paths")["type"] == "accepted"
        if swapped == "plate":
            (root / frame).unlink()
            (root / frame).symlink_to(outside / frame)
        else:
            (root / "out").rmdir()
            (root / "out").symlink_to(outside)
        assert stranger.ask(type="resume", request=3)["type"] == "status"
        info: dict[str, Any] = {}

        def is_over() -> bool:
            info.update(stranger.ask(type="get_job", request=4, job_id="swapped")["job"])
            return info["state"] not in ("queued", "running")

        wait_until(is_over, 30.0)
        assert info["state"] == "failed"
        assert "a link leads elsewhere" in info["message"]
        assert [path.name for path in outside.iterdir()] == [frame]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system does not tell")
def test_a_worker_gets_no_secret_of_the_servers_environment(
    start: Callable[..., ServerProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD_SECRET_KEY", "not for workers")
    monkeypatch.setenv("STUDIO_LICENSE", "5053@licenses")
    server = start(worker_environment=("STUDIO_*",))
    with Client(server.connection()) as client:
        wait_until(lambda: any(worker.pid for worker in client.status().result().workers))
        (pid,) = (worker.pid for worker in client.status().result().workers)
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert b"STUDIO_LICENSE=5053@licenses" in variables
    assert not [each for each in variables if b"not for workers" in each]
    assert [each for each in variables if each.startswith(b"PATH=")]
