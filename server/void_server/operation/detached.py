"""Starts a server that goes on without a terminal, waits until it answers, and stops it again."""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from void_protocol.errors import KeyFileError
from void_protocol.keys import ServerAddress, read_server_address
from void_server.errors import ServerStartError
from void_server.operation.starting import await_start, open_output


def running_server(home: Path) -> ServerAddress | None:
    """Return where the server of a home listens; None when none runs, also where a killed one left its
    address."""
    try:
        address = read_server_address(home)
        command = psutil.Process(address.pid).cmdline()
    except (KeyFileError, psutil.Error):
        return None
    return address if any("void" in word for word in command) else None


def start_detached(command: Sequence[str], home: Path, timeout_s: float = 60.0) -> ServerAddress:
    """Start a server that outlives this process, wait until it listens, and return where.

    Args:
        command: the command line of the server.
        home: its home. What it prints goes to ``logs/server.log`` there.
        timeout_s: how long to wait for it.

    Raises:
        ServerStartError: when it ends, or does not listen in time; the message has its last output.
        KeyFileError: when others may write to the home.
    """
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    with open_output(home) as output:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **apart
        )

    def own_address() -> ServerAddress | None:
        address = running_server(home)
        return address if address is not None and address.pid == process.pid else None

    address = await_start(process, home, own_address, timeout_s)
    atexit.register(_let_go, process)
    return address


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Python complains of a child that nobody has waited for, also of one that is meant to go on."""
    if process.poll() is None:
        process.returncode = 0


def stop_server(home: Path, timeout_s: float = 60.0) -> bool:
    """Ask the server of a home to stop in good order, and wait for its end. Running jobs go on at its next
    start. Return whether there was one.

    Raises:
        ServerStartError: when it has not ended in time.
    """
    address = running_server(home)
    if address is None:
        return False
    try:
        process = psutil.Process(address.pid)
        process.terminate()
        process.wait(timeout_s)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired:
        raise ServerStartError(
            f"the server {address.pid} has not ended after {timeout_s:g} s; it waits for its running jobs"
        ) from None
    return True
