"""The text of a Nuke script, which is TCL: commands of words, and lists in braces. Nothing is ever evaluated.

A word is bare, in quotes, or in braces; within braces only braces and backslashes count (Tcl's own rule,
``man Tcl``, rules 1 to 9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

from void_server.roto_files.errors import ScriptSyntaxError

Tree: TypeAlias = "str | list[Tree]"
"""A word, or the list that stands in a pair of braces."""

MAX_DEPTH = 200
"""Braces nested deeper than this are taken for damage."""

_BRACE = re.compile(r"[{}\\]")
_BLANK = re.compile(r"(?:[^\S\n]|\\\n)+")
_BARE_STOP = re.compile(r"[\s\[\\]")
_QUOTE_STOP = re.compile(r'["\\]')
_TOKEN = re.compile(r'[{}]|"(?:[^"\\]|\\.)*"(?=[\s{}]|$)|(?:[^\s{}\\]|\\.)+', re.DOTALL)
_ESCAPE = re.compile(r"\\(\n[ \t]*|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Word(NamedTuple):
    """One word of a command."""

    text: str
    """What stands in the quotes or braces; escapes are resolved except in braces."""
    at: int
    """Where the word's text begins in the script."""
    braced: bool


class Command(NamedTuple):
    """One command: its words, the first of which is its name."""

    words: list[Word]
    at: int


def decode(data: bytes) -> str:
    """Return a script's text whatever its encoding, byte order mark and line ends."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def commands(text: str, start: int = 0) -> Iterator[Command]:
    """Yield the commands of a script, or the knobs of a node's body, one for each line.

    Raises:
        ScriptSyntaxError: when a brace or quote has no end.
    """
    at, end = start, len(text)
    while True:
        while at < end and (text[at].isspace() or text[at] == ";"):
            at += 1
        if at >= end:
            return
        if text[at] == "#":
            at = _end_of_line(text, at)
            continue
        begin = at
        words: list[Word] = []
        while at < end and text[at] != "\n":
            blank = _BLANK.match(text, at)
            if blank:
                at = blank.end()
                continue
            word, at = _word(text, at)
            words.append(word)
        if words:
            yield Command(words, begin)


def _end_of_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _word(text: str, at: int) -> tuple[Word, int]:
    if text[at] == "{":
        end = _closing_brace(text, at)
        return Word(text[at + 1 : end - 1], at + 1, braced=True), end
    if text[at] == '"':
        end = _closing_quote(text, at)
        return Word(unescaped(text[at + 1 : end - 1]), at + 1, braced=False), end
    end = _end_of_bare(text, at)
    return Word(unescaped(text[at:end]), at, braced=False), end


def _closing_brace(text: str, at: int) -> int:
    """Return the place after the brace that closes the one at ``at``."""
    depth = 0
    skip = -1
    for match in _BRACE.finditer(text, at):
        found, place = match.group(), match.start()
        if place == skip:
            continue
        if found == "\\":
            skip = place + 1
        elif found == "{":
            depth += 1
        else:
            depth -= 1
            if not depth:
                return place + 1
    raise ScriptSyntaxError("the brace that opens here is never closed; the file may be cut off", at)


def _closing_quote(text: str, at: int) -> int:
    place = at + 1
    while True:
        match = _QUOTE_STOP.search(text, place)
        if match is None:
            raise ScriptSyntaxError("the quote that opens here is never closed; the file may be cut off", at)
        if match.group() == '"':
            return match.end()
        place = match.end() + 1


def _end_of_bare(text: str, at: int) -> int:
    """Return the end of a bare word. What stands in brackets belongs to it, with its spaces."""
    place = at
    while True:
        match = _BARE_STOP.search(text, place)
        if match is None:
            return len(text)
        found = match.group()
        if found == "\\":
            if text[match.end() : match.end() + 1] == "\n":
                return match.start()
            place = min(match.end() + 1, len(text))
        elif found == "[":
            line = _end_of_line(text, match.end())
            closing = text.find("]", match.end(), line)
            place = line if closing < 0 else closing + 1
        else:
            return match.start()


def unescaped(text: str) -> str:
    """Resolve backslashes."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_resolve, text)


def _resolve(match: re.Match[str]) -> str:
    letter = match.group(1)
    return " " if letter[0] == "\n" else _ESCAPES.get(letter, letter)


def parse_list(text: str, at: int = 0) -> list[Tree]:
    """Return the nested lists that ``text`` spells.

    Args:
        text: words and braces.
        at: where the text stands in the script, for errors.

    Raises:
        ScriptSyntaxError: when the braces do not match or are nested too deeply.
    """
    top: list[Tree] = []
    here = top
    outer: list[list[Tree]] = []
    for number, word in enumerate(_TOKEN.findall(text)):
        if word == "{":
            if len(outer) >= MAX_DEPTH:
                raise ScriptSyntaxError(
                    f"braces are nested deeper than {MAX_DEPTH}", at + _place(text, number)
                )
            outer.append(here)
            inner: list[Tree] = []
            here.append(inner)
            here = inner
        elif word == "}":
            if not outer:
                raise ScriptSyntaxError("a brace is closed that was never opened", at + _place(text, number))
            here = outer.pop()
        elif word[0] == '"' and len(word) > 1 and word[-1] == '"':
            here.append(unescaped(word[1:-1]))
        else:
            here.append(unescaped(word) if "\\" in word else word)
    if outer:
        raise ScriptSyntaxError("a brace is never closed", at)
    return top


def _place(text: str, number: int) -> int:
    """Return where a word of a list begins, by its number."""
    return next((match.start() for match in islice(_TOKEN.finditer(text), number, None)), len(text))


def line_of(text: str, at: int) -> int:
    """Return the number of the line on which the character ``at`` stands, from 1."""
    return text.count("\n", 0, at) + 1
