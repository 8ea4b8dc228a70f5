"""Mattes by clicks and proposals on a real server with models: made, stopped half way, and gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.integration.server_case import server_for
from tests.unit.void_engine.effects.shots import crossing
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_engine.segmentation.tiny import make_tiny_tracker
from void_protocol.client import Client
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.messages import JobState, ProgressEvent
from void_protocol.task import MakeMattes, PointPrompt, PromptedObject, Propose
from void_protocol.watching import WatchEvent
from void_server.mattes.matting import matte_job
from void_server.mattes.proposing import proposal_job
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER

FRAMES = 150


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a tracker of random weights, whose worker has all the time to stop by itself."""
    home = tmp_path_factory.mktemp("home")
    make_tiny_tracker(home / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOID_MODELS", str(home / "models"))
        patch.setenv("OMP_NUM_THREADS", "1")
        with server_for(home, runner=DEFAULT_RUNNER, wait_limit_s=1.0, cancel_grace_s=120.0) as running:
            yield running


@pytest.fixture(scope="module")
def removal(tmp_path_factory: pytest.TempPathFactory) -> RemovalJob:
    """A ball that crosses the picture again and again, long enough to be stopped on its way."""
    folder = tmp_path_factory.mktemp("plate")
    shot = crossing(shadow=0.5)
    paths = []
    for index, (picture, matte) in enumerate(zip(shot.plate, shot.remove, strict=True)):
        paths.append(folder / f"drawn.{index}.exr")
        pixels = np.concatenate([picture, matte[..., None]], axis=2).astype(np.float16)
        write_frame(Frame.from_pixels(index, ("R", "G", "B", "matte.A"), pixels), paths[-1])
    for index in range(FRAMES):
        os.link(paths[index % len(paths)], folder / f"plate.{11 + index:04d}.exr")
    plate = str(folder / "plate.%04d.exr")
    height, width = shot.remove.shape[1:]
    return RemovalJob(
        shot=Shot(
            name="ball",
            plate=plate,
            first_frame=11,
            last_frame=10 + FRAMES,
            format=Format(width=width, height=height),
        ),
        mattes=[Matte(role="remove", pattern=plate, channel="matte.A")],
        output=Output(pattern=str(folder / "clean.%04d.exr")),
    )


def _mattes(removal: RemovalJob, pattern: str) -> RemovalJob:
    ball = PromptedObject(name="ball", points=[PointPrompt(frame=12, x=20, y=40)])
    return matte_job(removal, pattern, MakeMattes(objects=[ball]))


def _proposal(removal: RemovalJob, pattern: str) -> RemovalJob:
    return proposal_job(removal, pattern, Propose())


@pytest.mark.parametrize(
    ("make", "stage"), [(_mattes, "segment"), (_proposal, "evidence")], ids=["mattes", "proposal"]
)
def test_a_cancelled_job_stops_by_itself_and_its_worker_lives_on(
    client: Client,
    removal: RemovalJob,
    tmp_path: Path,
    make: Callable[[RemovalJob, str], RemovalJob],
    stage: str,
) -> None:
    job = make(removal, str(tmp_path / "m.%04d.exr"))
    asked: list[str] = []

    def heard(event: WatchEvent) -> None:
        if isinstance(event, ProgressEvent) and event.progress.stage == stage and not asked:
            asked.append(stage)
            client.cancel(job.job_id)

    info = client.submit(job, transfer="paths", on_event=heard).done.result(120)
    assert asked == [stage]
    assert info.state is JobState.CANCELLED
    assert "killed" not in info.message
    pids = [worker.pid for worker in client.status().result(5).workers]
    # Before every frame is known no matte is, so none is there, and nothing half-written.
    assert not list(tmp_path.iterdir())
    short = msgspec.structs.replace(removal, shot=msgspec.structs.replace(removal.shot, last_frame=16))
    next_job = make(short, str(tmp_path / "n.%04d.exr"))
    done = client.submit(next_job, transfer="paths").done.result(120)
    assert (done.state, done.message) == (JobState.DONE, "")
    assert [worker.pid for worker in client.status().result(5).workers] == pids
    names = read_frame(tmp_path / "n.0013.exr", 13).channel_names
    assert ("ball.A" in names) == (stage == "segment")
