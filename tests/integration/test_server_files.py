"""What clients, and local users who may write in the same folders, cannot reach through a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.integration.server_case import FIRST, Stranger, job_for, server_for, wait_until
from void_engine.plates.exr.file import write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.client import Client
from void_protocol.job import Output, RemovalJob, Settings
from void_protocol.job_file import encode_job
from void_protocol.messages import JobInfo, JobState
from void_server.broker.jobs.spool import Spool
from void_server.operation.serve import encode_settings
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER, ServerSettings

RESULT_BYTES = 1024 * 64 * 8 * 2 + 16_000
"""A result of 64x1024 pixels without compression: plate, clean picture, matte, and a header."""


@pytest.fixture
def server_defaults() -> dict[str, Any]:
    return {"runner": DEFAULT_RUNNER}


def write_plates(folder: Path, frames: int, size: int = 48) -> None:
    """Plates that compress to nearly nothing."""
    for number in range(FIRST, FIRST + frames):
        pixels = np.ones((size, 64, 4), np.float16)
        write_frame(Frame.from_pixels(number, "RGBA", pixels), folder / f"plate.{number}.exr")
    write_frame(Frame.from_pixels(FIRST, "RGBA", pixels), folder / "matte.exr")


def identity_job(plates: Path, out: Path, frames: int = 1, height: int = 48, **changes: Any) -> RemovalJob:
    job = job_for(plates, out, frames=frames, **changes)
    shape = msgspec.structs.replace(job.shot.format, height=height)
    return msgspec.structs.replace(
        job,
        shot=msgspec.structs.replace(job.shot, format=shape),
        anchors=None,
        settings=Settings(engine="identity"),
        output=Output(pattern=str(out / "result.####.exr"), compression="none"),
    )


@pytest.mark.parametrize("swapped", ["plates", "output", "folder above"])
def test_a_folder_swapped_for_a_link_gives_nobody_anothers_plates_or_results(
    start: Callable[..., ServerProcess], tmp_path: Path, swapped: str
) -> None:
    """The links lead to folders that are below the roots, or the server's own."""
    root = tmp_path.resolve() / "root"
    own, out, hers = root / "show" / "own", root / "show" / "out", root / "hers"
    for folder in (own, hers / "own", hers / "out"):
        write_plates(folder, 1)
    out.mkdir(parents=True)
    server = start(read_roots=(root,), output_roots=(root,))
    spool = Spool(server.settings.home)
    spool.make_folders("her-job", ["plate"], "streamed")
    streamed = spool.inputs_folder("her-job") / "plate"
    (streamed / f"plate.{FIRST}.exr").write_bytes((own / f"plate.{FIRST}.exr").read_bytes())
    before = set(hers.rglob("*"))
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        assert stranger.ask(type="pause", request=2)["type"] == "status"
        job = identity_job(own, out, job_id="swapped")
        accepted = stranger.ask(encode_job(job), type="submit", request=3, inputs="paths", outputs="paths")
        assert accepted["type"] == "accepted", accepted
        if swapped == "plates":
            own.rename(root / "moved")
            own.symlink_to(streamed)
        elif swapped == "output":
            out.rmdir()
            out.symlink_to(hers / "out")
        else:
            out.parent.rename(root / "moved")
            out.parent.symlink_to(hers)
        assert stranger.ask(type="resume", request=4)["type"] == "status"
        info: dict[str, Any] = {}

        def is_over() -> bool:
            info.update(stranger.ask(type="get_job", request=5, job_id="swapped")["job"])
            return info["state"] not in ("queued", "running")

        wait_until(is_over, 30.0)
        assert (info["state"], info["frames_done"]) == ("failed", 0)
        assert "a link leads elsewhere" in info["message"]
    assert set(hers.rglob("*")) == before


