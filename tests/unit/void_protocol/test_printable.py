from __future__ import annotations

import html
import json
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from void_protocol.printable import (
    printable,
    printable_html,
    printable_json,
    printable_lines,
    printable_on_node,
)

HOSTILE = {
    "\x1b[2J": "\\x1b[2J",
    "\x1b]0;owned\x07": "\\x1b]0;owned\\x07",
    "\x9b31m": "\\x9b31m",
    "a\x85b": "a\\x85b",
    "a\u2028b\u2029c": "a\\u2028b\\u2029c",
    "\u202egpj.exe": "\\u202egpj.exe",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "sh\u200b010": "sh\\u200b010",
    "\U000e0041": "\\U000e0041",
    "\udc9b": "\\udc9b",
    "\x7f\x00\b\r": "\\x7f\\x00\\x08\\r",
}

TEXTS = st.text(st.characters(), max_size=40)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_or_an_editor_would_obey_is_escaped(text: str) -> None:
    assert printable(text) == printable_lines(text) == HOSTILE[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sh010",
        "Schuß 12 – Größe",
        "日本語\u3000版",
        "משי",
        "a\u00a0b",
        "👍🏽",
        "e\u0301",
        "[bold]x[/]",
        "a\\nb",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == printable_lines(text) == text


def test_lines_stay_lines_only_where_they_are_wanted() -> None:
    assert printable("a\nb\tc\r\nd") == "a\\nb\\tc\\r\\nd"
    assert printable_lines("a\nb\tc\r\nd\re") == "a\nb\tc\nd\\re"
    assert printable_html("a\nb") == "a<br>b"


def test_every_character_that_is_not_shown_is_escaped() -> None:
    everything = "".join(
        map(chr, [*range(0x3000), *range(0xD700, 0x11000), *range(0xE0000, 0xE0100), sys.maxunicode])
    )
    for shown in (printable(everything), printable_json(everything.replace("\n", ""))):
        assert {unicodedata.category(each)[0] for each in shown} == {"L", "M", "N", "P", "S", "Z"} | (
            {"C"} if "\t" in shown else set()
        )
        assert not {"\x1b", "\x9b", "\x85", "\u2028", "\u202e", "\u2066"} & set(shown)


@given(TEXTS)
@example("\x1b")
def test_one_line_is_one_line_for_everybody(text: str) -> None:
    assert len(printable(text).splitlines()) <= 1
    assert printable(printable(text)) == printable(text)
    assert (
        printable_lines(text).splitlines() == printable_lines(text).removesuffix("\n").split("\n") or not text
    )


@given(TEXTS)
@example("\U000e0041\ud800")
@example('"\\\u2028')
def test_json_means_the_same(text: str) -> None:
    document = json.dumps({text: [text]}, ensure_ascii=False, indent=1)
    assert json.loads(printable_json(document)) == {text: [text]}
    assert not set(map(unicodedata.category, printable_json(document).replace("\n", ""))) & {
        "Cc",
        "Cf",
        "Zl",
        "Zp",
        "Cs",
    }


@given(TEXTS)
@example("<img src='http://x/'>&lt;b&gt;")
def test_html_shows_the_text(text: str) -> None:
    shown = printable_html(text)
    assert html.unescape(shown.replace("<br>", "\n")) == printable_lines(text)
    assert "<" not in shown.replace("<br>", "")


def test_a_node_evaluates_and_draws_nothing() -> None:
    shown = printable_on_node('failed: [python {os.system("x")}] $env(HOME) <img src=x>\n\\[exit\\]')
    assert not set(shown) & set("[]{}<>$\\\n")
    assert shown.startswith("failed: (python (os.system(")
