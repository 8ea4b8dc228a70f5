from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Group
from rich.live import Live
from rich.text import Text

from void_server.cli.progress import StageProgress
from void_server.cli.terminal import PlainTable, Terminal, cell, say, say_json

COMMANDS = Path(__file__).parents[4] / "server" / "void_server" / "cli"
HOSTILE = "sh[/][link=http://x/][red]010 :smile: \x1b[2J\x1b]0;owned\x1b\x9b31m\x85\u2028\u202e\ud800"
SHOWN = "sh[/][link=http://x/][red]010 :smile: \\x1b[2J\\x1b]0;owned\\x1b\\x9b31m\\x85\\u2028\\u202e\\ud800"


def screen(*, is_terminal: bool = False) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    terminal = Terminal(file=file, force_terminal=is_terminal, width=240, soft_wrap=True, color_system=None)
    return terminal, file


@pytest.mark.parametrize("kind", ["text", "a string", "a styled text", "a table", "a group", "a plain cell"])
def test_a_hostile_text_reads_as_it_is(kind: str) -> None:
    terminal, file = screen()
    table = PlainTable("name", "also", box=None)
    table.add_row(HOSTILE, Text("x"), style="red")
    terminal.print(
        {
            "text": Text(HOSTILE),
            "a string": HOSTILE,
            "a styled text": Text.assemble((HOSTILE, "bold")),
            "a table": table,
            "a group": Group(Text(HOSTILE)),
            "a plain cell": cell(HOSTILE),
        }[kind]
    )
    assert SHOWN in file.getvalue()
    assert file.getvalue().replace("\n", "").isprintable()


def test_a_row_stays_one_line() -> None:
    terminal, file = screen()
    table = PlainTable("name", "message", box=None, show_header=False)
    table.add_row("a", "failed\nb   done")
    terminal.print(table)
    assert file.getvalue().strip() == r"a failed\nb   done".replace("a failed", "a  failed")


@pytest.mark.parametrize("width", [80, 120, 400])
def test_a_long_name_hides_nothing_beside_it(width: int) -> None:
    terminal, file = screen()
    terminal.width = width
    table = PlainTable("job", "shot", "state", "message", box=None)
    for name, message in (("s" * 256, "m" * 2000), ("日本" * 128, ""), ("sh010", "")):
        table.add_row("4f1c9a0be2d94c4fa6d2f1a1f8f4d3c7", name, "queued (12)", message)
    table.cut_only("shot", "message")
    terminal.print(table, soft_wrap=False)
    lines = file.getvalue().rstrip("\n").split("\n")
    assert len(lines) == 4
    assert all("4f1c9a0be2d94c4fa6d2f1a1f8f4d3c7" in line and "queued (12)" in line for line in lines[1:])
    assert all(Text(line).cell_len <= width for line in lines)


def test_progress_bars_show_names_and_obey_none() -> None:
    terminal, file = screen(is_terminal=True)
    with StageProgress(HOSTILE, terminal) as bars:
        bars.update("[/]" + HOSTILE, 1, 2, note=HOSTILE)
        bars.message(HOSTILE)
    shown = file.getvalue()
    assert SHOWN in shown
    for order in ("\x1b]0;", "\x1b[2J", "\x9b", "\u202e", "\x07", "\x1b]8;"):
        assert order not in shown
    assert "\x1b[?25l" in shown, "Rich's own codes pass"


def test_live_pictures_are_drawn_through_it_too() -> None:
    terminal, file = screen(is_terminal=True)
    with Live(Text(HOSTILE), console=terminal, auto_refresh=False):
        pass
    assert "\\x1b]0;owned" in file.getvalue()
    assert "\x1b]0;" not in file.getvalue()


def test_lines_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo \x1b[2J")
    say_json({"name": "a\x85\u202e[/]", "n": 1})
    say("there", to_stderr=True)
    out, err = capsys.readouterr()
    one, two, document = out.split("\n")[:3]
    assert (one, two, err) == ("one", "two \\x1b[2J", "there\n")
    assert document.isprintable()
    assert json.loads(document) == {"name": "a\x85\u202e[/]", "n": 1}


def prints_itself(source: str) -> list[str]:
    """What a module prints, or could print, past :mod:`void_server.cli.terminal`."""
    found = []
    streams = ("sys.stdout.write", "sys.stderr.write", "typer.echo")
    makers = ("Console", "Table", "print", "escape", "get_console")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "typer.secho"):
            found.append(f"{node.lineno}: {ast.unparse(node.func)}")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in streams:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rich":
            found += [f"{node.lineno}: {alias.name}" for alias in node.names if alias.name in makers]
        if isinstance(node, ast.keyword) and node.arg == "markup" and ast.unparse(node.value) == "True":
            found.append(f"{node.value.lineno}: markup")
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "TextColumn":
            named = {each.arg: ast.unparse(each.value) for each in node.keywords}
            found += [] if named.get("markup") == "False" else [f"{node.lineno}: a column with markup"]
    return found


@pytest.mark.parametrize("module", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_commands_print_in_one_place_only(module: Path) -> None:
    if module.stem == "terminal":
        pytest.skip("this is the place")
    assert prints_itself(module.read_text(encoding="utf-8")) == []


def test_the_search_finds_what_it_looks_for() -> None:
    source = (
        "from rich.console import Console, Group\nfrom rich.table import Table\nprint(1)\ntyper.echo(2)\n"
        "f(typer.echo)\nsys.stdout.write(3)\nTextColumn('[bold]x')\nconsole.print(x, markup=True)\n"
    )
    assert len({line.split(":")[0] for line in prints_itself(source)}) == 8


PATH = "/shows/" + "a_long_name/" * 12 + "clean_v001.%04d.exr"


@pytest.mark.parametrize("columns", [80, 40])
def test_a_path_in_a_table_is_broken_and_never_cut(columns: int) -> None:
    for titles in (("shot", "result"), ()):
        table = PlainTable(*titles)
        table.add_row("sh010", PATH)
        out = io.StringIO()
        Terminal(file=out, width=columns).print(table)
        whole = "".join(part for part in re.split(r"[\s│┃]+", out.getvalue()))
        assert PATH in whole.replace("sh010", "")
        assert "…" not in whole


def test_a_path_in_a_log_stays_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    table = PlainTable("shot", "result")
    table.add_row("sh010", PATH)
    for given, whole in ((None, True), ("80", False)):
        monkeypatch.delenv("COLUMNS", raising=False)
        if given:
            monkeypatch.setenv("COLUMNS", given)
        out = io.StringIO()
        Terminal(file=out).print(table)
        assert any(PATH in line for line in out.getvalue().splitlines()) is whole
