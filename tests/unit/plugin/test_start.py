"""init.py and menu.py in a Nuke that is only a name: it starts, whatever is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[3] / "plugin"
NUKE = """
import logging, sys, types
calls = []
class Menu:
    def addMenu(self, name, icon=None):
        calls.append(("menu", name)); return self
    def addCommand(self, name, command, icon=None):
        calls.append(("command", name))
nuke = types.ModuleType("nuke")
nuke.pluginAddPath = lambda path: calls.append(("path", path))
nuke.pluginPath = lambda: [FOLDER]
nuke.menu = lambda name: Menu()
nuke.addOnScriptLoad = lambda call: calls.append(("onload", call.__name__))
nukescripts = types.ModuleType("nukescripts")
nukescripts.registerWidgetAsPanel = lambda *given: calls.append(("panel", given[0]))
sys.modules.update(nuke=nuke, nukescripts=nukescripts)
"""
NO_QT = """
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "PySide2"):
            raise ImportError(f"No module named {name}")
sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The plug-in as it is installed, without its packages."""
    folder = tmp_path / "void for nuke"
    shutil.copytree(PLUGIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "gizmos").mkdir()
    return folder


def start(folder: Path, *scripts: str, before: str = "", has_file: bool = True) -> tuple[str, str]:
    """Runs the scripts as Nuke does; what they did and what they said."""
    lines = [NUKE.replace("FOLDER", repr(str(folder))), before]
    for script in scripts:
        path = str(folder / script)
        given = f"{{'__file__': {path!r}}}" if has_file else "{'__name__': 'init'}"
        lines.append(f"exec(compile(open({path!r}).read(), {path!r}, 'exec'), {given})")
    lines.append("print(calls)")
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder.parent,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, ran.stderr


@pytest.mark.parametrize("has_file", [True, False])
def test_a_terminal_needs_no_qt(folder: Path, has_file: bool) -> None:
    did, said = start(folder, "init.py", before=NO_QT, has_file=has_file)

    assert said == ""
    assert str(folder / "gizmos") in did


def test_the_vendored_packages_are_found(folder: Path) -> None:
    sys.path.insert(0, str(PLUGIN.parent))
    from installer.nuke_wheels import NukePython, this_platform

    tag = NukePython("{}.{}".format(*sys.version_info[:2]), this_platform()).tag
    (folder / "vendor" / tag).mkdir(parents=True)

    did, said = start(folder, "init.py", before="import atexit; atexit.register(lambda: print(sys.path))")

    assert said == ""
    assert tag in did


def test_missing_packages_are_one_line_with_what_to_do(folder: Path) -> None:
    refuse = NO_QT.replace('("PySide6", "PySide2")', '("zmq", "msgspec")')

    _, said = start(folder, "init.py", before=refuse)

    assert len(said.strip().splitlines()) == 1
    assert "VOID for Nuke is off" in said
    assert "python3 installer nuke --python" in said


def test_the_menu_without_qt_is_one_line_with_what_to_do(folder: Path) -> None:
    did, said = start(folder, "init.py", "menu.py", before=NO_QT)

    assert len(said.strip().splitlines()) == 1
    assert "The VOID panel is off" in said
    assert "command" not in did


def test_the_menu(folder: Path) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the panel needs Qt", exc_type=ImportError)

    did, said = start(folder, "init.py", "menu.py")

    assert said == ""
    for command in ("Panel", "Remove", "Quadmask"):
        assert f"('command', '{command}')" in did
    assert "__import__('void_nuke.ui.panel', fromlist=['Panel']).Panel" in did
    assert "('onload', 'follow_opened_script')" in did
