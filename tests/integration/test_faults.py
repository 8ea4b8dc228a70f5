"""Faults injected into a real server: disks, drives, files, workers and wires that fail, and come back."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.lost_power import FSYNC_JOURNAL, lose_unsynced, watch_syncs
from tests.integration.cut_wire import CutWire
from tests.integration.server_case import assert_copied, server_for, wait_until, write_shot
from tests.integration.server_case import job_for as copy_job_for
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.client import Client
from void_protocol.job import Format, Matte, Output, RemovalJob, Settings, Shot
from void_protocol.keys import Connection
from void_protocol.messages import FrameEvent, JobState, ManifestEntry, StateEvent
from void_protocol.remote_job import RemoteJob
from void_protocol.sequence import frame_path
from void_protocol.watching import Snapshot, WatchEvent
from void_server.broker.jobs.spool import Spool
from void_server.operation.server_process import ServerProcess

FRAMES = range(1010, 1014)
MEBI = 1024 * 1024
SILENCE_S = 2.0
"""How long, in seconds, an impatient server hears nothing of a worker before it takes it for dead."""
LONG_S = 120.0
"""How long, in seconds, what has to come is waited for; other work of the machine may take most of it."""


SETTINGS: dict[str, Any] = {
    "runner": "tests.integration.faulty_runner:run",
    "stage_limits_s": {"dreaming": 1.0, "counting": 60.0},
    "wait_limit_s": LONG_S,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server that soon takes a worker for dead, which a busy machine may make of any."""
    settings = {**SETTINGS, "worker_silence_s": SILENCE_S}
    with (
        server_for(tmp_path_factory.mktemp("home"), **settings) as running,
        Client(running.connection()) as one,
    ):
        one.wait_connected(LONG_S)
        yield one


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    folder = tmp_path / "plate"
    folder.mkdir()
    chance = np.random.default_rng(3)
    for frame in FRAMES:
        pixels = chance.random((32, 48, 3)).astype(np.float16)
        write_frame(Frame.from_pixels(frame, "RGB", pixels), folder / f"plate.{frame}.exr")
    write_frame(Frame.from_pixels(FRAMES[0], ("A",), np.ones((32, 48, 1), np.float16)), folder / "matte.exr")
    return folder


def job_for(plate: Path, output: Path, word: str = "") -> RemovalJob:
    return RemovalJob(
        shot=Shot(
            name="faulty",
            plate=str(plate / "plate.%04d.exr"),
            first_frame=FRAMES[0],
            last_frame=FRAMES[-1],
            format=Format(width=48, height=32),
        ),
        mattes=[Matte(role="remove", pattern=str(plate / "matte.exr"))],
        settings=Settings(engine="identity", prompt=word),
        output=Output(pattern=str(output / "result.%04d.exr"), layers=["matte"]),
    )


def assert_whole(plate: Path, output: Path) -> None:
    """All frames are there with the plate's pixels, and nothing else is."""
    for frame in FRAMES:
        ours = read_frame(output / f"result.{frame}.exr", frame)
        plates = read_frame(plate / f"plate.{frame}.exr", frame)
        assert all(np.array_equal(ours.native(name), plates.native(name)) for name in "RGB")
    assert len(list(output.iterdir())) == len(FRAMES)


def message_of(remote: RemoteJob) -> str:
    return "" if remote.info is None else remote.info.message


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("full", "output volume full: "),
        ("read-only", "is read-only"),
        ("forbidden", "no permission to write into output folder"),
        ("gone", "does not answer"),
    ],
)
def test_a_job_goes_on_when_its_output_can_be_written_again(
    client: Client, plate: Path, tmp_path: Path, word: str, message: str
) -> None:
    (plate / "fault").touch()
    events: list[WatchEvent] = []
    remote = client.submit(job_for(plate, tmp_path / "out", word), transfer="paths", on_event=events.append)
    wait_until(lambda: message in message_of(remote))
    if word == "full":
        assert "needs about" in message_of(remote)
    assert client.job(remote.job_id).result(LONG_S).message == message_of(remote)
    wait_until(lambda: not list((tmp_path / "out").iterdir()))  # a try that is given up takes its file away
    (plate / "fault").unlink()
    info = remote.done.result(LONG_S)
    assert (info.state, info.attempts, info.message) == (JobState.DONE, 1, "")
    told = [event.message for event in events if isinstance(event, StateEvent)]
    assert any(message in text for text in told)
    assert_whole(plate, tmp_path / "out")


