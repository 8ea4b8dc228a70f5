"""The real runner with the identity engine, EXR to EXR through a real server."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its customary name
import pytest

from tests.integration.server_case import server_for
from void_protocol.client import Client
from void_protocol.job import Format, Output, RemovalJob, RotoPoint, RotoShape, Settings, ShapeFrame, Shot
from void_protocol.messages import FrameEvent, JobState, ProgressEvent
from void_protocol.watching import WatchEvent
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER

FRAMES = range(1001, 1005)
HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), runner=DEFAULT_RUNNER, wait_limit_s=1.0) as running:
        yield running


@pytest.fixture
def plate(tmp_path: Path) -> str:
    """Half-float frames with highlights and negative values."""
    (tmp_path / "plate").mkdir()
    pattern = str(tmp_path / "plate" / "plate.%04d.exr")
    chance = np.random.default_rng(1)
    for frame in FRAMES:
        picture = chance.normal(1.0, 3.0, (HEIGHT, WIDTH, 3)).astype(np.float16)
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "half")
        buffer = oiio.ImageBuf(spec)
        assert buffer.set_pixels(oiio.ROI(), picture.astype(np.float32))
        assert buffer.write(pattern % frame)
    return pattern


def job_for(plate: str, output: Path, frames: range = FRAMES) -> RemovalJob:
    corners = [RotoPoint(10, 10), RotoPoint(30, 10), RotoPoint(30, 30), RotoPoint(10, 30)]
    shape = RotoShape(
        name="ball", role="remove", frames=[ShapeFrame(frame=frame, points=corners) for frame in frames]
    )
    return RemovalJob(
        shot=Shot(
            name="tiny",
            plate=plate,
            first_frame=FRAMES[0],
            last_frame=frames[-1],
            format=Format(width=WIDTH, height=HEIGHT),
        ),
        shapes=[shape],
        settings=Settings(engine="identity", match_seam=False),
        output=Output(pattern=str(output / "clean_{version}.%04d.exr")),
    )


def read_rgb(path: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    buffer = oiio.ImageBuf(path)
    return np.asarray(buffer.get_pixels(oiio.FLOAT))[..., :3]


@pytest.mark.parametrize("transfer", ["streamed", "paths"])
def test_identity_gives_the_plate_back(client: Client, plate: str, tmp_path: Path, transfer: Any) -> None:
    job = job_for(plate, tmp_path / "out")
    info = client.submit(job, transfer=transfer).done.result(60)
    assert (info.state, info.message, info.frames_done) == (JobState.DONE, "", 4)
    for frame in FRAMES:
        result = read_rgb(str(tmp_path / "out" / f"clean_v001.{frame}.exr"))
        np.testing.assert_array_equal(result, read_rgb(plate % frame))


def test_the_engines_error_reaches_the_artist(client: Client, plate: str, tmp_path: Path) -> None:
    (Path(plate % FRAMES[2])).write_bytes(b"this is no EXR")
    info = client.submit(job_for(plate, tmp_path / "out"), transfer="streamed").done.result(60)
    assert info.state is JobState.FAILED
    assert "1003" in info.message


def test_a_removal_continues_after_its_worker_was_killed(client: Client, plate: str, tmp_path: Path) -> None:
    many = range(1001, 1081)
    for frame in many[len(FRAMES) :]:
        shutil.copy(plate % FRAMES[0], plate % frame)
    pids = [worker.pid for worker in client.status().result(5).workers]
    kept: dict[Path, int] = {}

    def heard(event: WatchEvent) -> None:
        """Kill the worker as soon as some frames are whole."""
        if isinstance(event, FrameEvent) and event.frame == 1010 and pids:
            for number in range(1001, 1011):
                path = tmp_path / "out" / f"clean_v001.{number}.exr"
                kept[path] = path.stat().st_mtime_ns
            os.kill(pids.pop(), getattr(signal, "SIGKILL", signal.SIGTERM))

    info = client.submit(job_for(plate, tmp_path / "out", many), on_event=heard).done.result(120)
    assert (info.state, info.message, info.attempts) == (JobState.DONE, "", 2)
    assert info.frames_done == len(many)
    assert len(kept) == 10
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())
    for frame in many:
        result = read_rgb(str(tmp_path / "out" / f"clean_v001.{frame}.exr"))
        np.testing.assert_array_equal(result, read_rgb(plate % frame))


def test_a_client_hears_how_much_is_invented(client: Client, plate: str, tmp_path: Path) -> None:
    """A still hole in noise: no frame shows what is behind it."""
    job = job_for(plate, tmp_path / "out")
    job = msgspec.structs.replace(job, settings=msgspec.structs.replace(job.settings, engine="propagation"))
    events: list[WatchEvent] = []
    info = client.submit(job, transfer="paths", on_event=events.append).done.result(120)
    assert (info.state, info.message) == (JobState.DONE, "")
    shares = [event.progress for event in events if isinstance(event, ProgressEvent)]
    last = shares[-1]
    assert last.invented is not None
    assert last.invented > 0.5
    assert set(last.verdict) <= set("gar")
    assert len(last.verdict) == info.frames_total
    assert "verdict: " in client.log(info.job_id).result(30)[0]
    assert last.real is not None
    assert last.guessed is not None
    assert last.real + last.guessed + last.invented == pytest.approx(1.0, abs=1e-3)