def test_a_link_that_was_there_before_the_job_is_followed(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """Studios name what is current by links, for folders and for single files."""
    root = tmp_path.resolve() / "root"
    write_plates(root / "v003", 2)
    (root / "store").mkdir()
    (root / "v003" / f"plate.{FIRST}.exr").rename(root / "store" / "a.exr")
    (root / "v003" / f"plate.{FIRST}.exr").symlink_to(root / "store" / "a.exr")
    (root / "results").mkdir()
    (root / "current").symlink_to(root / "v003")
    (root / "out").symlink_to(root / "results")
    server = start(read_roots=(root,), output_roots=(root,))
    with Client(server.connection()) as client:
        job = identity_job(root / "current", root / "out" / "new", 2)
        assert client.submit(job, transfer="paths").done.result(30).state is JobState.DONE
    assert sorted(path.name for path in (root / "results" / "new").iterdir()) == [
        f"result.{number}.exr" for number in (FIRST, FIRST + 1)
    ]


def test_a_submission_tells_nothing_of_what_lies_outside(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    write_plates(root, 1)
    server = start(read_roots=(root,), output_roots=(root,))
    told = set()
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        for number, folder in enumerate(
            (tmp_path, tmp_path / "none", Path("/dev"), Path("/etc/x"), Path("/none"))
        ):
            job = identity_job(folder, root, job_id=f"j{number}")
            reply = stranger.ask(
                encode_job(job), type="submit", request=number, inputs="paths", outputs="paths"
            )
            told.add((reply["code"], reply["message"].replace(str(folder), "FOLDER")))
    assert len(told) == 1, told


def _held_bytes(server: ServerProcess) -> int:
    return sum(path.stat().st_size for path in (server.settings.home / "jobs").rglob("*.exr"))


def test_results_count_while_they_are_written(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    """A few bytes of plates become megabytes without compression."""
    write_plates(tmp_path / "shot", 6, size=1024)
    limit = 8 * RESULT_BYTES
    server = start(client_spool_bytes=limit)
    most = 0
    with Client(server.connection()) as client:

        def run(name: str, frames: int) -> None:
            job = identity_job(tmp_path / "shot", tmp_path / name, frames, 1024, job_id=name)
            client.submit(job, transfer="streamed", fetch=False).accepted.result(10)

        def info(name: str) -> JobInfo:
            nonlocal most
            most = max(most, _held_bytes(server))
            return client.job(name).result(5)

        run("first", 4)
        wait_until(lambda: info("first").state is JobState.DONE, 30.0)
        run("second", 6)
        wait_until(lambda: info("second").is_paused, 30.0)
        waiting = info("second")
        assert (waiting.state, "no room for its results" in waiting.message) == (JobState.QUEUED, True)
        assert 0 < waiting.frames_done < 6
        client.release("first").result(5)
        wait_until(lambda: info("second").state is JobState.DONE, 30.0)
        client.release("second").result(5)
        run("third", 6)
        wait_until(lambda: info("third").state is JobState.DONE, 30.0)
        client.release("third").result(5)
    assert most <= limit + RESULT_BYTES


def test_a_job_whose_results_never_fit_ends(start: Callable[..., ServerProcess], tmp_path: Path) -> None:
    write_plates(tmp_path / "shot", 6, size=1024)
    server = start(spool_bytes=3 * RESULT_BYTES)
    with Client(server.connection()) as client:
        job = identity_job(tmp_path / "shot", tmp_path / "out", 6, 1024, job_id="big")
        client.submit(job, transfer="streamed", fetch=False).accepted.result(10)
        wait_until(lambda: client.job("big").result(5).state.is_final, 30.0)
        found = client.job("big").result(5)
    assert (found.state, "no room for all of its results" in found.message) == (JobState.FAILED, True)
    assert 0 < found.frames_done <= 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_a_probes_place_holds_up_nobody(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start()
    out = tmp_path / "out"
    out.mkdir()
    os.mkfifo(out / f".void-probe-{'a' * 32}")
    (out / f".void-probe-{'b' * 32}").symlink_to("/dev/zero")
    began = time.monotonic()
    with Stranger(server.connection()) as stranger:
        stranger.hello()
        for request, probe in ((2, "a" * 32), (3, "b" * 32)):
            folder = {"path": str(out), "probe": probe}
            reply = stranger.ask(type="prove", request=request, nonce="00" * 32, folder=folder)
            assert reply["folder"]["digest"] is None
            assert reply["folder"]["problem"]
    assert time.monotonic() - began < 10


HANGING = """
import sys, threading, void_server.broker.transfers.proofs as proofs
proofs.opened_folder = lambda *_: threading.Event().wait()
from void_server.operation import serve
serve.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
def test_signals_stop_a_server_whose_thread_waits_for_a_drive_that_hangs(tmp_path: Path) -> None:
    settings = ServerSettings(home=tmp_path / "home", endpoint="tcp://127.0.0.1:0", cancel_grace_s=1.0)
    held = server_for(tmp_path / "home")
    with subprocess.Popen([sys.executable, "-c", HANGING], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(encode_settings(settings))
        process.stdin.flush()
        wait_until((settings.home / "server.json").exists, 20.0)
        with Stranger(held.connection()) as stranger:
            stranger.hello()
            folder = {"path": str(tmp_path), "probe": "a" * 32}
            stranger.say(type="prove", request=2, nonce="00" * 32, folder=folder)
            assert stranger.is_silent(0.5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
