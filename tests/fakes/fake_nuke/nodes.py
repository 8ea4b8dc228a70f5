# ruff: noqa: N803
# The names are those of Nuke's own module.
"""Nodes, groups and the root: they have what the tests need, and refuse what Nuke refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.fake_nuke.curves import CurveKnob
from tests.fakes.fake_nuke.knobs import (
    Array_Knob,
    Boolean_Knob,
    Channel_Knob,
    Double_Knob,
    Enumeration_Knob,
    File_Knob,
    Format,
    Format_Knob,
    Int_Knob,
    Knob,
    String_Knob,
)
from tests.fakes.fake_nuke.state import STATE

_COLOUR_SPACES = ["default (scene_linear)", "scene_linear", "ACES - ACEScg", "Output - sRGB", "sRGB"]
_COMPRESSIONS = ["none", "Zip (1 scanline)", "Zip (16 scanlines)", "PIZ Wavelet (32 scanlines)", "DWAA"]


def _read_knobs() -> list[Knob]:
    return [
        File_Knob("file"),
        File_Knob("proxy"),
        Format_Knob("format"),
        Format_Knob("proxy_format"),
        *(Int_Knob(name, "", 1) for name in ("first", "last", "origfirst", "origlast")),
        Boolean_Knob("origset"),
        *(Enumeration_Knob(name, "", ["hold", "loop", "bounce", "black"]) for name in ("before", "after")),
        Enumeration_Knob("frame_mode", "", ["expression", "start at", "offset"]),
        String_Knob("frame"),
        Enumeration_Knob("colorspace", "", _COLOUR_SPACES),
        Boolean_Knob("raw"),
        Enumeration_Knob("on_error", "", ["error", "black", "checkerboard", "nearest frame"]),
        Boolean_Knob("auto_alpha"),
    ]


def _write_knobs() -> list[Knob]:
    return [
        File_Knob("file"),
        File_Knob("proxy"),
        Enumeration_Knob("file_type", "", ["  ", "exr", "tiff"]),
        Channel_Knob("channels", "", "rgb"),
        Enumeration_Knob("datatype", "", ["16 bit half", "32 bit float"]),
        Enumeration_Knob("compression", "", _COMPRESSIONS),
        Enumeration_Knob("metadata", "", ["default metadata", "all metadata"]),
        Boolean_Knob("autocrop"),
        Boolean_Knob("create_directories"),
        Enumeration_Knob("colorspace", "", _COLOUR_SPACES),
        Boolean_Knob("raw"),
    ]


def _constant_knobs() -> list[Knob]:
    return [Channel_Knob("channels", "", "rgb"), Array_Knob("color", 4), Format_Knob("format")]


def _checker_knobs() -> list[Knob]:
    return [Double_Knob("boxsize", "", 8.0), Format_Knob("format")]


def _roto_knobs() -> list[Knob]:
    return [CurveKnob("curves"), Channel_Knob("output", "", "alpha"), Format_Knob("format")]


def _copy_knobs() -> list[Knob]:
    return [Channel_Knob(f"{side}{index}", "", "none") for index in range(4) for side in ("from", "to")]


_MERGES = ["over", "plus", "difference", "max", "min", "multiply", "minus", "screen"]
CLASSES: dict[str, tuple[int, Callable[[], list[Knob]]]] = {
    "Read": (0, _read_knobs),
    "Write": (1, _write_knobs),
    "Constant": (0, _constant_knobs),
    "CheckerBoard2": (0, _checker_knobs),
    "Roto": (2, _roto_knobs),
    "RotoPaint": (2, _roto_knobs),
    "Crop": (1, lambda: [Array_Knob("box", 4), Boolean_Knob("reformat"), Boolean_Knob("crop", "", True)]),
    "Reformat": (
        1,
        lambda: [Format_Knob("format"), Enumeration_Knob("resize", "", ["width", "none", "distort"])],
    ),
    "Merge2": (3, lambda: [Enumeration_Knob("operation", "", _MERGES), Double_Knob("mix", "", 1.0)]),
    "KeyMix": (3, lambda: [Channel_Knob("maskChannel", "", "rgba.alpha"), Double_Knob("mix", "", 1.0)]),
    "Copy": (3, _copy_knobs),
    "Multiply": (1, lambda: [Double_Knob("value", "", 1.0)]),
    "Switch": (12, lambda: [Double_Knob("which")]),
    "Dot": (1, list),
    "NoOp": (1, list),
    "Viewer": (10, lambda: [String_Knob("frame_range", "", ""), Boolean_Knob("frame_range_lock")]),
    "Group": (10, list),
    "Input": (0, list),
    "Output": (1, list),
}


class Node:
    def __init__(self, node_class: str, parent: Group | None) -> None:
        self._class = node_class
        self._parent = parent
        self._name = ""
        self._inputs: dict[int, Node] = {}
        self._knobs: dict[str, Knob] = {}
        self._selected = False
        self._place = [0, 0]
        self._input_count, knobs = CLASSES.get(node_class, (0, list))
        common = [String_Knob("label"), Boolean_Knob("disable"), Boolean_Knob("postage_stamp")]
        for knob in [*knobs(), *common]:
            self._own(knob)

    def _own(self, knob: Knob) -> None:
        knob._node = self
        self._knobs[knob.name()] = knob

    def Class(self) -> str:
        return self._class

    def name(self) -> str:
        return self._name

    def fullName(self) -> str:
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
        STATE.record(lambda: self._knobs.pop(knob.name(), None))
        self._own(knob)

    def removeKnob(self, knob: Knob) -> None:
        STATE.record(lambda: self._own(knob))
        del self._knobs[knob.name()]

    def input(self, index: int) -> Node | None:
        return self._inputs.get(index)

    def inputs(self) -> int:
        return max(self._inputs, default=-1) + 1

    def setInput(self, i: int, node: Node | None) -> bool:
        if node is not None and (i >= self._input_count or node._parent is not self._parent):
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

        return channels_of(self)

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


class Root(Group):
    def __init__(self) -> None:
        super().__init__("Root", None)
        self._name = "Root"
        for knob in (
            Format_Knob("format"),
            Int_Knob("first_frame", "", 1),
            Int_Knob("last_frame", "", 100),
            Boolean_Knob("proxy"),
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
    if node_class not in CLASSES:
        raise RuntimeError(f"{node_class}: Unknown command")
    parent = STATE.context[-1] if STATE.context else STATE.root
    node = Group("Group", parent) if node_class == "Group" else Node(node_class, parent)
    name = values.pop("name", f"{node_class.rstrip('0123456789')}1")
    parent._nodes.append(node)
    node.setName(name)
    STATE.record(lambda: parent._nodes.remove(node))
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
        parent._nodes.append(node)
        for other, index in links:
            other._connect(index, node)

    STATE.record(back)
    for other, index in links:
        other._connect(index, None)
    parent._nodes.remove(node)
    node.setSelected(False)
