"""The steps of a farm job by name, as a task runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from void_engine.removal import RemovalMonitor

from .check import check
from .join import merge
from .monitor import StepMonitor
from .plan_file import JobPiece
from .prepare import prepare
from .remove import remove

STEPS: Mapping[str, Callable[[JobPiece, Path, RemovalMonitor], None]] = {
    "prepare": prepare,
    "remove": remove,
    "merge": merge,
    "check": check,
}
"""In the order in which they depend on each other."""


def run_task(pieces: list[JobPiece], step: str, scratch: Path, monitor: StepMonitor) -> None:
    """Work through a task's pieces, one after the other, in this process: they share one model load.

    Raises:
        FarmError, EngineError: from the piece that failed; those before it are done.
        RemovalCancelled: when the monitor was told to stop.
    """
    work = STEPS[step]
    for index, piece in enumerate(pieces):
        monitor.check_cancelled()
        monitor.begin_piece(index, f"{piece.planned.name} {piece.work.first_frame}-{piece.work.last_frame}")
        work(piece, scratch, monitor)
    monitor.finish()
