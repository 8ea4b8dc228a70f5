import os
import shutil
from pathlib import Path

import pytest

from installer.environment import (
    Environment,
    clean_variables,
    free_bytes,
    make_environment,
    open_environment,
)
from installer.errors import VenvError


@pytest.mark.slow
def test_a_made_environment_is_found_again(environment: Environment) -> None:
    assert open_environment(environment.prefix) == environment
    assert environment.python.is_file()


def test_nothing_is_no_environment(tmp_path: Path) -> None:
    assert open_environment(tmp_path / "none") is None


@pytest.mark.skipif(os.name == "nt", reason="a script takes the place of the environment's Python")
@pytest.mark.parametrize(
    ("said", "version"), [("studio set-up\\n3.11.9\\n", "3.11.9"), ("studio set-up\\n", None)]
)
def test_what_a_studio_prints_at_every_start_does_not_matter(
    tmp_path: Path, said: str, version: str | None
) -> None:
    (tmp_path / "pyvenv.cfg").touch()
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    python.chmod(0o755)

    found = open_environment(tmp_path)

    assert found == (None if version is None else Environment(tmp_path, version))


def test_a_folder_with_somebodys_files_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "shots" / "sh010.nk"
    precious.parent.mkdir()
    precious.write_text("Root {}\n")

    with pytest.raises(VenvError, match="left alone"):
        make_environment(precious.parent, tmp_path)

    assert precious.read_text() == "Root {}\n"


def test_somebodys_broken_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "pyvenv.cfg").write_text("home = /gone\n")

    with pytest.raises(VenvError, match="--prefix"):
        make_environment(tmp_path / "theirs", tmp_path)

    assert (tmp_path / "theirs" / "pyvenv.cfg").exists()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(VenvError, match="--prefix"):
        make_environment(tmp_path / "file", tmp_path)


@pytest.mark.slow
def test_a_python_of_an_unsupported_version_is_no_environment(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("installer.interpreter.SUPPORTED", ((3, 99),))

    assert open_environment(environment.prefix) is None


def test_a_hosts_python_variables_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/opt/host")
    monkeypatch.setenv("PYTHONPATH", "/opt/host/lib")
    monkeypatch.setenv("VOID_MODELS", "/models")

    variables = clean_variables()

    assert "PYTHONHOME" not in variables
    assert "PYTHONPATH" not in variables
    assert variables["VOID_MODELS"] == "/models"


def test_room_is_measured_where_the_folder_will_be(tmp_path: Path) -> None:
    expected = shutil.disk_usage(tmp_path).total
    assert 0 < free_bytes(tmp_path / "a" / "b") <= expected
    assert not os.path.lexists(tmp_path / "a")
