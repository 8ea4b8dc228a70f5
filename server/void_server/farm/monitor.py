"""Reports a step's progress to its dispatcher, in lines on standard output."""

from __future__ import annotations

import re
import threading
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from void_engine.errors import RemovalCancelled
from void_protocol.printable import printable, printable_lines

if TYPE_CHECKING:
    from void_engine.arrays import Float32Array
    from void_engine.shares import Shares

_LEAST_PAUSE_S = 1.0
_ORDER = re.compile(r"openjd_|progress:|error:|tr_|alf_", re.IGNORECASE)
"""How the lines begin that some dispatcher obeys; Tractor's are ``TR_EXIT_STATUS`` and its like."""


class Dialect(str, Enum):
    """Which dispatcher's lines to print."""

    OPENJD = "openjd"
    """Open Job Description: ``openjd_progress: 42``, ``openjd_status: ...``, ``openjd_fail: ...``."""
    PLAIN = "plain"
    """Lines for people, with ``Progress: 42%`` on lines of their own."""
    TRACTOR = "tractor"
    """Tractor: ``TR_PROGRESS 42%``, and lines for people."""


class StepMonitor:
    """The monitor of one task, which may have several pieces of work. Any thread may call it."""

    def __init__(self, dialect: Dialect, pieces: int, out: TextIO) -> None:
        self._dialect = dialect
        self._pieces = max(1, pieces)
        self._out = out
        self._piece = 0
        self._name = ""
        self._stop = False
        self._told_at = -_LEAST_PAUSE_S
        self._lock = threading.Lock()
        self.frames_done = 0

    def begin_piece(self, index: int, name: str) -> None:
        """Say that the work on a piece begins."""
        self._piece, self._name = index, name
        self._told_at = -_LEAST_PAUSE_S
        self._tell(index / self._pieces, name)

    def finish(self) -> None:
        """Say that all pieces are done."""
        self._told_at = -_LEAST_PAUSE_S
        self._tell(1.0, "done")

    def fail(self, reason: str) -> None:
        """Say that the task fails, in one line whatever ``reason`` has."""
        line = " | ".join(line.strip() for line in printable_lines(reason).split("\n") if line.strip())
        self._write(f"openjd_fail: {line}" if self._dialect is Dialect.OPENJD else f"Error: {line}")

    def stop(self) -> None:
        """Ask the work to stop at its next check."""
        self._stop = True

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        """Report percent of the present stage, because an engine's stages differ in length."""
        self.check_cancelled()
        share = (self._piece + step / max(1, steps)) / self._pieces
        at = "" if frame is None else f", frame {frame}"
        self._tell(share, f"{self._name}: {stage} {step}/{steps}{at}")

    def preview(self, frame: int, picture: Float32Array) -> None:
        """Show nothing, because a log has no pictures."""

    def log(self, message: str) -> None:
        for line in message.split("\n"):
            self._write_words(line)

    def composed(self, shares: Shares) -> None:
        """Show nothing, because the log sums it up at the end."""

    def waiting(self, obstacle: str) -> None:
        if obstacle:
            self._write_status(obstacle)

    def check_cancelled(self) -> None:
        if self._stop:
            raise RemovalCancelled("stopped on request")

    def frame_done(self, number: int, path: Path) -> None:
        with self._lock:
            self.frames_done += 1

    def _tell(self, share: float, status: str) -> None:
        now = time.monotonic()
        if now - self._told_at < _LEAST_PAUSE_S:
            return
        self._told_at = now
        percent = min(100.0, max(0.0, 100.0 * share))
        if self._dialect is Dialect.OPENJD:
            self._write(f"openjd_progress: {percent:.1f}")
        elif self._dialect is Dialect.TRACTOR:
            self._write(f"TR_PROGRESS {percent:.0f}%")
        else:
            self._write(f"Progress: {percent:.0f}%")
        self._write_status(status)

    def _write_status(self, status: str) -> None:
        if self._dialect is Dialect.OPENJD:
            self._write(f"openjd_status: {status}")
        else:
            self._write_words(status)

    def _write_words(self, line: str) -> None:
        # A dispatcher obeys lines that begin like its own, and a message may quote somebody else's file.
        self._write(f"  {line}" if _ORDER.match(line) else line)

    def _write(self, line: str) -> None:
        with self._lock:
            print(printable(line.rstrip("\r")), file=self._out, flush=True)
