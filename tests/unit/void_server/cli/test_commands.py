"""The table of commands is what the commands are, and calling one loads no other."""

from __future__ import annotations

import json
import subprocess
import sys

from typer.testing import CliRunner

from void_server.cli.commands import COMMANDS, app, load_command

HEAVY = ("torch", "cv2", "numpy", "OpenImageIO", "diffusers", "transformers", "skimage", "av", "openjd")


LIGHT = (
    ["--help"], ["--version"], ["serve", "--help"], ["serve", "--device", "none"], ["keys", "--help"],
    ["status", "--help"], ["jobs", "--help"], ["logs", "--help"], ["pause", "--help"], ["clean", "--help"],
    ["farm", "--help"], ["farm", "step", "--help"],
)  # fmt: skip
CODE = f"""
import json, sys
from void_server.cli.commands import app
ends = []
for words in {LIGHT!r}:
    try:
        app(words)
    except SystemExit as end:
        ends.append([words, int(end.code or 0), [name for name in {HEAVY!r} if name in sys.modules]])
print(json.dumps(ends))
"""


def test_what_computes_nothing_loads_no_engine() -> None:
    """Such as a server, which computes in its workers."""
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == [
        [words, 2 if "none" in words else 0, []] for words in LIGHT
    ]


def test_the_table_says_what_the_commands_say() -> None:
    commands = {name: load_command(name) for name in COMMANDS}
    assert {name: command.name for name, command in commands.items()} == {name: name for name in COMMANDS}
    assert {
        name: " ".join((command.help or "").split("\n\n")[0].split()) for name, command in commands.items()
    } == {name: help_line for name, (_, help_line) in COMMANDS.items()}


def test_a_command_that_is_none_is_told() -> None:
    ran = CliRunner().invoke(app, ["serv"])
    assert ran.exit_code == 2
    assert "Did you mean" in ran.stderr
    assert "serve" in ran.stderr
