"""Every name of Qt's that the panel uses, in both bindings: PySide6 (Nuke 16, 17) and PySide2 (Nuke 15).

The stubs of both say what there is. Where there is a Python with PySide2, the panel is also run with it.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest

import void_nuke

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = Path(void_nuke.__file__).parent
BINDINGS = {"PySide6": "PySide6-Essentials", "PySide2": "types-PySide2"}
MODULES = ("QtCore", "QtGui", "QtWidgets")
SOURCES = sorted({*(PACKAGE / "ui").glob("*.py"), *(PACKAGE / "panel").glob("*.py"), PACKAGE / "qt.py"})


_DECLARATION = re.compile(
    r"^(?P<indent> *)"
    r"(?:(?P<kind>class|def) (?P<name>\w+)(?:\((?P<bases>[\w., ]*)\))?|(?P<value>\w+) *[:=](?!=))",
    re.MULTILINE,
)
"""A class with its bases, a method, or a value with its type, in a stub."""


class Binding:
    """What the stubs of a binding declare: the members of every class, nested ones too."""

    def __init__(self, distribution: str) -> None:
        try:
            listed = {file.name: file for file in files(distribution) or []}
        except PackageNotFoundError:
            pytest.skip(f"{distribution} is not installed: there is nothing to compare with")
        self.classes: dict[str, set[str]] = {}
        self.bases: dict[str, list[str]] = {}
        for module in MODULES:
            stub: Any = listed[f"{module}.pyi"].locate()
            self._collect(stub.read_text(encoding="utf-8"), module)
        self.names = set().union(*self.classes.values())

    def _collect(self, text: str, module: str) -> None:
        """By lines and indentation: a whole parser takes seconds for megabytes of overloads."""
        self.classes[module] = set()
        open_classes = [(-1, module)]
        for found in _DECLARATION.finditer(text):
            indent = len(found["indent"])
            while open_classes[-1][0] >= indent:
                open_classes.pop()
            owner = open_classes[-1][1]
            if found["name"] is None:
                self.classes[owner].add(found["value"])
                continue
            self.classes[owner].add(found["name"])
            if found["kind"] == "class":
                path = f"{owner}.{found['name']}"
                self.classes.setdefault(path, set())
                self.bases[path] = [
                    base.strip() for base in (found["bases"] or "").split(",") if base.strip()
                ]
                open_classes.append((indent, path))

    def has(self, dotted: str) -> bool:
        """Whether a chain such as ``QtCore.Qt.AlignmentFlag.AlignLeft`` leads somewhere."""
        owner, *rest = dotted.split(".")
        for name in rest:
            if not self._member(owner, name):
                return False
            owner = f"{owner}.{name}"
            if owner not in self.classes:
                return True  # a method or a value: what it gives is not followed
        return True

    def _member(self, owner: str, name: str) -> bool:
        if name in self.classes.get(owner, set()):
            return True
        module = owner.partition(".")[0]
        return any(
            self._member(full, name)
            for base in self.bases.get(owner, [])
            for full in (base.removeprefix("PySide2.").removeprefix("PySide6."), f"{module}.{base}")
            if full in self.classes
        )


@lru_cache(maxsize=2)
def binding_of(name: str) -> Binding:
    return Binding(BINDINGS[name])


@pytest.fixture(scope="module", params=sorted(BINDINGS))
def binding(request: pytest.FixtureRequest) -> Binding:
    return binding_of(request.param)


def chains(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The longest dotted names that begin with a module of Qt's, with their lines."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            text = ast.unparse(node)
            if text.split(".")[0] in MODULES and "(" not in text:
                yield node.lineno, text


def used_members(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Attributes of objects: a method's name says which of Qt's is meant, whoever's it is. What is taken from
    an imported module is no object's."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in imported:
            yield node.lineno, node.attr


@lru_cache(maxsize=1)
def own_names() -> frozenset[str]:
    """Functions and fields of ours, whose names some class of Qt's may have as well."""
    found: set[str] = set()
    for path in PACKAGE.parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def problems(source: str, binding: Binding, qt_names: set[str]) -> list[str]:
    tree = ast.parse(source)
    found = [f"line {line}: there is no {name}" for line, name in chains(tree) if not binding.has(name)]
    found += [
        f"line {line}: no class has {name}"
        for line, name in used_members(tree)
        if name in qt_names and name not in binding.names and name not in own_names()
    ]
    return found


def test_both_bindings_have_every_name(binding: Binding) -> None:
    everything = binding_of("PySide2").names | binding_of("PySide6").names
    found = {
        path.relative_to(PACKAGE).as_posix(): problems(path.read_text(encoding="utf-8"), binding, everything)
        for path in SOURCES
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "view.initViewItemOption(option)",  # of Qt 6 alone
        "QtGui.QAction(self)",  # in QtWidgets there
        "QtCore.QRegExp('x')",  # of Qt 5 alone
        "QtCore.Qt.AlignmentFlag.AlignLeftish",
        "QtWidgets.QApplication.desktop()",
    ],
)
def test_a_name_of_one_binding_alone_is_noticed(line: str) -> None:
    both = [binding_of(one) for one in BINDINGS]
    everything = both[0].names | both[1].names
    assert any(problems(line, one, everything) for one in both)


def test_what_is_done_later_has_no_owner() -> None:
    """PySide2, and PySide6 as Nuke 16 has it, take a time and a function, and no object between them."""
    calls = [
        (path.name, node.lineno, len(node.args))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("singleShot")
    ]
    assert calls
    assert [call for call in calls if call[2] != 2] == []


def test_qt_comes_only_through_our_two_modules() -> None:
    """Where the binding is chosen."""
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and any(word in ast.unparse(node) for word in BINDINGS)
    }
    assert importing == {"qt.py", "ui/qt.py"}


def pyside2_python() -> str:
    """A Python with PySide2, pyzmq and msgspec: VOID_PYSIDE2_PYTHON, or python3.10 if it has them."""
    for found in (os.environ.get("VOID_PYSIDE2_PYTHON"), shutil.which("python3.10")):
        probe = [found or "", "-c", "import PySide2.QtWidgets, PySide2.QtTest, zmq, msgspec"]
        try:
            if found and subprocess.run(probe, capture_output=True, timeout=60, check=False).returncode == 0:
                return found
        except (OSError, subprocess.TimeoutExpired):
            continue
    return ""


@pytest.mark.parametrize("name", sorted(BINDINGS))
def test_the_panel_is_worked_with_each_binding(name: str, tmp_path: Path) -> None:
    """Marked, sent, drawn in every phase, closed; a warning of Qt's is a failure."""
    if name == "PySide6":
        pytest.importorskip("PySide6.QtWidgets", reason="PySide6 is missing", exc_type=ImportError)
        python = sys.executable
    else:
        python = pyside2_python() or pytest.skip("there is no Python with PySide2, pyzmq and msgspec")
    script = ROOT / "tests" / "contract" / "panel_on_this_qt.py"
    done = subprocess.run(
        [python, str(script), name, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the panel works with {name}" in done.stdout
