"""What one owner asks for holds up nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.server_case import MAGIC, Stranger, server_for
from void_protocol.keys import load_connection
from void_server.access.key_commands import new_client
from void_server.operation.server_process import ServerProcess

RANGE = 65_536
"""The most bytes that one range of a proof may have."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_for(tmp_path_factory.mktemp("home"), heartbeat_s=20.0, path_wait_s=1.0) as running:
        yield running


def test_sixteen_long_proofs_are_their_owners_alone(server: ServerProcess, tmp_path: Path) -> None:
    """Each has two gigabytes to read. They are answered file by file until the limit for one proof."""
    plate = tmp_path / "plate.1001.exr"
    with plate.open("wb") as file:
        file.write(MAGIC)
        file.truncate(32 * RANGE)
    new_client(server.settings.home, "anna", tmp_path / "anna", server.connection().endpoint)
    small = {"path": str(plate), "ranges": [[0, 4]]}
    with ExitStack() as held:
        greedy = held.enter_context(Stranger(load_connection(tmp_path / "anna")))
        friend = held.enter_context(Stranger(server.connection()))
        greedy.hello()
        friend.hello()
        large = {"path": str(plate), "ranges": [[RANGE * number, RANGE] for number in range(16)]}
        for number in range(16):
            greedy.say(type="prove", request=10 + number, nonce="00" * 32, files=[large] * 2047 + [small])
        began = time.monotonic()
        reply = friend.ask(type="prove", request=2, nonce="00" * 32, files=[small])
        assert time.monotonic() - began < 3.0
        assert reply["files"][0]["digest"] is not None
        message, _ = greedy.hear(20.0)
        assert message["type"] == "proof"
        assert message["files"][0]["digest"] is not None
        assert message["files"][-1]["problem"].endswith("took 1 s (path_wait_s)")
