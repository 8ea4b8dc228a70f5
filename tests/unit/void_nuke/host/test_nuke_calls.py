"""Every name of Nuke's that the adapter uses, beside the stubs of Nuke: a call that does not exist fails.

mypy says more where it knows an object's type; the stubs leave many objects untyped: a typo would pass there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

import pytest

import void_nuke
from tests.fakes.fake_nuke.node_classes import KNOBS as CLASSES

IMPORT_NUKE = {f"host/nuke_{name}.py" for name in ("host", "render", "results", "roto", "script")}
ADAPTERS = (
    *(path.partition("/")[2] for path in sorted(IMPORT_NUKE)),
    "comparison.py",
    "curve_forms.py",
    "read_knobs.py",
    "roto_export.py",
)
OWN_NAMES = frozenset(
    {
        "Thread",
        "add",
        "annotations",
        "append",
        "as_posix",
        "at",
        "begin",
        "beside",
        "call",
        "channel",
        "clear",
        "close",
        "colour_space",
        "compare",
        "compile",
        "current_thread",
        "curve",
        "edition",
        "elements",
        "endswith",
        "env",
        "escape",
        "exception",
        "extend",
        "findall",
        "first",
        "form",
        "format_of",
        "frame",
        "frames",
        "fromkeys",
        "fullmatch",
        "get",
        "getLogger",
        "group",
        "has_tension",
        "height",
        "held",
        "index",
        "info",
        "is_absolute",
        "is_bspline",
        "is_file",
        "is_open",
        "is_proxy",
        "items",
        "job_id",
        "join",
        "kind",
        "label",
        "last",
        "layer",
        "layers",
        "left_x",
        "left_y",
        "lower",
        "main_thread",
        "matte_channel",
        "name",
        "node",
        "not_carried",
        "open_flag",
        "parents",
        "partition",
        "parts",
        "path",
        "pattern",
        "pixel_aspect",
        "post",
        "proxy_scale",
        "replaces_job",
        "right_x",
        "right_y",
        "rpartition",
        "rsplit",
        "run_posted",
        "scale",
        "search",
        "setdefault",
        "shape",
        "singleShot",
        "source",
        "split",
        "start",
        "startswith",
        "strip",
        "stroke",
        "suffix",
        "union",
        "update",
        "value_of",
        "values",
        "view",
        "views_of",
        "warning",
        "width",
        "write",
        "x",
        "y",
    }
)
"""Methods and fields of Python's and of ours that the adapter uses; never Nuke's."""

MAY_BE_LEFT_OUT = {"addPositionKey": {"view"}}
"""Arguments that the stubs, which know no defaults of some compiled methods, take for required. Published
scripts of several studios call these methods without them."""


def _stub_trees() -> Iterator[ast.Module]:
    listed = [file for file in files("types-nuke") or [] if file.suffix == ".pyi"]
    assert listed, "the type stubs of Nuke are not installed: pip install types-nuke"
    for file in listed:
        yield ast.parse(file.locate().read_text())  # type: ignore[attr-defined]


class Stubs:
    """Names in the stubs: of the module, and of every class with how each can be called."""

    def __init__(self) -> None:
        self.module: dict[str, list[ast.FunctionDef]] = {}
        self.members: dict[str, list[ast.FunctionDef]] = {}
        for tree in _stub_trees():
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    self.module.setdefault(node.name, []).append(node)
                elif isinstance(node, ast.ClassDef):
                    self.module.setdefault(node.name, [])
                    self._class(node)
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    self.module.setdefault(node.target.id, [])

    def _class(self, node: ast.ClassDef) -> None:
        for member in node.body:
            if isinstance(member, ast.FunctionDef):
                self.members.setdefault(member.name, []).append(member)
            elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                self.members.setdefault(member.target.id, [])


@pytest.fixture(scope="module")
def stubs() -> Stubs:
    return Stubs()


def _accepts(function: ast.FunctionDef, call: ast.Call, *, is_method: bool) -> bool:
    arguments = function.args
    names = [argument.arg for argument in arguments.args]
    if is_method and names and names[0] in ("self", "cls"):
        names = names[1:]
    if arguments.vararg is not None:
        return True
    has_star = any(isinstance(argument, ast.Starred) for argument in call.args)
    if len(call.args) - has_star > len(names):
        return False
    known = set(names) | {argument.arg for argument in arguments.kwonlyargs}
    keywords = {keyword.arg for keyword in call.keywords}
    required = len(set(names) - MAY_BE_LEFT_OUT.get(function.name, set())) - len(arguments.defaults)
    enough = has_star or len(call.args) + len(keywords & set(names)) >= required
    return (arguments.kwarg is not None or keywords <= known) and enough


def problems(source: str, stubs: Stubs) -> list[str]:
    """What of ``source`` the stubs do not know, a line each."""
    tree = ast.parse(source)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    found: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        call = calls.get(id(node))
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        is_node_class = isinstance(node.value, ast.Attribute) and node.value.attr == "nodes"
        if is_node_class or owner == "nodes":
            # Node classes are no names of the stubs; the fake knows those that are used.
            if node.attr not in CLASSES:
                found.append(f"line {node.lineno}: there is no node class {node.attr}")
            continue
        if owner in ("nuke", "rp"):
            if node.attr not in stubs.module and node.attr != "rotopaint":
                found.append(f"line {node.lineno}: {owner}.{node.attr} does not exist")
            functions, is_method = stubs.module.get(node.attr, []), False
        elif owner == "self" or node.attr.startswith("_") or node.attr in own:
            continue
        elif node.attr in stubs.members:
            functions, is_method = stubs.members[node.attr], True
        elif node.attr in OWN_NAMES or node.attr in stubs.module or owner == "types":
            continue
        else:
            found.append(f"line {node.lineno}: nothing of Nuke's has .{node.attr}")
            continue
        if call is not None and functions:
            if node.attr in OWN_NAMES and is_method:
                continue
            if not any(_accepts(function, call, is_method=is_method) for function in functions):
                found.append(f"line {node.lineno}: {ast.unparse(call)} does not fit {node.attr} of the stubs")
    return found


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_call_exists(name: str, stubs: Stubs) -> None:
    source = (Path(void_nuke.__file__).parent / "host" / name).read_text()
    assert problems(source, stubs) == []


@pytest.mark.parametrize(
    "line",
    [
        "nuke.crateNode('Read')",
        "nuke.execute(write, 1, 2, 1, view=['main'])",
        "nuke.addFormat('1 2 a', 3)",
        "node.setXYposition(1, 2)",
        "node.setXYpos(1)",
        "nodes.KeyMix()",
        "nuke.nodes.Raed()",
        "rp.FlagTypes",
        "point.center.getPositions(1)",
        "point.center.addPositionKey(1)",
        "point.center.addPositionKey(1, (2, 3), 'main', 'left')",
        "root.setModified(True, False)",
    ],
)
def test_a_call_that_does_not_exist_fails(line: str, stubs: Stubs) -> None:
    assert problems(line, stubs)


def test_only_the_adapter_imports_nuke() -> None:
    """Everything else in the package runs without Nuke."""
    folder = Path(void_nuke.__file__).parent
    importing = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        for name in _imported(ast.parse(path.read_text()))
        if name.split(".")[0] in ("nuke", "nukescripts")
    }
    assert importing == IMPORT_NUKE


def _imported(tree: ast.Module) -> Iterator[str]:
    """Modules that are imported at run time, at the top of a module or in a function."""
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
