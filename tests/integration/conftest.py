"""Fixtures of the tests that run a server. A module with other needs has a ``server`` of its own; ``client``
then is one of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server_case import CHECKOUT, server_for, write_shot
from void_protocol.client import Client
from void_server.operation.server_process import ServerProcess


@pytest.fixture
def runner_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that the test starts itself find the tests' own runners."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests of a module, with the runner that copies frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHECKOUT))
        with server_for(tmp_path_factory.mktemp("home")) as running:
            yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.connection()) as connected:
        connected.wait_connected()
        yield connected


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    return write_shot(tmp_path / "shot")
