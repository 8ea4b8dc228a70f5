"""The server's part of a wheelhouse: filled where packages are, installed from where they are not."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytest

from installer import command, nuke, server_wheels
from installer.console import Console
from installer.environment import Environment
from installer.errors import PackageError
from installer.pip_run import install
from installer.plan import INSTALL_STEPS, InstallStep
from installer.project import Project

BACKEND = """
import zipfile
import maker  # what building needs has to be in the wheelhouse too

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "studio_tool-1-py3-none-any.whl"
    info = "studio_tool-1.dist-info"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("studio_tool.pth", "/nowhere")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: studio-tool\\nVersion: 1\\n"
                       "Requires-Dist: canvas\\nProvides-Extra: server\\n"
                       "Requires-Dist: paint; extra == 'server'\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""


class WheelFolder(Protocol):
    folder: Path

    def add(self, name: str, version: str, requires: Sequence[str] = ()) -> Path: ...


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "check out"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        '[project]\nname = "studio-tool"\nversion = "1"\ndependencies = ["canvas"]\n'
        '[project.optional-dependencies]\nserver = ["studio-tool[base]", "paint>=1"]\nbase = ["brush"]\n'
        '[build-system]\nrequires = ["maker"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (root / "backend.py").write_text(BACKEND)
    (root / "pins.txt").write_text("canvas==1.0\npaint==2.0\n")
    return Project(root, root / "pins.txt")


@pytest.fixture
def shop(wheels: WheelFolder) -> WheelFolder:
    """Where a connected machine gets packages from."""
    for name, version in (
        ("canvas", "1.0"),
        ("canvas", "2.0"),
        ("paint", "2.0"),
        ("brush", "1"),
        ("maker", "1"),
    ):
        wheels.add(name, version, ["hair"] if name == "brush" else ())
    wheels.add("hair", "3")
    return wheels


@pytest.mark.slow
def test_what_is_filled_here_is_installed_there(
    tmp_path: Path,
    project: Project,
    shop: WheelFolder,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = tmp_path / "wheel house"
    folder = server_wheels.fetch(house, project, environment, ["server"], lambda said: None)

    names = sorted(path.name.split("-py3")[0] for path in folder.iterdir())
    assert names == ["brush-1", "canvas-1.0", "hair-3", "maker-1", "paint-2.0"]
    assert server_wheels.find_folder(house) == folder
    # On the other machine there is no index, and what this user has set up leads nowhere.
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_FIND_LINKS", (tmp_path / "nowhere").as_uri())
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    step = InstallStep("Studio tool", extras=("server",))
    install(environment, project, step, lambda said: None, wheels=folder)

    listing = subprocess.check_output(
        [environment.python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    )
    versions = {entry["name"]: entry["version"] for entry in json.loads(listing)}
    assert {"canvas": "1.0", "paint": "2.0", "studio-tool": "1"}.items() <= versions.items()
    assert "maker" not in versions


@pytest.mark.slow
def test_a_package_that_is_not_in_the_house_is_named(
    tmp_path: Path, project: Project, shop: WheelFolder, environment: Environment
) -> None:
    folder = server_wheels.fetch(tmp_path, project, environment, ["server"], lambda said: None)
    (folder / "maker-1-py3-none-any.whl").unlink()

    with pytest.raises(PackageError, match="no build of it"):
        install(environment, project, InstallStep("Tool", extras=("server",)), lambda _: None, wheels=folder)


def test_a_house_without_the_servers_part(tmp_path: Path) -> None:
    assert server_wheels.find_folder(tmp_path) is None
    (tmp_path / "server").mkdir()
    assert server_wheels.find_folder(tmp_path) is None


def test_the_real_project_asks_for_all_that_the_nuke_verb_installs() -> None:
    project = Project()
    extras = [extra for step in INSTALL_STEPS["nuke"] for extra in step.extras]
    asked = " ".join([*project.requirements(extras), *project.build_requirements])

    for name in ("pyzmq", "msgspec", "numpy", "OpenImageIO", "typer", "hatchling"):
        assert name in asked
    assert "void-nuke" not in asked
    assert "torch" not in asked


@pytest.mark.parametrize(
    "arguments",
    [
        ["--server"],
        ["--server", "--wheelhouse", "x"],
        ["--server", "--fill", "--wheelhouse", "x", "--platform", "?"],
    ],
)
def test_the_servers_part_is_filled_only_for_this_system(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from installer.nuke_wheels import PLATFORMS, this_platform

    other = next(one for one in PLATFORMS if one != this_platform())
    with pytest.raises(SystemExit):
        nuke.run(
            Path("x"), Project(), Console(io.StringIO()), [other if one == "?" else one for one in arguments]
        )
    assert "--server" in capsys.readouterr().err


def test_help_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["nuke", "--help"])
    assert "--server" in capsys.readouterr().out
