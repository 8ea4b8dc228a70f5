# ruff: noqa: N803
# The names are those of Nuke's own module.
"""Nodes, groups and the root: they have what the tests need, and refuse what Nuke refuses."""

from __future__ import annotations

import copy
from typing import Any

from tests.fakes.fake_nuke.knobs import (
    Boolean_Knob,
    Double_Knob,
    Enumeration_Knob,
    Format,
    Format_Knob,
    Int_Knob,
    Knob,
    String_Knob,
    Tab_Knob,
)
from tests.fakes.fake_nuke.node_classes import KNOBS
from tests.fakes.fake_nuke.real_nodes import REAL
from tests.fakes.fake_nuke.state import STATE


class Node:
    def __init__(self, node_class: str, parent: Group | None) -> None:
        self._class = node_class
        self._parent = parent
        self._name = ""
        self._inputs: dict[int, Node] = {}
        self._knobs: dict[str, Knob] = {}
        self._selected = False
        self._place = [0, 0]
        self._is_deleted = False
        self._input_count = REAL[node_class].inputs
        knobs = KNOBS.get(node_class, list)
        common = [String_Knob("label"), Boolean_Knob("disable"), Boolean_Knob("postage_stamp")]
        for knob in [*knobs(), *common]:
            self._own(knob)

    def _own(self, knob: Knob) -> None:
        knob._node = self
        self._knobs[knob.name()] = knob

    def require_attached(self) -> None:
        """Refuse to serve a deleted node. Source: scripts that catch Nuke's ValueError."""
        if self._is_deleted:
            raise ValueError("A PythonObject is not attached to a node")

    def Class(self) -> str:
        self.require_attached()
        return self._class

    def name(self) -> str:
        self.require_attached()
        return self._name

    def fullName(self) -> str:
        self.require_attached()
        if self._parent is None or self._parent is STATE.root:
            return self._name
        return f"{self._parent.fullName()}.{self._name}"

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        STATE.require_main()
        siblings = {node._name for node in self._parent._nodes if node is not self}
        stem, number = name.rstrip("0123456789"), 1
        wanted = name
        while wanted in siblings:
            number += 1
            wanted = f"{stem}{number}"
        before = self._name
        STATE.record(lambda: setattr(self, "_name", before))
        self._name = wanted

    def parent(self) -> Group:
        return self._parent

    def knob(self, p: str, follow_link: bool = False) -> Knob | None:
        return self._knobs.get(p)

    def knobs(self) -> dict[str, Knob]:
        return dict(self._knobs)

    def __getitem__(self, name: str) -> Knob:
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def addKnob(self, knob: Knob) -> None:
        """Add a knob of one's own. The first one gets a tab "User" where no tab was added before it."""
        if not isinstance(knob, Tab_Knob) and not any(
            isinstance(one, Tab_Knob) for one in self._knobs.values()
        ):
            self.addKnob(Tab_Knob("User"))
        STATE.record(lambda: self._knobs.pop(knob.name(), None))
        self._own(knob)

    def removeKnob(self, knob: Knob) -> None:
        STATE.record(lambda: self._own(knob))
        del self._knobs[knob.name()]

    def input(self, index: int) -> Node | None:
        self.require_attached()
        return self._inputs.get(index)

    def maxInputs(self) -> int:
        return self._input_count

    def dependent(self, mask: int = 7, forceEvaluate: bool = True) -> list[Node]:
        return [node for node in self._parent._nodes if self in node._inputs.values()]

    def metadata(self, key: str | None = None) -> Any:
        return {} if key is None else None

    def inputs(self) -> int:
        return max(self._inputs, default=-1) + 1

    def setInput(self, i: int, node: Node | None) -> bool:
        self.require_attached()
        if node is not None:
            node.require_attached()
            if i >= self._input_count or node._parent is not self._parent:
                return False
        before = self._inputs.get(i)
        STATE.record(lambda: self._connect(i, before))
        self._connect(i, node)
        return True

    def _connect(self, index: int, node: Node | None) -> None:
        if node is None:
            self._inputs.pop(index, None)
        else:
            self._inputs[index] = node

    def firstFrame(self) -> int:
        return self._range()[0]

    def lastFrame(self) -> int:
        return self._range()[1]

    def _range(self) -> tuple[int, int]:
        if self._class == "Read":
            return self["first"].value(), self["last"].value()
        ranges = [node._range() for node in self._inputs.values()]
        if not ranges:
            return STATE.root.firstFrame(), STATE.root.lastFrame()
        return min(first for first, _ in ranges), max(last for _, last in ranges)

    def format(self) -> Format:
        from tests.fakes.fake_nuke.picture import format_of

        return format_of(self, STATE.root.scale())

    def width(self) -> int:
        return self.format().width()

    def height(self) -> int:
        return self.format().height()

    def channels(self) -> list[str]:
        from tests.fakes.fake_nuke.picture import channels_of

        found = channels_of(self)
        STATE.channels.update(found)  # a picture that was opened brings its layers into the script
        return found

    def sample(self, channel: str, x: float, y: float) -> float:
        from tests.fakes.fake_nuke.picture import evaluate

        picture = evaluate(self, STATE.frame, STATE.root.scale())
        return float(picture.plane(channel, int(x), int(y), 1, 1)[0, 0])

    def hasError(self) -> bool:
        return False

    def xpos(self) -> int:
        return self._place[0]

    def ypos(self) -> int:
        return self._place[1]

    def setXYpos(self, x: int, y: int) -> None:
        before = list(self._place)
        STATE.record(lambda: setattr(self, "_place", before))
        self._place = [int(x), int(y)]

    def screenWidth(self) -> int:
        return 80

    def screenHeight(self) -> int:
        return 18 if self._class not in ("Read", "Constant", "CheckerBoard2") else 78

    def setSelected(self, selected: bool) -> None:
        STATE.require_main()
        if self in STATE.selection:
            STATE.selection.remove(self)
        if selected:
            STATE.selection.insert(0, self)

    def isSelected(self) -> bool:
        return self in STATE.selection

    def __hash__(self) -> int:
        return id(self)


