"""A server whose file handles somebody tries to use up."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

from tests.integration.server_case import Stranger, connection_of_another, wait_until
from void_server.access.key_commands import revoke_client
from void_server.operation.server_process import ServerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")


@pytest.fixture
def server_defaults() -> dict[str, Any]:
    return {"heartbeat_s": 5.0}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_local_user_at_the_port_of_the_figures_takes_no_handles(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    port = free_port()
    server = start(metrics_port=port)
    process = psutil.Process(server.pid)
    with ExitStack() as held:
        friend = held.enter_context(Stranger(server.connection()))
        friend.hello()
        anna = held.enter_context(Stranger(connection_of_another(server, tmp_path / "anna")))
        anna.hello()
        files, threads = process.num_fds(), process.num_threads()
        for _ in range(300):
            with suppress(OSError):
                held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        assert process.num_fds() - files < 60
        assert process.num_threads() - threads < 5
        held.enter_context(Stranger(server.connection())).hello()
        revoke_client(server.settings.home, "anna")
        time.sleep(0.5)
        with suppress(zmq.Again):
            anna.socket.send(b'{"type":"ping","request":9}', zmq.NOBLOCK)
        assert anna.is_silent(0.3)


def test_revocation_and_the_end_need_no_free_handle(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """Nothing can be opened any more, by whatever means that came about."""
    import resource

    server = start()
    with (
        Stranger(server.connection()) as friend,
        Stranger(connection_of_another(server, tmp_path / "anna")) as anna,
    ):
        friend.hello()
        anna.hello()
        process = psutil.Process(server.pid)
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        used = sorted(int(link.name) for link in Path(f"/proc/{server.pid}/fd").iterdir())
        lowest_free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (lowest_free, hard))
        assert anna.ask(type="ping", request=2)["type"] == "pong"
        revoke_client(server.settings.home, "anna")
        time.sleep(0.5)
        with suppress(zmq.Again):
            anna.socket.send(b'{"type":"ping","request":3}', zmq.NOBLOCK)
        assert anna.is_silent(0.3)
        assert friend.ask(type="ping", request=4)["type"] == "pong"
        process.terminate()
        wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 15.0)
