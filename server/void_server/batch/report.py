"""How a batch went, for people and machines."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.table import Table

from void_protocol.durable import write_whole

REPORT_VERSION = 1


class ShotState(str, Enum):
    """Where a shot of a batch stands."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    """Done by an earlier run from the same inputs and settings."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class ShotReport(Struct, kw_only=True):
    """One shot."""

    shot: str
    job_id: str
    state: ShotState = ShotState.WAITING
    reason: str = ""
    """Why it failed, in the words for the artist."""
    exit_status: int = 0
    """What ``void run`` of this shot alone would have ended with."""
    frames: int = 0
    """Whole in the result."""
    frames_kept: int = 0
    """Of these, made by an earlier run."""
    frames_wanted: int = 0
    seconds: float = 0.0
    output: str = ""
    inputs: str = ""
    """Hash of the content of all files that the job reads, and of its settings."""


class BatchReport(Struct, kw_only=True):
    """A whole batch."""

    report_version: int = REPORT_VERSION
    seconds: float = 0.0
    shots: list[ShotReport]

    def count(self, state: ShotState) -> int:
        """How many shots stand there."""
        return Counter(shot.state for shot in self.shots)[state]

    @property
    def summary(self) -> str:
        """One line."""
        counted = [
            f"{self.count(state)} {state.value}"
            for state in ShotState
            if self.count(state) or state is ShotState.DONE
        ]
        frames = sum(shot.frames - shot.frames_kept for shot in self.shots)
        return f"{', '.join(counted)}; {frames} frames made in {self.seconds:.1f} s"

    def save(self, path: Path) -> None:
        """Write the report as JSON; it appears when whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    def table(self) -> Table:
        """For a terminal."""
        colours = {ShotState.DONE: "green", ShotState.FAILED: "red", ShotState.CANCELLED: "yellow"}
        table = Table("shot", "state", "frames", "time", "result, or why not")
        for shot in self.shots:
            what = shot.reason or shot.output
            kept = f" ({shot.frames_kept} kept)" if shot.frames_kept and shot.state is ShotState.DONE else ""
            table.add_row(
                shot.shot,
                shot.state.value,
                f"{shot.frames}/{shot.frames_wanted}{kept}",
                f"{shot.seconds:.1f} s" if shot.seconds else "",
                what,
                style=colours.get(shot.state),
            )
        return table
