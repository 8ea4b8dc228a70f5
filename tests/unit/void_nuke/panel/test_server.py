"""The panel's server: a real one, started and stopped as an artist would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtCore", reason="the panel's model needs Qt", exc_type=ImportError)

from tests.fakes.qt_session import run_until
from void_nuke.batch import server_python
from void_nuke.batch.server_python import installed_server_python
from void_nuke.panel.server import ServerModel, ServerPicture, ServerState


@pytest.fixture
def server(tmp_path: Path, qt: Any) -> Iterator[ServerModel]:
    model = ServerModel(tmp_path / "home")
    yield model
    if model.picture.can_stop:
        model.stop()
        run_until(qt, lambda: not model.picture.can_stop)
    model.close()


@pytest.mark.slow
def test_start_and_stop(server: ServerModel, qt: Any) -> None:
    clients: list[Any] = []
    server.client_changed.connect(clients.append)
    server.begin()
    run_until(qt, lambda: server.picture.text == "No server is running; press Start")
    assert server.picture.can_start

    server.start(sys.executable)
    assert server.picture.state is ServerState.STARTING
    run_until(qt, lambda: server.picture.state is ServerState.RUNNING, 60)
    assert server.picture.can_stop
    assert server.picture.text == "Server running, idle"
    assert clients[-1] is server.client is not None

    server.stop()
    run_until(qt, lambda: server.picture.state is ServerState.OFF, 30)
    assert clients[-1] is None


@pytest.mark.parametrize("python", ["", "/nowhere/python"])
def test_without_its_python_it_says_what_to_do(server: ServerModel, qt: Any, python: str) -> None:
    server.start(python)
    run_until(qt, lambda: server.picture.state is ServerState.OFF)

    assert "python3 installer nuke" in server.picture.text


def test_a_server_that_cannot_start_says_why(server: ServerModel, qt: Any, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    broken.chmod(0o755)
    server.begin()
    server.start(str(broken))
    run_until(qt, lambda: "could not start" in server.picture.text)

    assert "no such module" in server.picture.text
    assert server.picture.can_start


@pytest.mark.parametrize(
    ("endpoint", "is_local"),
    [("tcp://127.0.0.1:5990", True), ("tcp://[::1]:1", True), ("tcp://farm7:5990", False), ("", False)],
)
def test_only_a_server_on_this_machine_can_be_stopped(endpoint: str, is_local: bool) -> None:
    assert ServerPicture(ServerState.RUNNING, "", endpoint, pid=7).can_stop is is_local


def test_the_servers_python_is_what_the_installer_noted(tmp_path: Path) -> None:
    package = tmp_path / "void_for_nuke" / "void_nuke"
    package.mkdir(parents=True)
    assert installed_server_python(package) == ""
    (package.parent / "installed.json").write_text('{"server_python": "/checkout/.venv/bin/python"}')
    assert installed_server_python(package) == "/checkout/.venv/bin/python"


def test_without_being_told_it_is_the_plug_in_itself_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(server_python.__file__)
    package = tmp_path / "void_for_nuke" / source.parent.parent.name
    monkeypatch.setattr(server_python, "__file__", str(package / source.parent.name / source.name))
    package.mkdir(parents=True)
    assert installed_server_python() == ""
    (package.parent / "installed.json").write_text('{"server_python": "/checkout/.venv/bin/python"}')
    assert package.name == "void_nuke"
    assert installed_server_python() == "/checkout/.venv/bin/python"
