"""A server that goes on without a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.integration.command_case import new_job, void
from void_server.cli.exit_codes import ExitCode


def test_a_detached_server_answers_when_the_command_returns(tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ("--home", home, "--set", "endpoint=tcp://127.0.0.1:0")
    command = (
        sys.executable,
        "-W",
        "error::ResourceWarning",
        "-m",
        "void_server",
        "serve",
        "--detach",
        *words,
    )
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    try:
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == ""  # no complaint about the server that it leaves behind
        assert "listening on tcp://127.0.0.1:" in ran.stdout
        assert void("submit", new_job(tmp_path), "--home", home).code == 0
        again = void("serve", "--detach", *words)
        assert "runs already" in again.out
    finally:
        stopped = void("serve", "--stop", "--home", home)
    assert stopped.code == 0, stopped.err
    assert void("serve", "--stop", "--home", home).code == ExitCode.NO_SERVER


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    ran = void("serve", "--detach", "--home", tmp_path / "home", "--set", "endpoint=tcp://192.0.2.1:1")
    assert ran.code != 0
    assert "192.0.2.1" in ran.err
