"""In processes of their own, because signals are the whole process's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from void_server.operation.stop_signals import EXIT_CODE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")

HANGS = """
    import ctypes, sys
    from void_server.operation.stop_signals import StopSignals
    with StopSignals(lambda: print("asked", flush=True), 0.3):
        print("ready", flush=True)
        {wait}
    print("ended", flush=True)
    {after}
"""


def run(wait: str, signals: int, after: str = "") -> tuple[int, list[str]]:
    code = textwrap.dedent(HANGS).format(wait=wait, after=after)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip()]
        for _ in range(signals):
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
        said += process.stdout.read().split()
        return process.wait(20), said


@pytest.mark.skipif(sys.platform != "linux", reason="the lock of zeros is Linux's")
def test_a_second_signal_ends_a_server_whose_main_thread_hangs() -> None:
    """A call of the system that does not return lets no handler of Python run."""
    twice = "lock = bytes(64); [ctypes.CDLL(None).pthread_mutex_lock(lock) for _ in range(2)]"
    code, said = run(twice, 2)
    assert (code, said) == (EXIT_CODE, ["ready"])


def test_a_second_signal_ends_a_server_that_takes_too_long() -> None:
    code, said = run("import time; [time.sleep(1) for _ in range(30)]", 2)
    assert (code, said) == (EXIT_CODE, ["ready", "asked", "asked"])


def test_a_server_that_ends_by_itself_is_left_to_it() -> None:
    wait = "import signal; [signal.pause() for _ in range({})]"
    assert run(wait.format(1), 1) == (0, ["ready", "asked", "ended"])
    after = "import time; time.sleep(0.8)"
    assert run(wait.format(2), 2, after) == (0, ["ready", "asked", "asked", "ended"])