class Group(Node):
    def __init__(self, node_class: str = "Group", parent: Group | None = None) -> None:
        super().__init__(node_class, parent)
        self._nodes: list[Node] = []

    def begin(self) -> Group:
        STATE.require_main()
        STATE.context.append(self)
        return self

    def end(self) -> None:
        STATE.context.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()

    def node(self, s: str) -> Node | None:
        name, _, rest = s.partition(".")
        found = next((node for node in self._nodes if node._name == name), None)
        if not rest:
            return found
        return found.node(rest) if isinstance(found, Group) else None

    def nodes(self) -> list[Node]:
        return list(self._nodes)


class Gizmo(Group):
    """An instance of a gizmo."""

    def makeGroup(self) -> Group:
        """Make a Group of a gizmo, unconnected, beside it. Source: the reference of Gizmo.makeGroup()."""
        made = make_node("Group")
        assert isinstance(made, Group)
        twins: dict[Node, Node] = {}
        _copy_into(self, made, twins)
        return made


def _copy_into(source: Group, target: Group, twins: dict[Node, Node]) -> None:
    """Copy knobs and inner nodes; the inner connections are made last, when all nodes are there."""
    target._knobs = {}
    for name, knob in source._knobs.items():
        twin = copy.copy(knob)
        target._own(twin)
        assert twin.name() == name
    with target:
        for inner in source._nodes:
            if inner._class not in KNOBS:
                raise RuntimeError(f"{inner.fullName()}: the gizmo {inner._class} stays one inside the Group")
            twin_node = make_node(inner._class, name=inner._name)
            twins[inner] = twin_node
            if isinstance(inner, Group) and isinstance(twin_node, Group):
                _copy_into(inner, twin_node, twins)
            else:
                for knob in inner._knobs.values():
                    twin_node._own(copy.copy(knob))
    for inner in source._nodes:
        for index, feeding in inner._inputs.items():
            twins[inner].setInput(index, twins[feeding])


class ProxyKnob(Boolean_Knob):
    """Proxy mode. Every change of it makes all viewers compute their pictures anew, so it is counted."""

    def setValue(self, val: Any, chan: int = 0) -> bool:
        STATE.proxy_changes += bool(val) != self._value
        return super().setValue(val)


class Root(Group):
    def __init__(self) -> None:
        super().__init__("Root", None)
        self._name = "Root"
        for knob in (
            Format_Knob("format"),
            Int_Knob("first_frame", "", 1),
            Int_Knob("last_frame", "", 100),
            ProxyKnob("proxy"),
            Enumeration_Knob("proxy_type", "", ["format", "scale"]),
            Double_Knob("proxy_scale", "", 0.5),
            Format_Knob("proxy_format"),
            String_Knob("workingSpaceLUT", "", "scene_linear"),
            Enumeration_Knob("colorManagement", "", ["Nuke", "OCIO"]),
        ):
            self._own(knob)

    def firstFrame(self) -> int:
        return self["first_frame"].value()

    def lastFrame(self) -> int:
        return self["last_frame"].value()

    def name(self) -> str:
        return self._name

    def scale(self) -> float:
        return float(self["proxy_scale"].value()) if self["proxy"].value() else 1.0

    def modified(self) -> bool:
        return STATE.is_modified

    def setModified(self, modified: bool) -> None:
        STATE.require_main()
        STATE.is_modified = bool(modified)


def make_node(node_class: str, **values: Any) -> Node:
    """Make a node in the group that is open, without connecting it."""
    STATE.require_main()
    if node_class not in KNOBS:
        raise RuntimeError(f"{node_class}: Unknown command")
    STATE.count_node()
    parent = STATE.context[-1] if STATE.context else STATE.root
    is_group = node_class in ("Group", "Gizmo")
    kind = Gizmo if node_class == "Gizmo" else Group
    node = kind(node_class, parent) if is_group else Node(node_class, parent)
    name = values.pop("name", f"{node_class.rstrip('0123456789')}1")
    parent._nodes.append(node)
    node.setName(name)
    STATE.record(lambda: parent._nodes.remove(node))
    if node_class == "Input":
        node["number"]._value = sum(other._class == "Input" for other in parent._nodes) - 1
    for knob, value in STATE.knob_defaults.get(node_class, {}).items():
        node[knob].setValue(value)
    for index, source in enumerate(values.pop("inputs", ())):
        node.setInput(index, source)
    for key, value in values.items():
        node[key].setValue(value)
    for kind in (f"onCreate {node_class}", "onCreate *"):
        STATE.call_back(kind)
    return node


def delete_node(node: Node) -> None:
    STATE.require_main()
    parent = node._parent
    links = [
        (other, index) for other in parent._nodes for index, source in other._inputs.items() if source is node
    ]

    def back() -> None:
        node._is_deleted = False
        parent._nodes.append(node)
        for other, index in links:
            other._connect(index, node)

    STATE.record(back)
    for other, index in links:
        other._connect(index, None)
    parent._nodes.remove(node)
    node.setSelected(False)
    node._is_deleted = True
