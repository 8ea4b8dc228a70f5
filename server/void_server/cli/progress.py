"""Shows progress on a terminal, or as plain lines where there is none (a farm's log, a file)."""

from __future__ import annotations

import time
from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from void_protocol.printable import printable, printable_entry
from void_server.cli.terminal import Terminal

_PLAIN_EVERY_S = 5.0


class StageProgress:
    """One progress bar for each stage of a job, or of several jobs side by side. It is used as a context."""

    def __init__(self, title: str, console: Terminal | None = None) -> None:
        self._console = console or Terminal()
        self._title = printable(title)
        self._bars: dict[tuple[int, str], TaskID] = {}
        self._plain_at: dict[tuple[int, str], float] = {}
        self._progress = Progress(
            TextColumn("{task.fields[title]}", style="bold", markup=False),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> StageProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(
        self, stage: str, step: int, steps: int, note: str = "", *, place: int = 0, title: str = ""
    ) -> None:
        """Show that ``step`` of ``steps`` of ``stage`` are done.

        Args:
            place: which of several jobs this is that are worked on side by side; each has its own bars.
            title: the job's name; empty for the name that the whole has.
        """
        shown = printable(title) or self._title
        if not self._console.is_terminal:
            self._plain((place, stage), step, steps, f"{shown} {stage} {step}/{steps} {note}".rstrip())
            return
        if (place, stage) not in self._bars:
            self._bars[place, stage] = self._progress.add_task(stage, total=steps, title=shown, note=note)
        self._progress.update(self._bars[place, stage], completed=step, total=steps, title=shown, note=note)

    def message(self, text: str) -> None:
        """Print an entry above the bars."""
        self._progress.console.print(printable_entry(text), soft_wrap=True)

    def _plain(self, which: tuple[int, str], step: int, steps: int, text: str) -> None:
        now = time.monotonic()
        if step < steps and now - self._plain_at.get(which, -_PLAIN_EVERY_S) < _PLAIN_EVERY_S:
            return
        self._plain_at[which] = now
        self._console.print(text, soft_wrap=True)
