"""The gizmos as text: valid TCL, the knobs that code touches, buttons whose functions exist."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from void_engine.diffusion.info import INFO as VOID
from void_engine.propagation.info import INFO as PROPAGATION
from void_nuke import gizmo_buttons
from void_nuke.panel.settings import QUALITIES
from void_protocol.engines import AUTO

tkinter = pytest.importorskip("tkinter", reason="this Python has no TCL to parse scripts with")

ROOT = Path(__file__).resolve().parents[3]
GIZMOS = {path.stem: path for path in sorted((ROOT / "gizmos").glob("*.gizmo"))}
BUTTON = "22"
OUR_ENGINES = {AUTO, *(info.name for info in (PROPAGATION, VOID) if info.is_for_artists)}
"""A gizmo's choice is fixed; the panel offers what the server has."""


class Script:
    """A script, read by TCL as Nuke would: each command with its block of knobs, in order."""

    def __init__(self, text: str) -> None:
        self.nodes: list[tuple[str, dict[str, str], list[list[str]]]] = []
        self.depth = 0
        self.own: list[tuple[str, dict[str, str]]] = []
        """The nodes that stand directly in the gizmo, without those of its inner Groups."""
        self.stack = 0
        self._outer: list[int] = []
        self._tcl = tkinter.Tcl()
        self._tcl.eval("rename unknown {}")
        for name in ("push", "end_group", "unknown"):
            self._tcl.createcommand(name, getattr(self, f"_{name}"))
        # ``set Nx [stack 0]`` names the node on top; what it is called does not matter here.
        self._tcl.createcommand("stack", lambda number: "node")
        self.problems: list[str] = []
        """TCL tells of a failed command, but not what it said."""
        self._tcl.eval(text)
        assert self.problems == []

    def _push(self, name: str) -> None:
        if name not in ("0", "node"):
            self.problems.append(f"push {name}: no such node")
        self.stack += 1

    def _end_group(self) -> None:
        self.depth -= 1
        if self._outer:
            self.stack = self._outer.pop()

    def _unknown(self, name: str, block: str) -> None:
        knobs: dict[str, str] = {}
        user: list[list[str]] = []
        words = list(self._tcl.splitlist(block))
        index = 0
        while index < len(words):
            knob = words[index]
            value = words[index + 1]
            index += 2
            if knob == "addUserKnob":
                user.append(list(self._tcl.splitlist(value)))
            else:
                knobs[knob] = value
        self.nodes.append((name, knobs, user))
        if name == "Gizmo":
            self.depth += 1
            return
        inputs = int(knobs.get("inputs", "1"))
        if self.stack < inputs:
            self.problems.append(f"{name} {knobs.get('name')} takes {inputs}, {self.stack} are on the stack")
        self.stack += 1 - inputs
        if self.depth == 1:
            self.own.append((name, knobs))
        if name == "Group":  # its inner nodes have a stack of their own
            self.depth += 1
            self._outer.append(self.stack)
            self.stack = 0


