import subprocess
import sys
import time
from pathlib import Path

import pytest

from installer import lock
from installer.project import ROOT

HOLD = """
import sys
from pathlib import Path
from installer.lock import exclusive
with exclusive(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold_in_another_process(folder: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_free_folder_is_not_waited_for(tmp_path: Path) -> None:
    waits: list[str] = []

    with lock.exclusive(tmp_path / "venv", lambda: waits.append("waited")):
        pass

    assert waits == []
    assert not (tmp_path / "venv").exists()


def test_waits_for_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_RETRY_S", 0.02)
    ended: list[float] = []
    with hold_in_another_process(tmp_path) as holder:

        def let_go() -> None:
            assert holder.stdin is not None
            ended.append(time.monotonic())
            holder.stdin.close()

        with lock.exclusive(tmp_path, let_go):
            assert len(ended) == 1


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    with hold_in_another_process(tmp_path) as holder:
        holder.kill()
        holder.wait()
    waits: list[str] = []

    with lock.exclusive(tmp_path, lambda: waits.append("waited")):
        assert waits == []


def test_folders_do_not_wait_for_each_other(tmp_path: Path) -> None:
    waits: list[str] = []
    with hold_in_another_process(tmp_path / "one") as holder:
        with lock.exclusive(tmp_path / "two", lambda: waits.append("waited")):
            assert waits == []
        assert holder.stdin is not None
        holder.stdin.close()
