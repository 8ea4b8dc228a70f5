"""Runs a batch, shot after shot, in this process: engines stay loaded, and a shot that fails does not stop
the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import msgspec

from void_engine.arrays import Float32Array
from void_engine.engines.registry import engine_name
from void_engine.errors import EngineError, OutputExistsError, RemovalCancelled
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.removal import RemovalMonitor, frames_to_make
from void_protocol.durable import write_whole
from void_protocol.job import RemovalJob
from void_server.batch.inputs import ContentHashes
from void_server.batch.report import BatchReport, ShotReport, ShotState
from void_server.translate import removal_request, run_job


class BatchMonitor(RemovalMonitor, Protocol):
    """The monitor of a removal, extended for many shots."""

    def begin_shot(self, name: str, index: int, count: int) -> None:
        """Say that the work on a shot begins."""

    @property
    def frames_done(self) -> int:
        """How many frames of this shot are whole, those of an earlier run included."""


class _Memory(msgspec.Struct, kw_only=True):
    """By result pattern, the hash of the inputs that the result was made from."""

    made_from: dict[str, str] = {}


def run_batch(
    jobs: Sequence[RemovalJob],
    monitor: BatchMonitor,
    report_path: Path,
    *,
    exit_status: Callable[[Exception], int],
) -> BatchReport:
    """Run what is not done yet. The report is on disk and up to date after every shot.

    Two files beside the report remember content hashes. A shot is skipped when its result is whole and was
    made from the same inputs and settings.

    Args:
        exit_status: gives the exit status that ``void run`` would have for an error.

    Raises:
        RemovalCancelled: when the monitor asked for a stop; the report says how far it came.
    """
    report = BatchReport(
        shots=[
            ShotReport(
                shot=job.shot.name,
                job_id=job.job_id,
                output=job.output.versioned_pattern,
                frames_wanted=len(job.shot.frame_numbers),
            )
            for job in jobs
        ]
    )
    report_path.parent.mkdir(parents=True, exist_ok=True)
    hashes = ContentHashes(report_path.with_suffix(".files.json"))
    memory_path = report_path.with_suffix(".made.json")
    memory = _read_memory(memory_path)
    began = time.monotonic()
    report.save(report_path)
    try:
        for index, (job, shot) in enumerate(zip(jobs, report.shots, strict=True)):
            shot_began = time.monotonic()
            monitor.begin_shot(job.shot.name, index, len(jobs))
            try:
                _run_one(job, shot, monitor, hashes, memory)
                memory.made_from[shot.output] = shot.inputs
            except RemovalCancelled:
                shot.state, shot.frames = ShotState.CANCELLED, monitor.frames_done
                raise
            except (EngineError, OSError) as error:
                shot.state, shot.reason = ShotState.FAILED, str(error)
                shot.exit_status, shot.frames = exit_status(error), monitor.frames_done
                monitor.log(f"{job.shot.name}: {error}")
            finally:
                shot.seconds = round(time.monotonic() - shot_began, 3)
                report.seconds = round(time.monotonic() - began, 3)
                hashes.save()
                _write_memory(memory, memory_path)
                report.save(report_path)
    except RemovalCancelled:
        for shot in report.shots:
            if shot.state is ShotState.WAITING:
                shot.state = ShotState.CANCELLED
        report.save(report_path)
        raise
    return report


def _run_one(
    job: RemovalJob, shot: ShotReport, monitor: BatchMonitor, hashes: ContentHashes, memory: _Memory
) -> None:
    shot.inputs = hashes.of_job(job, monitor.check_cancelled)
    there = _frames_there(job)
    before = memory.made_from.get(shot.output)
    if there and before is not None and before != shot.inputs:
        raise OutputExistsError(
            f"the plate, a matte or the settings changed after {there} frames of {shot.output} were made; "
            "results are never overwritten: take the next version"
        )
    # From here on these inputs are what the frames are made from, also when it takes more than one run.
    memory.made_from[shot.output] = shot.inputs
    shot.frames_kept = len(job.shot.frame_numbers) - _missing(job, monitor) if there else 0
    if shot.frames_kept == len(job.shot.frame_numbers):
        shot.state, shot.frames = ShotState.SKIPPED, shot.frames_kept
        monitor.log(f"{job.shot.name}: done already, from the same inputs and settings")
        return
    run_job(job, monitor, resume=True)
    shot.state, shot.frames = ShotState.DONE, monitor.frames_done


def _frames_there(job: RemovalJob) -> int:
    pattern = FramePattern.parse(job.output.versioned_pattern)
    return sum(pattern.path(number).exists() for number in job.shot.frame_numbers)


class _Counting:
    """The monitor of a look at what exists: it shows nothing and obeys a request to stop."""

    def __init__(self, asked: RemovalMonitor) -> None:
        self.check_cancelled = asked.check_cancelled
        self.waiting = asked.waiting

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.check_cancelled()

    def preview(self, frame: int, picture: Float32Array) -> None: ...

    def log(self, message: str) -> None: ...

    def frame_done(self, number: int, path: Path) -> None: ...


def _missing(job: RemovalJob, monitor: RemovalMonitor) -> int:
    with ExitStack() as files:
        request = removal_request(job, files, engine_name=engine_name(job.settings.engine), resume=True)
        return len(frames_to_make(request, _Counting(monitor)))


def _read_memory(path: Path) -> _Memory:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Memory)
    except (OSError, msgspec.DecodeError):
        return _Memory()


def _write_memory(memory: _Memory, path: Path) -> None:
    write_whole(path, msgspec.json.encode(memory))