@pytest.fixture(params=sorted(GIZMOS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(name: str) -> Script:
    return Script(GIZMOS[name].read_text(encoding="utf-8"))


def user_knobs(name: str) -> dict[str, list[str]]:
    return {knob[1]: knob for knob in read(name).nodes[0][2]}


def test_both_are_here() -> None:
    assert set(GIZMOS) == {"VoidRemove", "VoidQuadmask"}


def test_the_text_is_tcl_and_the_stack_works_out(name: str) -> None:
    script = read(name)

    assert script.depth == 0, "the group is closed"
    assert [node[0] for node in script.nodes].count("Gizmo") == 1
    assert script.nodes[-1][0] == "Output"
    names = [knobs["name"] for _, knobs in script.own]
    assert len(names) == len(set(names))


def test_a_broken_script_is_noticed() -> None:
    with pytest.raises(tkinter.TclError, match="missing close-brace"):
        Script("Gizmo {\n inputs 1\n")
    with pytest.raises(AssertionError, match="on the stack"):
        Script("Merge2 {\n inputs 2\n name Merge1\n}\n")


def test_nkparser_reads_it_too(name: str) -> None:
    nkparser = pytest.importorskip("nkparser", reason="nkparser is not installed")

    # nkparser 0.3.0 takes a group's end for a node wherever knobs stand before its nodes, as they do in
    # Nuke's own files; without groups it reads the same nodes one after the other.
    text = GIZMOS[name].read_text(encoding="utf-8")
    text = text.replace(" end_group\n", "").replace("end_group\n", "").replace(" Group {", " NoOp {")

    script = nkparser.Script.from_string(text)

    assert [str(problem) for problem in script.errors()] == []
    nodes = list(script.all_nodes())
    assert [node.class_name for node in nodes] == [
        "NoOp" if kind == "Group" else kind for kind, _, _ in read(name).nodes
    ]
    assert [node.name for node in nodes[1:]] == [knobs["name"] for _, knobs, _ in read(name).nodes[1:]]


def test_the_inputs_are_those_that_the_buttons_read() -> None:
    inputs = {
        int(knobs.get("number", "0")): knobs["name"]
        for kind, knobs in read("VoidRemove").own
        if kind == "Input"
    }

    assert [inputs[number] for number in sorted(inputs)] == list(gizmo_buttons.INPUTS)


def test_every_knob_that_code_touches_exists() -> None:
    source = Path(gizmo_buttons.__file__).read_text(encoding="utf-8")
    touched = set(re.findall(r'node\["(\w+)"\]', source))
    assert {"plate", "status", "job_id", "result_file"} - {"plate"} <= touched

    assert touched - set(user_knobs("VoidRemove")) == set()


def test_every_knob_that_an_expression_names_exists(name: str) -> None:
    own = {knob[1] for node in read(name).nodes for knob in node[2]}
    text = GIZMOS[name].read_text(encoding="utf-8")
    named = set(re.findall(r"parent\.(\w+)", text)) | set(re.findall(r"\[value (\w+)\]", text))

    assert named
    assert named - own == set()


def test_values_are_set_only_on_knobs_that_exist(name: str) -> None:
    known = {"inputs", "tile_color", "label", "help"}

    assert set(read(name).nodes[0][1]) - known - set(user_knobs(name)) == set()


def test_the_buttons_call_functions_that_exist() -> None:
    called = set()
    for knob in user_knobs("VoidRemove").values():
        if knob[0] != BUTTON:
            continue
        tree = ast.parse(knob[knob.index("T") + 1], feature_version=(3, 10))
        imported = {
            alias.asname: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                assert isinstance(call.func.value, ast.Name)
                if call.func.value.id == "nuke":
                    continue
                module = importlib.import_module(imported[call.func.value.id])
                called.add(getattr(module, call.func.attr).__name__)

    assert called == {"submit", "cancel", "update", "take_plate_range", "bake"}


@pytest.mark.parametrize(
    ("knob", "choices"),
    [
        ("engine", OUR_ENGINES),
        ("quality", set(QUALITIES)),
        ("scale", set(gizmo_buttons.SCALES)),
    ],
)
def test_the_choices_are_those_that_the_code_knows(knob: str, choices: set[str]) -> None:
    entry = user_knobs("VoidRemove")[knob]

    assert set(tkinter.Tcl().splitlist(entry[entry.index("M") + 1])) == choices


def test_the_switch_has_an_input_for_each_output() -> None:
    entry = user_knobs("VoidRemove")["output"]
    outputs = tkinter.Tcl().splitlist(entry[entry.index("M") + 1])
    (switch,) = [knobs for kind, knobs, _ in read("VoidRemove").nodes if kind == "Switch"]

    assert outputs == ("result", "plate", "difference", "quadmask")
    assert int(switch["inputs"]) == len(outputs)


def test_a_small_result_is_shown_at_the_plates_size() -> None:
    """And one of full size goes through untouched."""
    ((_, knobs, _),) = [node for node in read("VoidRemove").nodes if node[0] == "Reformat"]
    inputs = {node[1]["name"] for node in read("VoidRemove").nodes if node[0] == "Input"}

    assert knobs["disable"] == '{"parent.result_scale == 1"}'
    named = {
        knobs[knob].strip("{}").split(".")[0] for knob in ("box_width", "box_height", "box_pixel_aspect")
    }
    assert named == {"plate"}
    assert named <= inputs


def test_the_quadmask_counts_as_the_engine_does() -> None:
    from void_engine import quadmask

    text = GIZMOS["VoidQuadmask"].read_text(encoding="utf-8")

    assert set(re.findall(r"> (0\.\d+)\"", text)) == {str(quadmask.ROLE_THRESHOLD)}
    levels = {int(number) for number in re.findall(r"\b(\d+)\b", re.findall(r' expr0 "(.+)"', text)[0])}
    assert levels == {quadmask.REMOVE, quadmask.OVERLAP, quadmask.AFFECTED, quadmask.KEEP}


def test_each_has_an_icon() -> None:
    menu = (ROOT / "plugin" / "menu.py").read_text(encoding="utf-8")
    icons = re.findall(r'icon="(\w+\.png)"', menu)

    assert icons
    assert all((ROOT / "gizmos" / icon).read_bytes().startswith(b"\x89PNG") for icon in icons)
    assert set(re.findall(r"createNode\('(\w+)'\)", menu)) == set(GIZMOS)
