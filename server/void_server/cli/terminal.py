"""What commands print on, and the only place where they do.

Nearly every text that a command shows was written by somebody else: names of shots, reasons, messages of a
server. Here it is made printable and is never taken for Rich's markup, so that ``[red]`` in a name is what is
read, and an escape sequence is written out instead of obeyed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import msgspec
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from void_protocol.printable import printable, printable_json, printable_lines

_LOG_WIDTH = 4096
"""More columns than any line of a table has, so that a path in a log stays on one line."""


class Terminal(Console):
    """Rich's console for texts of others.

    Markup and emoji codes mean nothing, and whatever is drawn is made printable as the last step, since a
    text can come by many ways. Rich's own control codes (colours, the cursor of a progress bar) are not text
    and pass. What goes into a file or a log is as wide as it is, unless ``COLUMNS`` says how wide that is.
    """

    def __init__(self, **how: Any) -> None:
        """Make a console; ``how`` has whatever else Rich's takes (``stderr``, ``soft_wrap``, ``width``)."""
        super().__init__(**how, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and "width" not in how and "COLUMNS" not in os.environ:
            self.width = _LOG_WIDTH

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable_lines(text), style, control)


def agrees(question: str) -> bool:
    """Ask a question on the terminal; no is also the answer where nobody can be asked."""
    try:
        return typer.confirm(printable(question))
    except typer.Abort:
        return False


def say(text: str, *, to_stderr: bool = False) -> None:
    """Print lines of text for people."""
    typer.echo(printable_lines(text), err=to_stderr)


def say_json(value: Any) -> None:
    """Print a value, of msgspec's structs or plain ones, as one line of JSON for programs."""
    typer.echo(printable_json(msgspec.json.encode(value).decode()))


def cell(text: str, style: str = "") -> Text:
    """Return a text for a table or a headline: one line, whatever is in it."""
    return Text(printable(text), style=style)


class PlainTable(Table):
    """A table whose cells hold one line of printable text each, and no markup. A long word, such as a path,
    is broken where the terminal is too narrow, and never cut."""

    def add_row(self, *cells: RenderableType | None, **how: Any) -> None:
        super().add_row(*(cell(each) if isinstance(each, str) else each for each in cells), **how)
        for column in self.columns:
            column.overflow = "fold"

    def cut_only(self, *titles: str) -> None:
        """Cut the texts of these columns where the terminal is too narrow, and keep the others whole: a long
        name of somebody must not hide what stands beside it. Call this once all rows are there."""
        for column in self.columns:
            column.no_wrap = column.header not in titles  # Rich takes room from those that it may wrap
            if column.header in titles:
                for each in column.cells:
                    if isinstance(each, Text):
                        each.no_wrap, each.overflow = True, "ellipsis"
