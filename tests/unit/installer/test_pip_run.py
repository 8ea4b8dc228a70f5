"""pip as it is, on wheels made here."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytest

from installer.environment import Environment
from installer.errors import PackageError
from installer.pip_run import compile_installed, install
from installer.plan import InstallStep
from installer.project import Project


class WheelFolder(Protocol):
    def add(self, name: str, version: str, requires: Sequence[str] = ()) -> Path: ...


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "check out"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "void-nuke"\nversion = "0"\n')
    (root / "pins.txt").write_text("plate==1.0\n")
    return Project(root, root / "pins.txt")


def installed(environment: Environment) -> dict[str, str]:
    listing = subprocess.check_output(
        [environment.python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    )
    return {entry["name"]: entry["version"] for entry in json.loads(listing)}


@pytest.mark.slow
def test_installs_the_pinned_version_and_keeps_a_log(
    environment: Environment, project: Project, wheels: WheelFolder
) -> None:
    wheels.add("plate", "1.0")
    wheels.add("plate", "2.0")
    heard: list[str] = []

    install(environment, project, InstallStep("Plates", requirements=("plate",)), heard.append)

    assert installed(environment)["plate"] == "1.0"
    assert any("Successfully installed" in line for line in heard)
    assert "Successfully installed plate-1.0" in environment.log.read_text()
    compile_installed(environment)
    (compiled,) = environment.prefix.rglob("plate.*.pyc")  # also where Python itself is told to write none
    assert compiled.parent.name == "__pycache__"


@pytest.mark.slow
def test_a_package_that_is_nowhere(environment: Environment, project: Project, wheels: WheelFolder) -> None:
    wheels.add("wants", "1.0", ["no_such_thing>=3"])

    with pytest.raises(PackageError, match="no build of it") as caught:
        install(environment, project, InstallStep("VOID", requirements=("wants",)), lambda _: None)

    assert caught.value.what in ("no_such_thing", "no-such-thing")


@pytest.mark.slow
def test_a_requirement_against_the_pins(
    environment: Environment, project: Project, wheels: WheelFolder
) -> None:
    wheels.add("plate", "1.0")
    wheels.add("plate", "2.0")
    wheels.add("newer", "1.0", ["plate>=2"])

    with pytest.raises(PackageError, match=r"newer.* depends on plate>=2"):
        install(environment, project, InstallStep("VOID", requirements=("newer",)), lambda _: None)


@pytest.mark.slow
def test_a_truncated_download(environment: Environment, project: Project, wheels: WheelFolder) -> None:
    wheel = wheels.add("broken", "1.0")
    wheel.write_bytes(wheel.read_bytes()[:200])

    with pytest.raises(PackageError, match="damaged") as caught:
        install(environment, project, InstallStep("VOID", requirements=("broken",)), lambda _: None)

    assert caught.value.what == "broken"


@pytest.mark.slow
def test_no_network(
    environment: Environment, project: Project, wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setattr("installer.pip_run._RETRIES", 1)

    with pytest.raises(PackageError, match="no connection to the package server") as caught:
        install(environment, project, InstallStep("PyTorch", requirements=("torch",)), lambda _: None)

    assert caught.value.what == "torch"
