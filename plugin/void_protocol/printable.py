"""Makes text from others fit to be shown: on a terminal, in a log, in JSON, in HTML, on a node of Nuke.

Names, reasons and messages come from clients and from the files of clients. A terminal obeys escape
sequences, an editor breaks lines at characters that look like nothing, and a bidirectional control lets a
text read as another one. What shows such a text makes it printable here first. What stores or sends it leaves
it as it is, so that programs get what was said.

*Not printable* is every character of Unicode's categories Cc (control), Cf (format: bidirectional controls,
zero-width characters, tags), Cs (lone surrogates), Co and Cn (private, unassigned), Zl and Zp (separators of
lines and paragraphs). Each is written as its escape in Python: ``\\x1b``, ``\\u202e``.
"""

from __future__ import annotations

import html
import logging
import unicodedata
from datetime import datetime, timezone

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_IN_LINES = frozenset("\n\t")
# Nuke evaluates what is in brackets, and draws what is in angle brackets.
_FOR_NODES = str.maketrans({"[": "(", "]": ")", "{": "(", "}": ")", "<": "‹", ">": "›", "$": "＄", "\\": "/"})


def is_printable(character: str) -> bool:
    """Return whether one character can be shown as it is."""
    return unicodedata.category(character) not in _HIDDEN


def printable(text: str) -> str:
    """Return ``text`` on one line, with an escape for each character that is not printable, line ends too."""
    if text.isprintable():  # nearly every text, at the speed of a C loop
        return text
    return "".join(each if is_printable(each) else _escape(each) for each in text)


def printable_lines(text: str) -> str:
    """Return ``text`` with its lines and tabs, and an escape for every other character that is not printable.

    Only LF and CR LF end a line.
    """
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(each if each in _IN_LINES or is_printable(each) else _escape(each) for each in text)


def printable_entry(text: str) -> str:
    """Return :func:`printable_lines` of one entry of a log or a list, with the lines after the first indented
    by two spaces: none of them looks like another entry, or like an order to a program that reads lines."""
    return printable_lines(text).replace("\n", "\n  ")


def printable_json(document: str) -> str:
    """Return a JSON document of the same meaning that has only printable characters, and the line ends and
    tabs between its members."""
    if document.isprintable():
        return document
    return "".join(
        each if each in _IN_LINES or is_printable(each) else _json_escape(each) for each in document
    )


def printable_html(text: str) -> str:
    """Return HTML that shows ``text`` with its lines, and nothing else: no tag and no entity of its own."""
    return html.escape(printable_lines(text)).replace("\n", "<br>")


def printable_on_node(text: str) -> str:
    """Return one line that Nuke shows as it is in the label or a text knob of a node.

    Nuke evaluates brackets and dollars there as TCL, and draws tags as HTML; they become characters that look
    like them.
    """
    return printable(" ".join(text.split("\n"))).translate(_FOR_NODES)


class PrintableFormatter(logging.Formatter):
    """Formats a record as lines that a terminal shows and does not obey, whoever wrote the texts in it. Times
    are UTC, ``2026-01-31T23:59:59.123+00:00``."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_entry(super().format(record))

    def formatTime(  # noqa: N802 - logging's name
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        return datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")


def log_on_stderr(line_format: str) -> None:
    """Print what this process logs, from level INFO on, as printable lines on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter(line_format))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
