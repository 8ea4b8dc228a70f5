from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from void_server.openfx_bridge.processes import began, is_gone


def test_a_process_is_there_and_another_of_its_number_is_not() -> None:
    here = began(os.getpid())
    assert not is_gone(os.getpid(), here)
    assert not is_gone(os.getpid(), here + 0.9)
    assert is_gone(os.getpid(), here + 1.1)
    assert is_gone(os.getpid(), here - 1.1)


def test_a_process_that_has_ended_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        then = began(process.pid)
        assert not is_gone(process.pid, then)
    assert is_gone(process.pid, then)


def test_a_process_that_cannot_be_looked_at_counts_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", refuse)
    assert not is_gone(1, 0.0)
