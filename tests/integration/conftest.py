"""Fixtures of the tests that run a server. A module with other needs has a ``server`` of its own; ``client``
then is one of that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.server_case import CHECKOUT, server_for, write_shot
from void_protocol.client import Client
from void_server.operation.server_process import ServerProcess


@pytest.fixture(scope="session", autouse=True)
def checkout_on_path() -> Iterator[None]:
    """Processes that a test starts find this checkout's packages, and the tests' own runners."""
    own = [str(CHECKOUT / part) for part in ("", "plugin", "server")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [*own, os.environ.get("PYTHONPATH")])))
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests of a module, with the runner that copies frames."""
    with server_for(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server for one test that kills it or counts what is in it."""
    with server_for(tmp_path / "home") as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.connection()) as connected:
        connected.wait_connected()
        yield connected


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    return write_shot(tmp_path / "shot")


@pytest.fixture
def server_defaults() -> dict[str, Any]:
    """What the servers of ``start`` are set to; a module with other needs has its own."""
    return {}


@pytest.fixture
def start(tmp_path: Path, server_defaults: dict[str, Any]) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server with the settings that a test gives; it ends with the test."""
    with ExitStack() as servers:

        def start_server(**settings: Any) -> ServerProcess:
            return servers.enter_context(server_for(tmp_path / "home", **{**server_defaults, **settings}))

        yield start_server
