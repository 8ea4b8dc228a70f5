"""The process that works on one shot after another for a batch that runs several side by side."""

from __future__ import annotations

import signal
import threading
import time
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from void_engine.errors import RemovalCancelled
from void_protocol.job_file import decode_job
from void_server.batch.report import ShotReport
from void_server.batch.running import HowToRun, run_shot

if TYPE_CHECKING:
    from void_engine.arrays import Float32Array
    from void_engine.shares import Shares

_TELL_EVERY_S = 0.2


class Told(Enum):
    """What a worker tells, each with its values."""

    PROGRESS = "progress"
    """stage, step, steps, note"""
    LOG = "log"
    """text"""
    ENDED = "ended"
    """the :class:`ShotReport`, encoded"""


class _Relay:
    """The monitor of a shot that is shown by another process. Any thread may call it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._stop = False
        self._told_at: dict[str, float] = {}
        self.frames_done = 0

    def stop(self) -> None:
        """Ask the work to stop at its next check."""
        self._stop = True

    def tell(self, what: Told, *values: Any) -> None:
        """Say something to the batch.

        Raises:
            RemovalCancelled: when nobody listens any more.
        """
        try:
            with self._lock:
                self._connection.send((what, *values))
        except OSError:
            raise RemovalCancelled("the batch has ended") from None

    def check_cancelled(self) -> None:
        with self._lock:
            # While a shot is worked on, whatever comes means to stop, the end of the batch too.
            self._stop = self._stop or self._connection.poll()
        if self._stop:
            raise RemovalCancelled("stopped on request")

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        self.check_cancelled()
        now = time.monotonic()
        if step < steps and now - self._told_at.get(stage, -_TELL_EVERY_S) < _TELL_EVERY_S:
            return
        self._told_at[stage] = now
        self.tell(Told.PROGRESS, stage, step, steps, "" if frame is None else f"frame {frame}")

    def log(self, message: str) -> None:
        self.tell(Told.LOG, message)

    def waiting(self, obstacle: str) -> None:
        self.tell(Told.LOG, obstacle or "going on")

    def frame_done(self, number: int, path: Path) -> None:
        self.frames_done += 1

    def preview(self, frame: int, picture: Float32Array) -> None:
        """Show nothing, because a terminal has no pictures."""

    def composed(self, shares: Shares) -> None:
        """Show nothing, because the log sums it up at the end."""


def _stopping_on_sigterm(monitor: _Relay) -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: monitor.stop())


def work(connection: Connection, how: HowToRun) -> None:
    """Run each job that comes, with its report, until an empty message or the end of the connection.

    Engines stay loaded from shot to shot.
    """
    # Ctrl-C reaches all processes of a terminal; the batch decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            order = connection.recv()
        except (EOFError, OSError):
            return
        if order is None:
            return
        encoded, encoded_report = order
        report = msgspec.json.decode(encoded_report, type=ShotReport)
        monitor = _Relay(connection)
        _stopping_on_sigterm(monitor)
        stopped = False
        try:
            run_shot(decode_job(encoded), report, monitor, how)
        except RemovalCancelled:
            stopped = True
        try:
            monitor.tell(Told.ENDED, msgspec.json.encode(report))
        except RemovalCancelled:
            return
        if stopped:
            return
