import os
import stat
import sys
from pathlib import Path

import pytest

from installer import system_libraries
from installer.errors import SystemLibraryError
from installer.system_libraries import SystemLibrary, command_for, find_missing, provide

HERE = SystemLibrary("libc.so.6", "libc6")
NOWHERE = SystemLibrary("libvoid-nowhere.so.9", "libvoid-nowhere9")

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lacks libraries")


@pytest.fixture(autouse=True)
def needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(system_libraries.NEEDED_BY, "window-kit", (HERE, NOWHERE))


def write_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def test_finds_what_the_loader_does_not() -> None:
    assert find_missing(["numpy", "window-kit"]) == [NOWHERE]


def test_packages_without_needs_have_none() -> None:
    assert find_missing(["numpy", "void-nuke"]) == []


def test_qt_is_looked_after() -> None:
    packages = {library.debian_package for library in system_libraries.NEEDED_BY["pyside6-essentials"]}
    assert {"libegl1", "libgl1", "libxkbcommon0", "libdbus-1-3", "libfontconfig1"} <= packages


def test_nothing_missing_nothing_done(only: Path) -> None:
    provide([])


def test_root_on_debian_installs_them(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(only, "apt-get", f'echo "$@" >> {only}/calls\n')
    monkeypatch.setattr(system_libraries, "_loads", lambda soname: (only / "calls").exists())

    provide([NOWHERE])

    assert (only / "calls").read_text().splitlines() == [
        "update",
        "install --yes --no-install-recommends libvoid-nowhere9",
    ]


def test_a_failing_apt_get_is_quoted(only: Path) -> None:
    write_program(only, "apt-get", "echo 'E: Unable to locate package' >&2; exit 100\n")

    with pytest.raises(SystemLibraryError, match="Unable to locate package") as caught:
        provide([NOWHERE])

    assert "sudo apt-get install libvoid-nowhere9" in caught.value.remedy


def test_an_installation_that_did_not_help_is_told(only: Path) -> None:
    write_program(only, "apt-get", "exit 0\n")

    with pytest.raises(SystemLibraryError, match="still not found"):
        provide([NOWHERE])


def test_others_than_root_get_the_command(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(only, "apt-get", f"touch {only}/calls\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SystemLibraryError, match=r"so\.9: missing on this machine") as caught:
        provide([NOWHERE])

    assert caught.value.remedy == "sudo apt-get install libvoid-nowhere9"
    assert not (only / "calls").exists()


@pytest.mark.parametrize(
    ("manager", "remedy"),
    [
        ("dnf", "sudo dnf install 'libvoid-nowhere.so.9()(64bit)'"),
        ("none", "install libvoid-nowhere.so.9 with your distribution's package manager"),
    ],
)
def test_other_distributions(only: Path, manager: str, remedy: str) -> None:
    write_program(only, manager, "exit 0\n")

    assert command_for([NOWHERE]) == remedy
