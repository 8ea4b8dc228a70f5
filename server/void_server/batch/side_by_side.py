"""Runs the shots of a batch side by side, each process with a device or cores of its own, and never more
shots than fit into memory."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import msgspec

from void_engine.errors import RemovalCancelled, SettingError
from void_protocol.job import RemovalJob
from void_protocol.job_file import encode_job
from void_server.batch.listed import BadShot
from void_server.batch.memory import GIB, needed_bytes, usable_bytes
from void_server.batch.places import Places
from void_server.batch.report import BatchReport, ReportFile, ShotReport, ShotState
from void_server.batch.running import HowToRun, cancel_the_rest, report_on
from void_server.batch.shot_worker import Told, work
from void_server.errors import ServiceError

_LOOK_S = 0.2
_STOP_S = 120.0
"""How long processes may take to stop between two frames."""


class SideBySideMonitor(Protocol):
    """Shows several shots at a time."""

    def begin_shot(self, name: str, index: int, count: int) -> None:
        """Say that the work on a shot begins."""

    def shot_progress(self, place: int, shot: str, stage: str, step: int, steps: int, note: str) -> None:
        """Show the progress of the shot at a place."""

    def log(self, message: str) -> None:
        """Tell something that belongs into the log."""

    def check_cancelled(self) -> None:
        """Raise RemovalCancelled when the batch shall stop."""


@dataclass
class _Waiting:
    """A shot that was not begun yet."""

    index: int
    job: RemovalJob
    needs: int
    """Bytes of main memory."""
    told: bool = False
    """Whether it was told that the shot waits for memory."""


@dataclass
class _Place:
    """A process, or the place for one, and the shot that is worked on there."""

    variables: Mapping[str, str]
    process: BaseProcess | None = None
    connection: Connection | None = None
    shot: _Waiting | None = None


@dataclass
class _Run:
    """A batch on its way."""

    report: BatchReport
    file: ReportFile
    monitor: SideBySideMonitor
    how: HowToRun
    places: Sequence[_Place]
    usable: int
    pending: list[_Waiting] = field(default_factory=list)

    @property
    def busy(self) -> list[_Place]:
        return [place for place in self.places if place.shot is not None]


def run_side_by_side(
    shots: Sequence[RemovalJob | BadShot],
    monitor: SideBySideMonitor,
    report_path: Path,
    how: HowToRun,
    places: Places,
    *,
    usable: int | None = None,
) -> BatchReport:
    """Run what is not done yet, as :func:`~void_server.batch.running.run_batch` does, in several processes.

    A shot begins when there is a place for it and its planned memory fits beside that of the shots that are
    worked on; one that needs more than there is runs alone. A process that dies is that shot's failure.

    Args:
        usable: bytes of main memory to plan with; None for what is free now.

    Raises:
        RemovalCancelled: when the monitor asked for a stop; the report says how far each shot came.
    """
    report = report_on(shots, how)
    run = _Run(
        report=report,
        file=ReportFile(report, report_path),
        monitor=monitor,
        how=how,
        places=[_Place(variables) for variables in places.environments],
        usable=usable_bytes() if usable is None else usable,
    )
    for index, job in enumerate(shots):
        if isinstance(job, BadShot):
            monitor.log(f"{job.name}: {job.error}")
        else:
            run.pending.append(_Waiting(index, job, _needs(job, places.threads)))
    monitor.log(f"{places.about}; {_gib(run.usable)} of memory to plan with")
    try:
        while run.pending or run.busy:
            monitor.check_cancelled()
            _begin_what_fits(run)
            _listen(run, _LOOK_S)
    except RemovalCancelled:
        _stop(run)
        cancel_the_rest(run.report)
        raise
    except BaseException:  # Whoever asks twice to stop does not want to wait for the end of a frame.
        for place in run.busy:
            if place.process is not None:
                place.process.kill()
        raise
    finally:
        run.file.save()
        _end(run)
    return run.report


def _needs(job: RemovalJob, threads: int) -> int:
    try:
        return needed_bytes(job, threads)
    except SettingError:
        return 0  # The shot fails with that error when its turn comes.


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"


def _begin_what_fits(run: _Run) -> None:
    for place in run.places:
        if place.shot is not None:
            continue
        left = run.usable - sum(busy.shot.needs for busy in run.busy if busy.shot is not None)
        shot = next((one for one in run.pending if one.needs <= left), None)
        if shot is None and run.pending and not run.busy:
            shot = run.pending[0]
            run.monitor.log(
                f"{shot.job.shot.name} needs {_gib(shot.needs)} of memory, more than there is; it runs alone"
            )
        if shot is None:
            if run.pending and not run.pending[0].told:
                first = run.pending[0]
                first.told = True
                run.monitor.log(
                    f"{first.job.shot.name} needs {_gib(first.needs)} of memory and waits: "
                    f"{_gib(max(0, left))} are left"
                )
            return
        run.pending.remove(shot)
        _begin(run, place, shot)


def _begin(run: _Run, place: _Place, shot: _Waiting) -> None:
    report = run.report.shots[shot.index]
    run.monitor.begin_shot(f"{report.shot} ({_gib(shot.needs)} of memory)", shot.index, len(run.report.shots))
    if place.process is None or not place.process.is_alive():
        _start(place, run.how)
    place.shot = shot
    assert place.connection is not None
    with suppress(OSError):  # A process that has just died is noticed where it is listened to.
        place.connection.send((encode_job(shot.job), msgspec.json.encode(report)))


def _start(place: _Place, how: HowToRun) -> None:
    """Start a place's process with its own variables, which libraries read when they are loaded."""
    context = multiprocessing.get_context("spawn")
    place.connection, theirs = context.Pipe()
    place.process = context.Process(target=work, args=(theirs, how), name="void-shot")
    before = {name: os.environ.get(name) for name in place.variables}
    os.environ.update(place.variables)
    try:
        place.process.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()


