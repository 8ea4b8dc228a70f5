"""What Nuke loads, written into a folder from an installation."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from installer.nuke_wheels import NEEDED, PIP_PLATFORMS, PLATFORMS
from void_server.cli import host_files as cli
from void_server.errors import ServiceError
from void_server.operation.host_files import (
    PACKAGES,
    SYSTEMS,
    build_openfx,
    packages_command,
    write_host_files,
)


def test_the_folder_is_what_nuke_path_needs(tmp_path: Path) -> None:
    folder = tmp_path / "nuke"
    write_host_files(folder)
    for name in (
        "init.py",
        "menu.py",
        "void_nuke/__init__.py",
        "void_protocol/job.py",
        "gizmos/VoidRemove.gizmo",
    ):
        assert (folder / name).is_file(), name
    assert json.loads((folder / "installed.json").read_text())["server_python"] == sys.executable
    assert list(folder.rglob("*.pyc")) == []


def test_another_release_takes_the_place_of_the_first_and_packages_stay(tmp_path: Path) -> None:
    write_host_files(tmp_path)
    (tmp_path / "void_nuke" / "left_over.py").write_text("")
    (tmp_path / "vendor" / "py3.11-linux-x86_64").mkdir(parents=True)
    write_host_files(tmp_path)
    assert not (tmp_path / "void_nuke" / "left_over.py").exists()
    assert (tmp_path / "vendor" / "py3.11-linux-x86_64").is_dir()


def test_an_init_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "init.py").write_text("# the studio's")
    with pytest.raises(ServiceError, match="somebody else"):
        write_host_files(tmp_path)
    assert (tmp_path / "init.py").read_text() == "# the studio's"


def test_packages_lie_where_init_looks_for_them(tmp_path: Path) -> None:
    command = packages_command(tmp_path, "3.10", "windows-x86_64", tmp_path / "wheels")
    assert str(tmp_path / "vendor" / "py3.10-windows-x86_64") in command
    assert "--no-index" in command
    assert any(word.startswith("pyzmq==") for word in command)


def test_a_wheel_that_the_installer_takes_is_taken_here_too(tmp_path: Path) -> None:
    """The installer runs before the server is there, so each has a list of its own."""
    assert SYSTEMS == PLATFORMS
    assert PACKAGES == NEEDED
    for system in SYSTEMS:
        command = packages_command(tmp_path, "3.11", system, None)
        tags = [value for option, value in pairwise(command) if option == "--platform"]
        assert tuple(tags) == PIP_PLATFORMS[system]


def a_compiler(folder: Path) -> Path:
    """A compiler that writes what it was called with instead of compiling."""
    script = folder / "compiler"
    loop = 'for word; do [ "$last" = "-o" ] && echo "$*" > "$word"; last="$word"; done'
    script.write_text(f"#!/bin/sh\n{loop}\n")
    script.chmod(0o755)
    return script


@pytest.mark.skipif(os.name != "posix", reason="the compiler is a script")
def test_the_openfx_plug_in_is_built_with_this_python_for_its_bridge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", str(a_compiler(tmp_path)))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # what hosts remember of plug-ins is deleted there
    made = build_openfx(tmp_path / "nuke" / "openfx")
    [binary] = made.glob("Contents/*/VoidRemove.ofx")
    assert "-shared" in binary.read_text()
    assert f"={sys.executable}" in (made / "Contents/Resources/bridge.txt").read_text()


@pytest.mark.skipif(find_spec("ziglang") is not None, reason="Zig is installed here")
def test_without_a_compiler_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    with pytest.raises(ServiceError, match="pip install ziglang"):
        build_openfx(tmp_path / "openfx")


@pytest.mark.parametrize(("option", "status"), [((), 0), (("--no-openfx",), 0), (("--openfx",), 1)])
def test_the_command_goes_on_without_a_plug_in_that_nobody_demanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...], status: int
) -> None:
    asked: list[Path] = []

    def fails(folder: Path) -> Path:
        asked.append(folder)
        raise ServiceError("there is no compiler")

    monkeypatch.setattr(cli, "build_openfx", fails)
    app = typer.Typer()
    cli.add_to(app)
    done = CliRunner().invoke(app, [str(tmp_path / "nuke"), "--no-packages", *option])
    assert (done.exit_code != 0) == bool(status)
    assert asked == ([] if option == ("--no-openfx",) else [tmp_path / "nuke" / "openfx"])
    assert (tmp_path / "nuke" / "init.py").is_file()
    if not option:
        assert "no OpenFX plug-in: there is no compiler" in done.output
