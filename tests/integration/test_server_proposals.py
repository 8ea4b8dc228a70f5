"""Proposals of what an object affected, made by a real server's worker."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.integration.command_case import void
from tests.integration.server_case import server_for
from tests.unit.void_engine.effects.shots import crossing
from void_engine.plates.exr.file import read_frame, write_frame
from void_engine.plates.frame.frame import Frame
from void_protocol.client import Client
from void_protocol.job import Format, Matte, Output, RemovalJob, Shot
from void_protocol.job_file import with_content_id, write_job
from void_protocol.messages import FrameEvent, JobState, ProgressEvent
from void_protocol.proposal import proposal_path, read_proposal
from void_protocol.task import MakeMattes, PointPrompt, PromptedObject, Propose
from void_protocol.watching import WatchEvent
from void_server.mattes.matting import matte_job
from void_server.mattes.proposing import proposal_job
from void_server.mattes.things import matte_channels
from void_server.operation.server_process import ServerProcess
from void_server.settings import DEFAULT_RUNNER


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VOID_MODELS", raising=False)
        with server_for(home, runner=DEFAULT_RUNNER, wait_limit_s=1.0) as running:
            yield running


@pytest.fixture(scope="module")
def removal(tmp_path_factory: pytest.TempPathFactory) -> RemovalJob:
    """A ball that crosses the picture with its shadow."""
    folder = tmp_path_factory.mktemp("plate")
    shot = crossing(shadow=0.5)
    for index, (picture, matte) in enumerate(zip(shot.plate, shot.remove, strict=True)):
        pixels = np.concatenate([picture, matte[..., None]], axis=2).astype(np.float16)
        frame = Frame.from_pixels(11 + index, ("R", "G", "B", "matte.A"), pixels)
        write_frame(frame, folder / f"plate.{11 + index:04d}.exr")
    plate = str(folder / "plate.%04d.exr")
    height, width = shot.remove.shape[1:]
    return RemovalJob(
        shot=Shot(
            name="ball",
            plate=plate,
            first_frame=11,
            last_frame=10 + len(shot.plate),
            format=Format(width=width, height=height),
        ),
        mattes=[Matte(role="remove", pattern=plate, channel="matte.A")],
        output=Output(pattern=str(folder / "clean.%04d.exr")),
    )


@pytest.mark.parametrize("transfer", ["streamed", "paths"])
def test_a_proposal_comes_back_with_its_report(
    client: Client, removal: RemovalJob, tmp_path: Path, transfer: Any
) -> None:
    pattern = str(tmp_path / "affected.%04d.exr")
    job = proposal_job(removal, pattern, Propose())
    events: list[WatchEvent] = []
    info = client.submit(job, transfer=transfer, on_event=events.append).done.result(120)
    numbers = list(removal.shot.frame_numbers)
    assert (info.state, info.message, info.frames_done) == (JobState.DONE, "", len(numbers))
    assert (info.engine, info.engine_used) == ("propose-evidence", "propose-evidence")
    frame = read_frame(tmp_path / "affected.0018.exr", 18)
    assert set(frame.channel_names) >= {*matte_channels(), "thing1.A"}
    assert frame.read_channels(["shadow.A"], frame.display_window).max() == 1
    report = read_proposal(proposal_path(pattern))
    assert report is not None
    assert report.job_id == job.job_id
    assert report.things[0].kind == "shadow"
    assert [each.frame for each in report.frames] == numbers
    assert report.frames[7].kinds["shadow"] > 0
    assert any(isinstance(event, ProgressEvent) and event.progress.stage == "read" for event in events)
    # The same again is the same job, and is there already.
    again = client.submit(job, transfer=transfer).done.result(60)
    assert (again.state, again.attempts) == (JobState.DONE, 1)


def test_a_proposal_goes_on_where_its_worker_was_killed(
    client: Client, removal: RemovalJob, tmp_path: Path
) -> None:
    pattern = str(tmp_path / "affected.%04d.exr")
    job = proposal_job(removal, pattern, Propose())
    pids = [worker.pid for worker in client.status().result(5).workers]
    kept: dict[Path, int] = {}

    def heard(event: WatchEvent) -> None:
        if isinstance(event, FrameEvent) and event.frame == 14 and pids:
            path = tmp_path / "affected.0011.exr"
            kept[path] = path.stat().st_mtime_ns
            os.kill(pids.pop(), getattr(signal, "SIGKILL", signal.SIGTERM))

    info = client.submit(job, transfer="paths", on_event=heard).done.result(120)
    assert (info.state, info.message, info.attempts) == (JobState.DONE, "", 2)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())
    assert kept
    report = read_proposal(proposal_path(pattern))
    assert report is not None
    assert [each.frame for each in report.frames] == list(removal.shot.frame_numbers)


def test_a_report_of_another_job_stays(client: Client, removal: RemovalJob, tmp_path: Path) -> None:
    """The mattes are written beside a file of the report's name that somebody else has put there."""
    theirs = tmp_path / "affected.proposal.json"
    theirs.write_text("notes of another program")
    job = proposal_job(removal, str(tmp_path / "affected.%04d.exr"), Propose())
    short = msgspec.structs.replace(job.shot, last_frame=14)
    job = with_content_id(msgspec.structs.replace(job, shot=short))
    for transfer in ("streamed", "paths"):
        info = client.submit(job, transfer=transfer).done.result(60)  # type: ignore[arg-type]
        assert (info.state, info.message) == (JobState.DONE, "")
        assert theirs.read_text() == "notes of another program"


def test_the_command_lets_the_server_do_it(
    server: ServerProcess, removal: RemovalJob, tmp_path: Path
) -> None:
    job = tmp_path / "job.json"
    short = msgspec.structs.replace(removal.shot, last_frame=14)
    write_job(with_content_id(msgspec.structs.replace(removal, shot=short)), job)
    ran = void(
        "propose", job, "-o", tmp_path / "a.%04d.exr", "--submit", "--json", "--home", server.settings.home
    )
    assert ran.code == 0, ran.err
    assert [each["frame"] for each in json.loads(ran.out)["frames"]] == [11, 12, 13, 14]
    assert (tmp_path / "a.0014.exr").exists()


@pytest.mark.parametrize("by", ["mattes", "reason"])
def test_what_needs_a_model_that_is_not_here_fails_with_the_remedy(
    client: Client, removal: RemovalJob, tmp_path: Path, by: str
) -> None:
    pattern = str(tmp_path / "x.%04d.exr")
    if by == "mattes":
        ball = PromptedObject(name="ball", points=[PointPrompt(frame=12, x=20, y=40)])
        job, role = matte_job(removal, pattern, MakeMattes(objects=[ball])), "tracker"
    else:
        job, role = proposal_job(removal, pattern, Propose(by="reason")), "reasoner"
    info = client.submit(job).done.result(60)
    assert info.state is JobState.FAILED
    assert f"void models fetch DIR --for {role}" in info.message
    assert not list(tmp_path.glob("x.*"))
