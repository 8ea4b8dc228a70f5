"""The words of a script: what stands in quotes, braces and brackets, and what is damaged."""

from __future__ import annotations

import pytest

from void_server.roto_files.errors import ScriptSyntaxError
from void_server.roto_files.tcl import MAX_DEPTH, commands, decode, line_of, parse_list


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in commands(text)]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfa b\r\nc",
        b"a b\rc",
        "a b\nc".encode("utf-16"),
        b"a b\nc",
    ],
    ids=["byte order mark and CRLF", "CR", "UTF-16", "plain"],
)
def test_every_kind_of_line_end_and_encoding_is_the_same_text(data: bytes) -> None:
    assert decode(data) == "a b\nc"


def test_text_that_is_no_utf_8_is_read_too() -> None:
    assert decode(b"label caf\xe9") == "label café"


def test_words_are_bare_or_in_quotes_braces_and_brackets() -> None:
    text = '# a comment { with a brace\nset N1 [stack 0]\n label "two\nlines \\"x\\"" {a {b} c}\n\n  x\\\n y'
    assert words(text) == [["set", "N1", "[stack 0]"], ["label", 'two\nlines "x"', "a {b} c"], ["x", "y"]]


def test_an_escaped_brace_does_not_count() -> None:
    assert words("Text {message \\{ \\}}\nnext") == [["Text", "message \\{ \\}"], ["next"]]


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\xa0", "\u2003"])
def test_odd_white_space_parts_words(space: str) -> None:
    assert words(f"a{space}b{space}") == [["a", "b"]]


@pytest.mark.parametrize("text", ["Roto {a {b}", 'label "never', "a {b\\}"])
def test_a_text_that_breaks_off_is_an_error_with_its_line(text: str) -> None:
    whole = f"first\n{text}"
    with pytest.raises(ScriptSyntaxError, match="never closed") as caught:
        list(commands(whole))
    assert line_of(whole, caught.value.at) == 2


def test_a_list_is_nested_as_its_braces_are() -> None:
    assert parse_list('{a "b c" {}} x44 {{1 -}\n{2}}') == [["a", "b c", []], "x44", [["1", "-"], ["2"]]]


@pytest.mark.parametrize("text", ["{a", "a}", "{" * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1)])
def test_a_list_whose_braces_do_not_match_is_an_error(text: str) -> None:
    with pytest.raises(ScriptSyntaxError):
        parse_list(text)


def test_ten_megabytes_are_read_in_one_pass() -> None:
    body = "{x44b40000 x44070000}\n" * 60_000
    (command,) = commands(f"Roto {{\n curves {{{body}}}\n}}\n")
    assert len(parse_list(command.words[1].text)[1]) == 60_000
