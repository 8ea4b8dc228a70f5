from pathlib import Path

import pytest

from installer.plan import InstallStep
from installer.project import Project
from installer.stamp import Stamp

TORCH = InstallStep("PyTorch", requirements=("torch",))
ENGINE = InstallStep("Engine", extras=("engine",))
SERVER = InstallStep("Server", extras=("server",))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "void-nuke"\nversion = "0"\n[project.optional-dependencies]\nengine = ["numpy"]\n'
        'server = ["void-nuke[engine]"]\n'
    )
    (tmp_path / "pins.txt").write_text("")
    return Project(tmp_path, tmp_path / "pins.txt")


def test_a_fresh_environment_has_nothing(tmp_path: Path, project: Project) -> None:
    stamp = Stamp(tmp_path, project, "3.11.7")

    assert not any(map(stamp.covers, (TORCH, ENGINE, SERVER)))


def test_what_is_done_stays_done(tmp_path: Path, project: Project) -> None:
    Stamp(tmp_path, project, "3.11.7").add(TORCH)
    Stamp(tmp_path, project, "3.11.7").add(ENGINE)

    stamp = Stamp(tmp_path, project, "3.11.7")
    assert stamp.covers(TORCH)
    assert stamp.covers(ENGINE)
    assert not stamp.covers(SERVER)


def test_an_extra_covers_those_that_it_includes(tmp_path: Path, project: Project) -> None:
    Stamp(tmp_path, project, "3.11.7").add(SERVER)

    assert Stamp(tmp_path, project, "3.11.7").covers(ENGINE)


def test_another_python_starts_anew(tmp_path: Path, project: Project) -> None:
    Stamp(tmp_path, project, "3.11.7").add(TORCH)

    assert not Stamp(tmp_path, project, "3.12.1").covers(TORCH)


def test_changed_pins_start_anew(tmp_path: Path, project: Project) -> None:
    Stamp(tmp_path, project, "3.11.7").add(TORCH)
    project.constraints.write_text("numpy==2.4.6\n")

    stamp = Stamp(tmp_path, project, "3.11.7")
    assert not stamp.covers(TORCH)
    stamp.add(ENGINE)
    assert not Stamp(tmp_path, project, "3.11.7").covers(TORCH)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"valid_for": "x"}'])
def test_a_damaged_record_counts_as_none(tmp_path: Path, project: Project, damage: str) -> None:
    Stamp(tmp_path, project, "3.11.7").add(TORCH)
    (record,) = tmp_path.glob("*.json")
    record.write_text(damage)

    assert not Stamp(tmp_path, project, "3.11.7").covers(TORCH)
