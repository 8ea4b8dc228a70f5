"""The short way of a farm's tasks: what goes it, that it loads little, and that it is the same command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from void_server.cli import app
from void_server.cli.exit_codes import ExitCode

NEEDLESS = ("typer", "rich", "pydantic", "yaml", "torch", "openjd", "void_server.settings")
CODE = f"""
import sys
from void_server.cli import app, farm_task
sys.argv = ["void", "farm", "step", "merge", "--plan", "nowhere/plan.json", "--task", "0", "--scratch", "s"]
farm_task.read_plan = lambda path: print(sorted(set({NEEDLESS!r}) & set(sys.modules))) or sys.exit(0)
app.main()
"""


def test_a_task_loads_nothing_that_only_people_need(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.strip() == "[]", ran.stdout


@pytest.mark.slow
def test_errors_and_usage_are_told_as_by_any_command(tmp_path: Path) -> None:
    def void(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "void_server", "farm", "step", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    options = ("--plan", "plan.json", "--task", "0", "--scratch", "s")
    failed = void("merge", *options)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: cannot read the plan plan.json")
    wrong = void("merged", *options)
    assert wrong.returncode == 2
    assert "'merged' is not one of" in wrong.stderr
    assert void("--help").returncode == 0


def test_a_wheel_without_its_extra_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["void", "--version"])
    monkeypatch.setattr("signal.signal", lambda *handler: None)
    monkeypatch.delitem(sys.modules, "void_server.cli.commands", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as ended:
        app.main()
    # Text as a status goes to standard error, and the status is 1.
    assert "package typer" in str(ended.value.code)
    assert "void-nuke[server]" in str(ended.value.code)


def test_a_stop_has_its_own_status() -> None:
    words = ["merge", "--plan", "p", "--task", "0", "--scratch", "s"]

    def stopped(order: object) -> None:
        raise KeyboardInterrupt

    with mock.patch("void_server.cli.farm_task.run_order", stopped):
        assert app._quick_step(words) == ExitCode.CANCELLED
    assert app._quick_step([*words, "--help"]) is None
