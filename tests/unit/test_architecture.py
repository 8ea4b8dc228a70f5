"""The house rules that no linter knows. Who may import whom among our packages is import-linter's."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("plugin", "server", "void_engine", "installer")
HOST_PYTHON = (3, 10)
"""The oldest Python that a supported host embeds."""
MOST_LINES = 450
FORBIDDEN_IN_THE_HOST = ("torch", "numpy", "OpenImageIO", "cv2")
MAY_IMPORT_NUKE = {
    "plugin/init.py",
    "plugin/menu.py",
    *(f"plugin/void_nuke/host/nuke_{name}.py" for name in ("host", "render", "results", "roto", "script")),
}
WIDGETS_ONLY_IN = "plugin/void_nuke/ui/"
MAY_SPEAK_SQL = {
    f"server/void_server/broker/jobs/{name}.py"
    for name in ("store", "store_database", "store_queue", "store_schema")
}
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|PRAGMA|BEGIN|COMMIT)\s")

STATED_IN = {
    "12.92": {"void_engine/colour/srgb.py", "plugin/void_nuke/export/plate_picture.py"},
    "NDArray[np.float32]": {"void_engine/arrays.py"},
    "NDArray[np.bool_]": {"void_engine/arrays.py"},
    "cv2.resize(": {"void_engine/opencv.py"},
    "cv2.dilate(": {"void_engine/opencv.py"},
    "cv2.distanceTransform(": {"void_engine/opencv.py"},
}
"""Where a fact stands. The host may not load numpy, so its table of the sRGB curve is its own."""


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(source: bytes) -> list[ast.AST]:
    """Everything that a module says. Parsed once, since several rules look at every module."""
    return list(ast.walk(ast.parse(source)))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, with each name taken from it: ``PySide6.QtWidgets``."""
    for node in nodes(path.read_bytes()):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def host_modules() -> list[str]:
    """All modules of the host side that can be imported without a host and without Qt."""
    return [
        name_of(path.with_suffix("")).removeprefix("plugin/").replace("/", ".").removesuffix(".__init__")
        for path in modules("plugin/void_protocol", "plugin/void_nuke")
        if name_of(path) not in MAY_IMPORT_NUKE and not name_of(path).startswith(WIDGETS_ONLY_IN)
    ]