def test_a_late_frame_is_waited_for(
    client: Client, server: ServerProcess, plate: Path, tmp_path: Path
) -> None:
    """The frame goes between the client's look at it and the worker's."""
    path, aside = plate / "plate.1012.exr", tmp_path / "late.exr"
    (plate / "fault").touch()
    blocker = client.submit(job_for(plate, tmp_path / "first", "full"), transfer="paths")
    wait_until(lambda: "full" in message_of(blocker))
    remote = client.submit(job_for(plate, tmp_path / "out"), transfer="paths")
    remote.accepted.result(LONG_S)
    path.rename(aside)
    assert blocker.cancel().result(LONG_S).state is JobState.CANCELLING  # also while it waits
    assert blocker.done.result(LONG_S).state is JobState.CANCELLED
    wait_until(lambda: message_of(remote).startswith("waiting for frame 1012"))
    log, _ = client.log(remote.job_id).result(LONG_S)
    assert "running: waiting for frame 1012" in log
    # It does not keep the worker from others.
    whole = tmp_path / "whole"
    shutil.copytree(plate, whole)
    shutil.copy(aside, whole / path.name)
    other = client.submit(job_for(whole, tmp_path / "other"), transfer="paths")
    assert other.done.result(LONG_S).state is JobState.DONE
    assert not remote.done.done()
    aside.rename(path)
    info = remote.done.result(LONG_S)
    assert info.state is JobState.DONE
    assert info.attempts <= 2  # those that were only spent on waiting do not count
    assert_whole(plate, tmp_path / "out")
    assert not list((tmp_path / "first").iterdir())


def test_an_engine_that_keeps_pythons_lock_does_not_look_dead(
    impatient: Client, plate: Path, tmp_path: Path
) -> None:
    info = impatient.submit(job_for(plate, tmp_path / "out", "hold"), transfer="paths").done.result(LONG_S)
    assert (info.state, info.attempts) == (JobState.DONE, 1)


def test_a_job_that_hangs_is_set_aside_with_where_it_hung(
    client: Client, plate: Path, tmp_path: Path
) -> None:
    remote = client.submit(job_for(plate, tmp_path / "out", "hang"), transfer="paths")
    info = remote.done.result(LONG_S)
    assert (info.state, info.attempts) == (JobState.FAILED, 2)
    assert info.message.startswith(
        "set aside: the worker gave no sign of progress in stage 'dreaming' for 1 s"
    )
    log, _ = client.log(remote.job_id).result(LONG_S)
    assert "starts again, no frame was whole yet" in log
    if sys.platform != "win32":
        assert "_sleep_for_ever" in log
    # The next job finds a new worker.
    assert client.submit(job_for(plate, tmp_path / "next")).done.result(LONG_S).state is JobState.DONE


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals to freeze a process")
def test_a_worker_that_is_frozen_is_replaced(impatient: Client, plate: Path, tmp_path: Path) -> None:
    wait_until(lambda: impatient.status().result(LONG_S).workers[0].alive)
    (plate / "fault").touch()
    remote = impatient.submit(job_for(plate, tmp_path / "out", "full"), transfer="paths")
    wait_until(lambda: "full" in message_of(remote))
    pid = impatient.status().result(LONG_S).workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    (plate / "fault").unlink()
    info = remote.done.result(LONG_S)
    assert (info.state, info.attempts) == (JobState.DONE, 2)
    log, _ = impatient.log(remote.job_id).result(LONG_S)
    assert f"gave no sign of life for {SILENCE_S:g} s" in log
    assert_whole(plate, tmp_path / "out")


def test_a_machine_without_memory_is_said_plainly(client: Client, plate: Path, tmp_path: Path) -> None:
    remote = client.submit(job_for(plate, tmp_path / "out", "hungry"), transfer="paths")
    info = remote.done.result(LONG_S)
    assert info.state is JobState.FAILED
    assert "memory is full" in info.message


# Wires and uploads


def through(wire: CutWire, connection: Connection) -> Connection:
    return Connection(wire.endpoint, connection.server_key, connection.client_key, connection.client_secret)


