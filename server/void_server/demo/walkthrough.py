"""Runs the demo from end to end: render, serve, submit, wait, fetch, judge, show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Protocol

import msgspec

from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_protocol.client import Client
from void_protocol.job import RemovalJob
from void_protocol.job_file import write_job
from void_protocol.messages import JobInfo
from void_server.demo.score import Scorer, ShotScore
from void_server.demo.shot import DemoShot, demo_job, render_demo_shot
from void_server.demo.small_answer import SmallAnswer, restore_small_answer
from void_server.operation.server_process import ServerProcess
from void_server.settings import ServerSettings

RESULT_FOLDER = "result"

DEFAULT_OVERSCAN_PX = 16


class Bars(Protocol):
    """Draws progress."""

    def update(self, stage: str, step: int, steps: int, note: str = "") -> None: ...


ShowRemoval = Callable[[Client, RemovalJob], JobInfo]
"""A function that submits a job, shows it until it is final, and returns its end; it raises when that is no
success."""


def render(folder: Path, *, width: int, height: int, frames: int, bars: Bars) -> DemoShot:
    """Render the plate and the truth as EXR below ``folder``."""
    return render_demo_shot(
        folder,
        width=width,
        height=height,
        frames=frames,
        overscan_px=min(DEFAULT_OVERSCAN_PX, width // 40),
        on_frame=lambda done, total: bars.update("render the shot", done, total),
    )


def make_job(shot: DemoShot, folder: Path, *, engine: str, proxy_scale: float) -> RemovalJob:
    """Make the job with the first output version that is not on disk yet, and write it beside the result."""
    results = folder / RESULT_FOLDER
    results.mkdir(parents=True, exist_ok=True)
    version = 1
    while any(results.glob(f"demo_v{version:03d}*")):
        version += 1
    job = demo_job(shot, str(results / "demo_{version}.%04d.exr"), engine=engine, version=version)
    job = msgspec.structs.replace(
        job,
        settings=msgspec.structs.replace(job.settings, proxy_scale=proxy_scale),
        output=msgspec.structs.replace(job.output, layers=["clean", "matte", "confidence", "quadmask"]),
    )
    write_job(job, results / f"demo_v{version:03d}.json")
    return job


def remove_through_server(job: RemovalJob, home: Path, show: ShowRemoval) -> tuple[JobInfo, float]:
    """Run the job on a server started for it. Return the job's end and the seconds that it took."""
    settings = ServerSettings(home=home, endpoint="tcp://127.0.0.1:0")
    with ServerProcess(settings) as server, Client(server.connection(), name="void demo") as client:
        client.wait_connected()
        began = perf_counter()
        info = show(client, job)
        return info, perf_counter() - began


def judge(job: RemovalJob, shot: DemoShot, bars: Bars) -> ShotScore:
    """Compare the result with the truth, frame by frame."""
    first, last = shot.first_frame, shot.last_frame
    scale = job.settings.proxy_scale
    scorer = Scorer()
    with ExitStack() as files:
        truth, plate, result = (
            files.enter_context(PlateSequence(FramePattern.parse(pattern), first, last, scale=at))
            for pattern, at in (
                (shot.truth_pattern, scale),
                (shot.plate_pattern, scale),
                (job.output.versioned_pattern, 1.0),
            )
        )
        for step, number in enumerate(shot.frame_numbers):
            scorer.add(truth.frame(number), plate.frame(number), result.frame(number))
            bars.update("judge", step + 1, len(shot.frame_numbers))
    return scorer.score()


def judge_small_answer(job: RemovalJob, shot: DemoShot, sheet: Path, bars: Bars) -> SmallAnswer | None:
    """Judge some frames made from a simulated small answer; None for a proxy, which has no finer plate."""
    if job.settings.proxy_scale != 1.0:
        return None
    return restore_small_answer(
        shot.truth_pattern,
        shot.plate_pattern,
        job.output.versioned_pattern,
        range(shot.first_frame, shot.last_frame + 1),
        sheet,
        lambda step, steps: bars.update("plate detail on a small answer", step, steps),
    )