def test_the_host_side_loads_without_heavy_packages() -> None:
    code = f"""
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN_IN_THE_HOST!r}:
            raise AssertionError(f"{{name}} is imported on the host's side")

sys.meta_path.insert(0, Refuse())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""
    assert {"void_protocol", "void_nuke", "void_protocol.job"} <= set(host_modules())

    loaded = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *host_modules()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert loaded.returncode == 0, loaded.stderr


def imported_at_once(path: Path) -> Iterator[str]:
    """The modules that a module imports when it is imported, outside functions and checks of types."""
    within = list(ast.parse(path.read_bytes()).body)
    while within:
        node = within.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, (ast.Try, ast.With, ast.ClassDef)):
            within += [*node.body, *(getattr(node, "orelse", []))]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            within += [*node.body, *node.orelse]


def test_every_command_starts_with_the_packages_of_the_extra_server_alone() -> None:
    optional = {
        "av", "deadline", "diffusers", "jsonschema", "opentimelineio", "PIL", "plotly", "skimage",
        "safetensors", "torch", "transformers",
    }  # fmt: skip
    own = {
        ".".join(path.relative_to(ROOT / root).with_suffix("").parts).removesuffix(".__init__"): path
        for root, folder in (("plugin", "plugin"), ("server", "server"), ("", "void_engine"))
        for path in modules(folder)
    }
    reached = {name: [name] for name in own if name.startswith("void_server.cli.")}
    found = list(reached)
    assert "void_server.cli.review" in found
    while found:
        name = found.pop()
        for wanted in imported_at_once(own[name]):
            assert wanted.partition(".")[0] not in optional, " -> ".join([*reached[name], wanted])
            if wanted in own and wanted not in reached:
                reached[wanted] = [*reached[name], wanted]
                found.append(wanted)
    assert "void_engine.removal" in reached


def test_what_a_host_loads_is_python_of_the_host() -> None:
    for path in modules("plugin"):
        # A SyntaxError names the file and the line.
        ast.parse(path.read_text(encoding="utf-8"), filename=name_of(path), feature_version=HOST_PYTHON)


def test_only_the_host_adapter_and_the_entry_points_import_nuke() -> None:
    importers = {
        name_of(path)
        for path in modules(*PACKAGES)
        if any(name.partition(".")[0] in ("nuke", "nukescripts") for name in imported(path))
    }
    assert importers <= MAY_IMPORT_NUKE


def test_widgets_are_drawn_only_in_the_ui() -> None:
    importers = {
        name_of(path) for path in modules(*PACKAGES) if any("QtWidgets" in name for name in imported(path))
    }
    assert {name for name in importers if not name.startswith(WIDGETS_ONLY_IN)} == set()


def speaks_sql(path: Path) -> bool:
    """Whether a module imports SQLite, uses the store's connection, or has a string that begins as a
    statement does."""
    return any(name.partition(".")[0] == "sqlite3" for name in imported(path)) or any(
        (isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value))
        or (
            isinstance(node, ast.Attribute)
            and node.attr in ("read", "write")
            and isinstance(node.value, ast.Attribute)
            and node.value.attr.lstrip("_") == "database"
        )
        for node in nodes(path.read_bytes())
    )


def test_only_the_job_store_speaks_sql(tmp_path: Path) -> None:
    assert {name_of(path) for path in modules(*PACKAGES) if speaks_sql(path)} == MAY_SPEAK_SQL
    module = tmp_path / "module.py"
    for source in ("import sqlite3", "a.run('SELECT 1')", "f(f' DELETE FROM {x}')", "s.database.read(q)"):
        module.write_text(source)
        assert speaks_sql(module), source
    module.write_text("'Select a shape'; file.read(); nuke.execute(node, 1, 1)")
    assert not speaks_sql(module)


def test_the_scan_sees_every_way_to_import(tmp_path: Path) -> None:
    source = (
        "import nuke.math as m\ndef f():\n    from PySide6 import QtCore, QtWidgets\nfrom . import nuke\n"
    )
    (tmp_path / "module.py").write_text(source)

    assert set(imported(tmp_path / "module.py")) == {
        "nuke.math",
        "PySide6",
        "PySide6.QtCore",
        "PySide6.QtWidgets",
    }


def test_modules_are_small_enough_to_hold_in_the_head() -> None:
    lines = {name_of(path): len(path.read_bytes().splitlines()) for path in modules(*PACKAGES)}
    assert len(lines) > 20
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize(("words", "owners"), STATED_IN.items(), ids=STATED_IN)
def test_a_fact_is_stated_by_its_owner_only(words: str, owners: set[str]) -> None:
    stated = {name_of(path) for path in modules(*PACKAGES) if words in path.read_text(encoding="utf-8")}
    assert stated == owners


def test_one_module_says_where_the_reference_data_lies() -> None:
    """A test with a path of its own that is moved looks in the wrong folder, and is skipped from then on."""
    folder = b'"SHARED"'.lower()  # In capitals, so that this file does not contain it itself.
    says = {name_of(path) for path in modules("tests") if folder in path.read_bytes()}
    assert says == {"tests/reference_data.py"}


def test_no_file_names_the_machine_it_was_written_on() -> None:
    # Put together here, so that this file does not contain them itself.
    places = [b"/" + place + b"/" for place in (b"work", b"root", b"opt/pypi", b"opt/wheels")]
    places += [b"/home/" + user + b"/" for user in (b"runner", b"ubuntu", b"user")]
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if tracked.returncode != 0:
        pytest.skip("not a git checkout: there is no list of the project's files")
    files = [ROOT / name.decode() for name in tracked.stdout.split(b"\0") if name]
    found = {
        f"{name_of(path)}: {place.decode()}"
        for path in files
        if path.is_file()
        for place in places
        if place in path.read_bytes()
    }
    assert found == set()


@pytest.mark.parametrize("package", ["propagation", "diffusion"])
def test_the_map_of_an_engine_names_every_module(package: str) -> None:
    folder = ROOT / "void_engine" / package
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    sections = {
        "propagation": "Propagation, module by module",
        "diffusion": "The VOID model, module by module",
    }
    section = page.split(f"## {sections[package]}\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z_/]+\.py)`", section))
    there = {path.relative_to(folder).as_posix() for path in modules(f"void_engine/{package}")}
    assert named == {name for name in there if not name.endswith("__init__.py")}
