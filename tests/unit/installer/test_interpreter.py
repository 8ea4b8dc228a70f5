import ast
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import installer
from installer import interpreter

FOLDER = Path(installer.__file__).parent
OLDEST_TO_BE_TOLD = (3, 7)
"""The oldest syntax that every supported Python's parser still knows how to check."""


@pytest.mark.parametrize("module", ["__init__.py", "__main__.py", "interpreter.py"])
def test_an_old_python_can_read_what_tells_it_that_it_is_old(module: str) -> None:
    source = (FOLDER / module).read_text(encoding="utf-8")

    ast.parse(source, feature_version=OLDEST_TO_BE_TOLD)
    imports_annotations = "from __future__ import annotations" in source
    assert not imports_annotations or module == "__init__.py"


@pytest.mark.parametrize("version", [(3, 6), (3, 9), (3, 10), (3, 14), (4, 0), (2, 7)])
def test_not_supported(version: tuple[int, int]) -> None:
    assert not interpreter.is_supported(version)


def test_this_python_is_supported() -> None:
    assert interpreter.is_supported(sys.version_info[:2])


def write_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


needs_sh = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for Python are shell scripts")


@needs_sh
def test_believes_no_name_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path, "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127\n")
    write_program(tmp_path, "python3.12", "echo 3.8; echo /usr/bin/python3.8\n")
    write_program(tmp_path, "python3.13", "echo 3.13; echo /opt/python3.13\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert interpreter.find_supported() == Path("/opt/python3.13")


@needs_sh
def test_without_any_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert interpreter.hand_over(FOLDER, ["demo"]) == 2

    said = capsys.readouterr().out
    assert "needs Python 3.11, 3.12 or 3.13" in said
    assert "Try: " in said


@needs_sh
def test_hands_over_with_all_arguments_and_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write_program(tmp_path, "other", 'echo "ran: $2 $3 $4"; exit 7\n')
    write_program(tmp_path, "python3.11", f"echo 3.11; echo {tmp_path / 'other'}\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert interpreter.hand_over(FOLDER, ["test", "-k", "roto"]) == 7
    assert "ran: test -k roto" in capfd.readouterr().out


def test_the_base_is_no_virtual_environment() -> None:
    code = "import sys; print(sys.prefix == sys.base_prefix)"
    answer = subprocess.check_output([interpreter.base_executable(), "-I", "-c", code], text=True)
    assert answer.strip() == "True"


def find_unsupported() -> tuple[int, str] | None:
    """The minor version and path of a Python on the PATH that really runs and is not supported."""
    for minor in (6, 7, 8, 9, 10, 14):
        command = [f"python3.{minor}", "-c", "import sys; print(sys.executable)"]
        with suppress(OSError, subprocess.CalledProcessError):
            return minor, subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    return None


def test_a_real_unsupported_python_gets_a_sentence(tmp_path: Path) -> None:
    found = find_unsupported()
    if found is None:
        pytest.skip("no unsupported Python on the PATH")
    minor, program = found
    ran = subprocess.run(
        [program, str(FOLDER), "doctor"],
        env={"PATH": str(tmp_path), "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert ran.stdout.startswith(f"This is Python 3.{minor}; VOID for Nuke needs Python")
    assert ran.stderr == ""