def test_a_cut_upload_goes_on_at_the_first_missing_chunk(own_server: ServerProcess, tmp_path: Path) -> None:
    size = 40 * MEBI
    shot = write_shot(tmp_path / "shot", frames=1, size=size)
    job = copy_job_for(shot, tmp_path / "out", frames=1)
    events: list[WatchEvent] = []
    connection = own_server.connection()
    with CutWire(connection.endpoint) as wire, Client(through(wire, connection)) as client:
        client.wait_connected(LONG_S)
        for cut_at in (15 * MEBI, 30 * MEBI):
            wire.cut_after_bytes = cut_at
            if cut_at == 15 * MEBI:
                remote = client.submit(job, transfer="streamed", on_event=events.append)
            wait_until(lambda: wire.cut_after_bytes is None)
            wire.mend()
        info = remote.done.result(LONG_S)
        assert info.state is JobState.DONE
        # Each cut costs what was on the way, not the file.
        assert wire.sent_bytes < size + 2 * 10 * MEBI
    assert_copied(shot, tmp_path / "out", frames=1)
    numbered = [event.sequence for event in events if isinstance(event, StateEvent | FrameEvent)]
    first = next(event for event in events if isinstance(event, Snapshot))
    assert numbered == list(range(first.job.sequence + 1, info.sequence + 1))  # none lost, none twice


def test_an_upload_goes_on_at_its_chunk_in_a_new_server(own_server: ServerProcess, tmp_path: Path) -> None:
    size = 40 * MEBI
    shot = write_shot(tmp_path / "shot", frames=1, size=size)
    job = copy_job_for(shot, tmp_path / "out", frames=1)
    connection = own_server.connection()
    with CutWire(connection.endpoint) as wire, Client(through(wire, connection)) as client:
        client.wait_connected(LONG_S)
        wire.cut_after_bytes = 20 * MEBI
        remote = client.submit(job, transfer="streamed")
        wait_until(lambda: wire.cut_after_bytes is None)
        own_server.kill()
        own_server.start()
        wire.target(own_server.connection().endpoint)
        wire.mend()
        info = remote.done.result(LONG_S)
        assert info.state is JobState.DONE
        assert wire.sent_bytes < size + 10 * MEBI
    assert_copied(shot, tmp_path / "out", frames=1)


def test_a_cut_wire_costs_no_event_and_no_frame(own_server: ServerProcess, tmp_path: Path) -> None:
    shot = write_shot(tmp_path / "shot", frames=12, size=300_000)
    job = copy_job_for(shot, tmp_path / "out", frames=12, prompt="slow")
    events: list[WatchEvent] = []
    connection = own_server.connection()
    with CutWire(connection.endpoint) as wire, Client(through(wire, connection)) as client:
        remote = client.submit(job, transfer="streamed", on_event=events.append)
        for frames in (2, 5, 8):
            wait_until(lambda frames=frames: remote.info is not None and remote.info.frames_done >= frames)
            wire.cut()
            time.sleep(0.3)
            wire.mend()
        info = remote.done.result(LONG_S)
        assert (info.state, info.attempts) == (JobState.DONE, 1)
    assert_copied(shot, tmp_path / "out", frames=12)
    numbered = [event.sequence for event in events if isinstance(event, StateEvent | FrameEvent)]
    first = next(event for event in events if isinstance(event, Snapshot))
    assert numbered == list(range(first.job.sequence + 1, info.sequence + 1))


# Power


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not synced there")
def test_what_was_told_survives_a_power_cut(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FSYNC_JOURNAL, "")
    watch_syncs(tmp_path / "hook", tmp_path / "journal")
    home = tmp_path / "home"
    with (
        server_for(home, runner="tests.integration.faulty_runner:run") as running,
        Client(running.connection()) as client,
    ):
        done = client.submit(job_for(plate, tmp_path / "a"), transfer="streamed", fetch=False)
        assert done.done.result(LONG_S).state is JobState.DONE
        begun = client.submit(job_for(plate, tmp_path / "b", "hang"), transfer="streamed", fetch=False)
        wait_until(lambda: begun.info is not None and begun.info.progress is not None)
        running.kill()
        for seed in range(5):
            lose_unsynced([home / "jobs"], tmp_path / "journal", random.Random(seed))
    spool = Spool(home)
    for frame in FRAMES:
        source = plate / f"plate.{frame}.exr"
        sent = spool.input_file(begun.job_id, ManifestEntry("plate", frame, 0))
        assert sent.read_bytes() == source.read_bytes()
        result = read_frame(frame_path(spool.result_pattern(done.job_id), frame), frame)
        original = read_frame(source, frame)
        assert all(np.array_equal(result.native(name), original.native(name)) for name in "RGB")