def _listen(run: _Run, timeout_s: float) -> None:
    """Take what the processes tell, for as long as there is something."""
    by_connection = {place.connection: place for place in run.busy if place.connection is not None}
    for connection in wait(list(by_connection), timeout_s):
        assert isinstance(connection, Connection)
        place = by_connection[connection]
        try:
            what, *values = connection.recv()
        except (EOFError, OSError):
            _lost(run, place)
            continue
        assert place.shot is not None
        report = run.report.shots[place.shot.index]
        if what is Told.PROGRESS:
            stage, step, steps, note = values
            run.monitor.shot_progress(run.places.index(place), report.shot, stage, step, steps, note)
        elif what is Told.LOG:
            run.monitor.log(f"{report.shot}: {str(values[0]).removeprefix(f'{report.shot}: ')}")
        else:
            run.report.shots[place.shot.index] = msgspec.json.decode(values[0], type=ShotReport)
            place.shot = None
            run.file.update()


def _lost(run: _Run, place: _Place) -> None:
    """A process has ended in the middle of its shot: that is the shot's failure, and the next one gets a new
    process."""
    assert place.process is not None
    assert place.shot is not None
    place.process.join(_STOP_S)
    report = run.report.shots[place.shot.index]
    status = place.process.exitcode
    error = ServiceError(
        f"the process that worked on it ended with {_how_it_ended(status)}; run the batch again, "
        "what it has made is kept"
    )
    report.state, report.reason, report.exit_status = ShotState.FAILED, str(error), run.how.exit_status(error)
    run.monitor.log(f"{report.shot}: {error}")
    place.process, place.connection, place.shot = None, None, None
    run.file.update()


def _how_it_ended(status: int | None) -> str:
    if status is not None and status < 0:
        return f"signal {-status}" + (", perhaps for want of memory" if status == -9 else "")
    return f"status {status}"


def _stop(run: _Run) -> None:
    """Ask all processes to stop between two frames, and take their last words."""
    for place in run.busy:
        with suppress(OSError):
            if place.connection is not None:
                place.connection.send(None)
    limit = time.monotonic() + _STOP_S
    while run.busy and time.monotonic() < limit:
        _listen(run, _LOOK_S)


def _end(run: _Run) -> None:
    for place in run.places:
        if place.process is None or place.connection is None:
            continue
        with suppress(OSError):
            place.connection.send(None)
        place.connection.close()
    for place in run.places:
        if place.process is not None:
            place.process.join(_STOP_S)
            if place.process.is_alive():
                place.process.kill()
