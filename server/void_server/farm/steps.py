"""Runs the steps of a farm job by their names, as a task does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from void_engine.removal_monitor import RemovalMonitor
from void_server.farm.check import check
from void_server.farm.merge import merge
from void_server.farm.monitor import StepMonitor
from void_server.farm.plan_file import JobPiece
from void_server.farm.planning import FarmStep
from void_server.farm.prepare import prepare
from void_server.farm.remove import remove

STEPS: Mapping[FarmStep, Callable[[JobPiece, Path, RemovalMonitor], None]] = {
    FarmStep.PREPARE: prepare,
    FarmStep.REMOVE: remove,
    FarmStep.MERGE: merge,
    FarmStep.CHECK: check,
}
"""The work of each step."""


def run_task(pieces: list[JobPiece], step: str, scratch: Path, monitor: StepMonitor) -> None:
    """Work through a task's pieces one after the other, in this process, so that they share one model load.

    Raises:
        FarmError, EngineError: when a piece fails; those before it are done.
        RemovalCancelled: when the monitor was told to stop.
    """
    work = STEPS[FarmStep(step)]
    for index, piece in enumerate(pieces):
        monitor.check_cancelled()
        monitor.begin_piece(index, f"{piece.planned.name} {piece.work.first_frame}-{piece.work.last_frame}")
        work(piece, scratch, monitor)
    monitor.finish()
