"""The report on a batch, for people and for programs."""

from __future__ import annotations

import time
from collections import Counter
from enum import Enum
from pathlib import Path

import msgspec
from msgspec import Struct

from void_protocol.durable import write_whole

REPORT_VERSION = 1
_SAVE_SHARE = 20
"""A growing report rests for so many times as long as it took to write it."""


class ShotState(str, Enum):
    """What became of a shot of a batch."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    """An earlier run has done the shot from the same inputs and settings."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class FrameShares(Struct, kw_only=True):
    """How much of what was replaced in a frame is real, guessed or invented: shares that add up to 1."""

    frame: int
    real: float
    guessed: float
    invented: float
    moved: float | None = None
    """The part of ``guessed`` that shows objects that have moved; None where no model has answered."""
    model: float | None = None
    """The part of ``guessed`` that is a model's own."""


class ShotReport(Struct, kw_only=True):
    """What became of one shot, and what it took."""

    shot: str
    job_id: str
    state: ShotState = ShotState.WAITING
    reason: str = ""
    """Why the shot failed, in a message for the artist."""
    exit_status: int = 0
    """The exit status that ``void run`` of this shot alone would have."""
    frames: int = 0
    """How many frames of the result are whole."""
    frames_kept: int = 0
    """How many of these frames an earlier run made."""
    frames_wanted: int = 0
    seconds: float = 0.0
    output: str = ""
    inputs: str = ""
    """Hash of the content of all files that the result was made from."""
    real: float | None = None
    """The mean of that share over the frames, 0..1; None where the engine tells none."""
    guessed: float | None = None
    invented: float | None = None
    verdict: str = ""
    """``green``, ``amber`` or ``red``: that of the worst frame; empty where none was judged."""
    at_fault: int = 0
    """How many frames are red."""
    findings: list[str] = msgspec.field(default_factory=list)
    """What is wrong with them, a sentence for each kind of fault."""
    shares: list[FrameShares] = msgspec.field(default_factory=list)
    """Those of each frame that tells them, frames of an earlier run included."""


class BatchReport(Struct, kw_only=True):
    """What became of every shot of a batch."""

    report_version: int = REPORT_VERSION
    seconds: float = 0.0
    shots: list[ShotReport]

    def count(self, state: ShotState) -> int:
        """Return how many shots are in ``state``."""
        return Counter(shot.state for shot in self.shots)[state]

    @property
    def summary(self) -> str:
        """The report in one line."""
        counted = [
            f"{self.count(state)} {state.value}"
            for state in ShotState
            if self.count(state) or state is ShotState.DONE
        ]
        frames = sum(shot.frames - shot.frames_kept for shot in self.shots)
        return f"{', '.join(counted)}; {frames} frames made in {self.seconds:.1f} s"

    def save(self, path: Path) -> None:
        """Write the report as JSON. The file appears when it is whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


class ReportFile:
    """The file of a report that grows: it is written after every shot, but takes no more than a twentieth of
    the time, since the report on a season is as long as the season."""

    def __init__(self, report: BatchReport, path: Path) -> None:
        """Write the report on a batch that begins."""
        self._report, self._path = report, path
        self._began = time.monotonic()
        self._saved_at = self._cost_s = 0.0
        self.save()

    def update(self) -> None:
        """Write what has changed, unless it was just written."""
        if time.monotonic() - self._saved_at >= _SAVE_SHARE * self._cost_s:
            self.save()

    def save(self) -> None:
        """Write the report now."""
        before = time.monotonic()
        self._report.seconds = round(before - self._began, 3)
        self._report.save(self._path)
        self._saved_at = time.monotonic()
        self._cost_s = self._saved_at - before
