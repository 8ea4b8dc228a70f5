"""Runs a batch, shot after shot, in this process: engines stay loaded, and a shot that fails does not stop
the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from void_engine.arrays import Float32Array
from void_engine.engines.registry import engine_name
from void_engine.errors import PlateError, RemovalCancelled
from void_engine.made_from import maker_of
from void_engine.plates.exr.file import read_header
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.removal_monitor import RemovalMonitor
from void_engine.shares import Shares, ShareTally
from void_protocol.job import RemovalJob
from void_protocol.verdict import BAD
from void_server.batch.listed import BadShot
from void_server.batch.report import BatchReport, FrameShares, ReportFile, ShotReport, ShotState
from void_server.errors import message_of
from void_server.translate import removal_request, run_removal_job


@dataclass(frozen=True, kw_only=True)
class HowToRun:
    """How the shots of a batch are run."""

    exit_status: Callable[[Exception], int]
    """Gives the exit status that ``void run`` would have for an error."""
    verify: bool = False
    """Whether every pixel of the frames of an earlier run is decoded before they are kept."""
    check: bool = True
    """Whether the result is judged (docs/check.md); its verdict is told and written beside it."""
    wait_s: float = 0.0
    """How long to wait for an obstacle that may pass, once the work on a shot has begun."""
    start_wait_s: float | None = 0.0
    """How long to wait before; see :func:`void_server.translate.run_removal_job`."""


class ShotMonitor(RemovalMonitor, Protocol):
    """The monitor of a removal, which also counts."""

    @property
    def frames_done(self) -> int:
        """How many frames of this shot are whole, those of an earlier run included."""


class BatchMonitor(ShotMonitor, Protocol):
    """The monitor of a removal, extended for many shots."""

    def begin_shot(self, name: str, index: int, count: int) -> None:
        """Say that the work on a shot begins."""


def run_batch(
    shots: Sequence[RemovalJob | BadShot], monitor: BatchMonitor, report_path: Path, how: HowToRun
) -> BatchReport:
    """Run what is not done yet, one shot after the other. The report is on disk and up to date after every
    shot.

    A shot is skipped when its result is whole and its frames say that they were made from the same settings
    and from files of the same content. Whatever fails in a shot is that shot's failure only.

    Raises:
        RemovalCancelled: when the monitor asked for a stop; the report says how far it came.
    """
    report = report_on(shots, how)
    file = ReportFile(report, report_path)
    try:
        for index, (job, shot) in enumerate(zip(shots, report.shots, strict=True)):
            monitor.begin_shot(shot.shot, index, len(shots))
            if isinstance(job, BadShot):
                monitor.log(f"{job.name}: {job.error}")
                continue
            run_shot(job, shot, monitor, how)
            file.update()
    except RemovalCancelled:
        cancel_the_rest(report)
        raise
    finally:
        file.save()
    return report


def report_on(shots: Sequence[RemovalJob | BadShot], how: HowToRun) -> BatchReport:
    """Return the report on a batch that has not begun."""
    return BatchReport(shots=[_report_of(shot, how.exit_status) for shot in shots])


def cancel_the_rest(report: BatchReport) -> None:
    """Say of the shots that were not begun that they were cancelled."""
    for shot in report.shots:
        if shot.state is ShotState.WAITING:
            shot.state = ShotState.CANCELLED


def run_shot(job: RemovalJob, shot: ShotReport, monitor: ShotMonitor, how: HowToRun) -> None:
    """Run one shot if it is not done yet, and say in its report what became of it, also when it fails.

    Raises:
        RemovalCancelled: when the monitor asked for a stop; the report says how far it came.
    """
    began = time.monotonic()
    try:
        _run_one(job, shot, monitor, how)
    except RemovalCancelled:
        shot.state, shot.frames = ShotState.CANCELLED, monitor.frames_done
        raise
    except Exception as error:  # noqa: BLE001 - an engine of others may raise anything
        shot.state, shot.reason = ShotState.FAILED, message_of(error)
        shot.exit_status, shot.frames = how.exit_status(error), monitor.frames_done
        monitor.log(f"{job.shot.name}: {error}")
    finally:
        shot.seconds = round(time.monotonic() - began, 3)


def _report_of(shot: RemovalJob | BadShot, exit_status: Callable[[Exception], int]) -> ShotReport:
    if isinstance(shot, BadShot):
        return ShotReport(
            shot=shot.name,
            job_id="",
            state=ShotState.FAILED,
            reason=str(shot.error),
            exit_status=exit_status(shot.error),
        )
    return ShotReport(
        shot=shot.shot.name,
        job_id=shot.job_id,
        output=shot.output.versioned_pattern,
        frames_wanted=len(shot.shot.frame_numbers),
    )


def _run_one(job: RemovalJob, shot: ShotReport, monitor: ShotMonitor, how: HowToRun) -> None:
    missing = _missing(job, monitor, how.verify)
    shot.frames_kept = shot.frames_wanted - len(missing)
    if missing:
        # Where pixels are to be verified, the look has just decoded all that is kept.
        run_removal_job(job, monitor, resume=True, wait_s=how.wait_s, start_wait_s=how.start_wait_s)
        shot.state, shot.frames = ShotState.DONE, monitor.frames_done
    else:
        shot.state, shot.frames = ShotState.SKIPPED, shot.frames_kept
        monitor.log(f"{job.shot.name}: done already, from the same inputs and settings")
    pattern = FramePattern.parse(shot.output)
    made_from = maker_of(pattern.path(job.shot.first_frame), job.shot.first_frame)
    shot.inputs = "" if made_from is None else made_from.inputs
    _tell_shares(shot, pattern, job.shot.frame_numbers)
    if how.check:
        _tell_verdict(job, shot, monitor)


def _tell_shares(shot: ShotReport, pattern: FramePattern, numbers: Iterable[int]) -> None:
    """Report what the frames of the result say of what in them is real, guessed or invented.

    They are read from the files, so frames of earlier runs and of skipped shots are told like all others.
    """
    tally = ShareTally()
    for number in numbers:
        try:
            tally.add(number, Shares.of(read_header(pattern.path(number), number).metadata))
        except PlateError:  # A file server may be away again; the frame is whole, only its shares are untold.
            continue
    shot.shares = [
        FrameShares(
            frame=number,
            real=round(one.real, 4),
            guessed=round(one.guessed, 4),
            invented=round(one.invented, 4),
            moved=None if one.moved is None else round(one.moved, 4),
            model=None if one.model is None else round(one.model, 4),
        )
        for number, one in tally.by_frame.items()
    ]
    if (mean := tally.mean) is not None:
        shot.real, shot.guessed, shot.invented = (
            round(share, 4) for share in (mean.real, mean.guessed, mean.invented)
        )


def _tell_verdict(job: RemovalJob, shot: ShotReport, monitor: ShotMonitor) -> None:
    """Judge the result, unless that was done since its frames were written. A result is whole all the same
    where that fails.

    Raises:
        RemovalCancelled: when the monitor asked for a stop.
    """
    from void_server.verdict.job_result import judge_job, kept, save

    try:
        verdict = kept(job) if shot.state is ShotState.SKIPPED else None
        if verdict is None:
            verdict = judge_job(job, monitor)
            save(verdict)
    except RemovalCancelled:
        raise
    except Exception as error:  # noqa: BLE001 - the removal itself has succeeded
        monitor.log(f"{job.shot.name}: the result could not be judged: {message_of(error)}")
        return
    shot.verdict, shot.at_fault = verdict.status, verdict.count(BAD)
    shot.findings = [one.line for one in verdict.findings]


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

    def composed(self, shares: Shares) -> None: ...


def _missing(job: RemovalJob, monitor: RemovalMonitor, verify: bool) -> frozenset[int]:
    """The frames of the result that are not there, or were made from other content."""
    looking = _Counting(monitor)
    with ExitStack() as files:
        request = removal_request(job, files, engine_name=engine_name(job.settings.engine), resume=True)
        result = replace(request.result, every_pixel=verify)
        found = result.frames_to_make(request.plates.frame_numbers, request.input_files(looking), looking)
        return found.numbers
