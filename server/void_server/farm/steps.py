"""Runs the steps of a farm job by their names, as a task does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from void_engine.errors import OutputError, RemovalCancelled
from void_engine.removal_monitor import RemovalMonitor
from void_server.errors import message_of
from void_server.farm.check import check
from void_server.farm.errors import FarmError
from void_server.farm.merge import merge
from void_server.farm.monitor import StepMonitor
from void_server.farm.plan_file import JobPiece
from void_server.farm.planning import FarmStep
from void_server.farm.prepare import prepare
from void_server.farm.remove import remove
from void_server.farm.scratch_layout import failure_of, save_failure

STEPS: Mapping[FarmStep, Callable[[JobPiece, Path, RemovalMonitor], None]] = {
    FarmStep.PREPARE: prepare,
    FarmStep.REMOVE: remove,
    FarmStep.MERGE: merge,
    FarmStep.CHECK: check,
}
"""The work of each step."""


_WORTH_ANOTHER_TRY = (OSError, MemoryError, OutputError)
"""Errors that the machine or its storage may have caused. A dispatcher should try such a task again."""


def run_task(pieces: list[JobPiece], step: str, scratch: Path, monitor: StepMonitor) -> None:
    """Work through a task's pieces one after the other, in this process, so that they share one model load.

    In a plan of several shots, what fails in one of them is its own failure: the other pieces are worked on,
    and the task succeeds, since a dispatcher begins no step before all tasks of the one before are done well.
    The check, as the last step, fails for that shot with the reason. Only what another try may mend makes a
    task of an earlier step fail.

    Raises:
        FarmError, EngineError: when a piece fails; the others are done.
        RemovalCancelled: when the monitor was told to stop.
    """
    work = STEPS[FarmStep(step)]
    failures: list[Exception] = []
    for index, piece in enumerate(pieces):
        monitor.check_cancelled()
        monitor.begin_piece(index, f"{piece.planned.name} {piece.work.first_frame}-{piece.work.last_frame}")
        try:
            work(piece, scratch, monitor)
        except RemovalCancelled:
            raise
        except Exception as error:
            if len(piece.plan.jobs) == 1:
                raise
            failure = _told(piece, step, scratch, error, monitor)
            if failure is not None:
                failures.append(failure)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise FarmError("\n".join(map(message_of, failures)))
    monitor.finish()


def _told(
    piece: JobPiece, step: str, scratch: Path, error: Exception, monitor: StepMonitor
) -> Exception | None:
    """Say that a shot among others has failed. Return what the task fails with; None where it goes on."""
    if isinstance(error, _WORTH_ANOTHER_TRY):
        return error
    reason = f"{piece.planned.name}: {message_of(error)}"
    if step != FarmStep.CHECK.value:
        save_failure(piece, scratch, f"{step}: {message_of(error)}")
        monitor.log(f"{reason}; the other shots go on, and the step 'check' fails for this one")
        return None
    before = failure_of(piece, scratch)
    return FarmError(f"{reason}\n{piece.planned.name} failed in the step {before}" if before else reason)
