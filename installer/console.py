"""Prints one line for each step: what is being done, then whether it worked and how long it took."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_TITLE_WIDTH = 46
_REDRAW_S = 0.1
"""A terminal line is redrawn at most this often, in seconds."""
_WORTH_TELLING_S = 1.0
"""Steps that are shorter than this, in seconds, do not say how long they took."""


class Line:
    """The line of a step on the screen while the step runs."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._drawn_at = 0.0
        self.detail = ""
        """Text that follows the title when the step is done."""

    def activity(self, text: str) -> None:
        """Show what the step is busy with. This happens only on a terminal; in a log there would be a line
        for each."""
        now = time.monotonic()
        if self._console.redraws and now - self._drawn_at >= _REDRAW_S:
            self._drawn_at = now
            self._console.redraw(f"  {self._console.mark_busy} {self._title}: {text}")


class Console:
    """Writes steps, checks and notes to ``stream`` (the standard output unless told otherwise)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        encoding = self._stream.encoding or "ascii"
        plain = not _can_encode("✓✗…→", encoding)
        self.mark_ok, self.mark_failed = ("ok", "!!") if plain else ("✓", "✗")
        self.mark_busy, self._mark_remedy = ("..", "->") if plain else ("…", "→")
        self.redraws = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    @contextmanager
    def step(self, title: str) -> Iterator[Line]:
        """Show a step that ends with the block: with a tick, or with a cross when the block raises."""
        line = Line(self, title)
        started = time.monotonic()
        line.activity("")
        try:
            yield line
        except BaseException:
            self._finish(self.mark_failed, title, line.detail, started)
            raise
        self._finish(self.mark_ok, title, line.detail, started)

    def check(self, name: str, passed: bool, detail: str, remedy: str = "") -> None:
        """Print one finding of the doctor and, where something can be done, the remedy."""
        advice = f" {self._mark_remedy} {remedy}" if remedy else ""
        self.say(f"  {self.mark_ok if passed else self.mark_failed} {name}: {detail}{advice}")

    def say(self, text: str = "") -> None:
        encoding = self._stream.encoding or "ascii"
        shown = text if _can_encode(text, encoding) else text.encode(encoding, "replace").decode(encoding)
        self._stream.write(shown + "\n")
        self._stream.flush()

    def failure(self, what: str, why: str, remedy: str) -> None:
        """Report a failed step: which one, why, and what to try."""
        self.say()
        self.say(f"  {what} failed: {why}.")
        self.say(f"  Try: {remedy}")

    def redraw(self, text: str) -> None:
        """Replace the terminal's current line by ``text``, cut to the terminal's width."""
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\x1b[K" + text[:width])
        self._stream.flush()

    def _finish(self, mark: str, title: str, detail: str, started: float) -> None:
        if self.redraws:
            self.redraw("")
        seconds = time.monotonic() - started
        took = f"{seconds:.0f} s" if seconds >= _WORTH_TELLING_S else ""
        facts = ", ".join(fact for fact in (detail, took) if fact)
        self.say(f"  {mark} {title:<{_TITLE_WIDTH}} {facts}".rstrip())


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
