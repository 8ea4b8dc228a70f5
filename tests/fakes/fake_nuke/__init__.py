# ruff: noqa: N803, A002, BLE001
# The names are those of Nuke's own module.
"""A small working Nuke that stands in for the ``nuke`` module where there is none.

It behaves as the real one was measured to behave, and refuses what that refuses: unknown functions, knobs,
    node
classes, values and views raise, and so does touching the script from another thread.
:mod:`tests.fakes.nuke_session` puts it in place and resets it.
"""

from __future__ import annotations

import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.fake_nuke.knobs import (
    Array_Knob,
    Boolean_Knob,
    Channel_Knob,
    Double_Knob,
    Enumeration_Knob,
    EvalString_Knob,
    File_Knob,
    Format,
    Format_Knob,
    Int_Knob,
    Knob,
    PyScript_Knob,
    String_Knob,
    Tab_Knob,
    Text_Knob,
)
from tests.fakes.fake_nuke.menus import Menu, MenuItem, Pane, getPaneFor, menu
from tests.fakes.fake_nuke.node_classes import KNOBS
from tests.fakes.fake_nuke.nodes import Gizmo, Group, Node, Root, delete_node, make_node
from tests.fakes.fake_nuke.script_text import load_gizmo
from tests.fakes.fake_nuke.state import STATE

__all__ = [
    "Array_Knob", "Boolean_Knob", "Channel_Knob", "Double_Knob", "Enumeration_Knob", "EvalString_Knob",
    "File_Knob", "Format", "Format_Knob", "Gizmo", "Group", "Int_Knob", "Knob", "Menu", "MenuItem", "Node",
    "Pane", "PyScript_Knob", "Root", "String_Knob", "Tab_Knob", "Text_Knob", "getPaneFor", "menu",
]  # fmt: skip

GUI = True
INTERACTIVE = True
NUKE_VERSION_MAJOR, NUKE_VERSION_MINOR, NUKE_VERSION_RELEASE = 16, 0, 1
NUKE_VERSION_STRING = "16.0v1"
INVISIBLE, NO_UNDO, DO_NOT_WRITE = 1024, 524288, 512
INPUTS, HIDDEN_INPUTS = 1, 2
TO_SCRIPT, WRITE_ALL = 1, 8
env: dict[str, Any] = {"nc": False, "indie": False}
"""The editions' marks. Source: foundry, whose own code asks ``nuke.env['nc']`` and ``nuke.env['indie']``."""


class CancelledError(Exception):
    pass


class FrameRange:
    def __init__(self, text: str) -> None:
        first, _, last = text.partition("-")
        self._first, self._last = int(first), int(last or first)

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last


class Undo:
    @classmethod
    def disabled(cls) -> bool:
        return STATE.undo_disabled

    @classmethod
    def disable(cls) -> None:
        STATE.require_main()
        STATE.undo_disabled = True

    @classmethod
    def enable(cls) -> None:
        STATE.require_main()
        STATE.undo_disabled = False

    @classmethod
    def begin(cls, name: str = "") -> None:
        STATE.require_main()
        STATE.undo_depth += 1
        if STATE.undo_depth == 1:
            STATE.undo_group, STATE.undo_name = [], name

    @classmethod
    def end(cls) -> None:
        STATE.undo_depth -= 1
        if STATE.undo_depth == 0:
            if STATE.undo_group:
                STATE.undo_steps.append((STATE.undo_name, STATE.undo_group))
            STATE.undo_group = None

    @classmethod
    def undoSize(cls) -> int:
        return len(STATE.undo_steps)

    @classmethod
    def undo(cls) -> None:
        STATE.require_main()
        if STATE.undo_steps:
            _, inverses = STATE.undo_steps.pop()
            for inverse in reversed(inverses):
                inverse()


class ProgressTask:
    def __init__(self, title: str) -> None:
        STATE.require_main()
        self.title = title
        self.shown: list[tuple[int, str]] = []
        self._percent = 0
        STATE.progress.append(self.shown)

    def setProgress(self, percent: int) -> None:
        STATE.require_main()
        if not isinstance(percent, int):
            raise TypeError("setProgress takes an int")
        self._percent = percent

    def setMessage(self, message: str) -> None:
        STATE.require_main()
        self.shown.append((self._percent, message))

    def isCancelled(self) -> bool:
        return STATE.cancel_progress


class _Constructors:
    """Makes nodes by their class: ``nuke.nodes.Blur(size=2)``."""

    def __getattr__(self, name: str) -> Callable[..., Node]:
        if name not in KNOBS:
            raise AttributeError(f"nuke.nodes has no {name}")

        def make(**values: Any) -> Node:
            return make_node(name, **values)

        return make


nodes = _Constructors()


class _ViewerWindow:
    def node(self) -> Node:
        return STATE.viewer


def activeViewer() -> _ViewerWindow | None:
    return None if STATE.viewer is None else _ViewerWindow()


def createNode(typ: str, knobs: str = "", inpanel: bool = True) -> Node:
    node = make_node(typ) if typ in KNOBS else load_gizmo(typ, [*STATE.plugin_path])
    if STATE.selection and node._input_count:
        node.setInput(0, STATE.selection[0])
    for other in list(STATE.selection):
        other.setSelected(False)
    node.setSelected(True)
    return node


def delete(n: Node | None) -> None:
    if n is not None:
        delete_node(n)


def toNode(s: str) -> Node | None:
    STATE.require_main()
    if s == "root":
        return STATE.root
    group = STATE.context[-1] if STATE.context else STATE.root
    return group.node(s)


def allNodes(
    filter: str | None = None, group: Group | None = None, recurseGroups: bool = False
) -> list[Node]:
    STATE.require_main()
    found: list[Node] = []
    for node in (group or (STATE.context[-1] if STATE.context else STATE.root)).nodes():
        if filter is None or node.Class() == filter:
            found.append(node)
        if recurseGroups and isinstance(node, Group):
            found += allNodes(filter, node, True)
    # Indie and Non-commercial show Python ten nodes.
    return found if STATE.node_limit is None else found[: STATE.node_limit]


def selectedNodes(filter: str | None = None) -> list[Node]:
    STATE.require_main()
    group = thisGroup()
    return [
        node
        for node in STATE.selection
        if node.parent() is group and (filter is None or node.Class() == filter)
    ]


def thisNode() -> Node | None:
    return STATE.this_node[-1] if STATE.this_node else None


def activeGroup() -> Group:
    """Return the group that the artist has open. Source: foundry, the Python reference of 16.0."""
    return STATE.shown_group or STATE.root


def lastHitGroup() -> Group:
    return activeGroup()


def endGroup() -> None:
    if STATE.context:
        STATE.context.pop()


def executing(f: float | None = None) -> bool:
    return STATE.is_executing or STATE.artist_renders


def channels(node: Node | None = None) -> list[str]:
    return sorted(STATE.channels)


class Layer:
    """Makes a layer known to the script."""

    def __init__(self, name: str, channels: list[str] | None = None) -> None:
        STATE.require_main()
        STATE.channels.update(channels or ())


def knobDefault(classknob: str, value: Any = None) -> None:
    """Set a studio's default, which the nodes that code makes have too."""
    node_class, _, knob = classknob.partition(".")
    STATE.knob_defaults.setdefault(node_class, {})[knob] = value


def root() -> Root:
    return STATE.root


def thisGroup() -> Group:
    return STATE.context[-1] if STATE.context else STATE.root


def frame(f: int | None = None) -> int:
    if f is not None:
        STATE.frame = int(f)
    return STATE.frame


def views() -> list[str]:
    return list(STATE.views)


def formats() -> list[Format]:
    return list(STATE.formats)


def addFormat(s: str) -> Format:
    made = Format.parse(s)
    STATE.formats.append(made)
    return made


def filename(node: Node, i: int = 0) -> str | None:
    """Return the evaluated path; that in the cache when the Read is localised. Source: likely."""
    knob = node.knob("file")
    if node.fullName() in STATE.localised and node["localizationPolicy"].value() != "off":
        return STATE.localised[node.fullName()]
    return None if knob is None else knob.evaluate() or None


def execute(
    nameOrNode: Node | str,
    start: int,
    end: int,
    incr: int = 1,
    views: list[str] | None = None,
    continueOnError: bool = False,
) -> None:
    from tests.fakes.fake_nuke.picture import write

    STATE.require_main()
    node = toNode(nameOrNode) if isinstance(nameOrNode, str) else nameOrNode
    if node is None or node.Class() != "Write":
        raise RuntimeError("There is nothing to execute")
    if STATE.is_executing or STATE.artist_renders:
        raise RuntimeError("I'm already executing something else")
    unknown = set(views or ()) - set(STATE.views)
    if unknown:
        raise RuntimeError(f"no view {unknown}")
    STATE.executed_views.append(tuple(views or ()))
    STATE.is_executing = True
    try:
        for number in range(start, end + 1, incr):
            if GUI:
                STATE.process_events(50)  # the progress bar of a render turns the event loop
            source = node.input(0)
            name = source.fullName() if source is not None else ""
            STATE.executed.append((name, number, bool(STATE.root["proxy"].value())))
            write(node, number, STATE.root.scale())
    finally:
        STATE.is_executing = False


def executeInMainThread(
    call: Callable[..., Any], args: Any = (), kwargs: dict[str, Any] | None = None
) -> None:
    if threading.current_thread() is STATE.main_thread:
        # Foundry says that it hangs; others saw it run at once. Nothing here may count on either.
        raise AssertionError("executeInMainThread() on the main thread")
    wrapped = args if isinstance(args, tuple) else (args,)
    STATE.posted.append(lambda: call(*wrapped, **(kwargs or {})))


def executeInMainThreadWithResult(
    call: Callable[..., Any], args: Any = (), kwargs: dict[str, Any] | None = None
) -> Any:
    if threading.current_thread() is STATE.main_thread:
        raise AssertionError("executeInMainThreadWithResult() on the main thread: Nuke would hang here")
    wrapped = args if isinstance(args, tuple) else (args,)
    done = threading.Event()
    result: list[Any] = [None]

    def run() -> None:
        try:
            result[0] = call(*wrapped, **(kwargs or {}))
        except Exception:
            traceback.print_exc()
        finally:
            done.set()

    STATE.posted.append(run)
    done.wait()
    return result[0]


def addOnScriptLoad(
    call: Callable[[], Any], args: Any = (), kwargs: Any = None, nodeClass: str = "Root"
) -> None:
    STATE.callbacks.setdefault("onScriptLoad", []).append(call)


def addOnScriptClose(
    call: Callable[[], Any], args: Any = (), kwargs: Any = None, nodeClass: str = "Root"
) -> None:
    STATE.callbacks.setdefault("onScriptClose", []).append(call)


def addOnCreate(call: Callable[[], Any], args: Any = (), kwargs: Any = None, nodeClass: str = "*") -> None:
    STATE.callbacks.setdefault(f"onCreate {nodeClass}", []).append(call)


def pluginAddPath(args: str, addToSysPath: bool = True) -> None:
    """Add a folder to the plug-in path. An init.py in it runs, as when a start-up file adds a folder."""
    folder = str(args)
    STATE.plugin_path.insert(0, folder)
    if addToSysPath and folder not in sys.path:
        sys.path.append(folder)
    start = Path(folder) / "init.py"
    if start.is_file():
        exec(compile(start.read_text(), str(start), "exec"), {"__file__": str(start)})


def pluginPath() -> list[str]:
    return list(STATE.plugin_path)


def scriptClear() -> None:
    """Close the script: there is a new root afterwards, and no onScriptLoad. Source: foundry, the
    callbacks."""
    STATE.require_main()
    STATE.call_back("onScriptClose")
    STATE.root = Root()
    STATE.root["format"]._value = STATE.formats[0]
    STATE.undo_steps.clear()
    STATE.selection.clear()
    STATE.context.clear()
    STATE.is_modified = False


def scriptSaveAs(filename: str | None = None, overwrite: int = -1) -> None:
    """Save nodes and values, as Nuke does; the format of the file is this fake's own."""
    STATE.require_main()
    STATE.root._name = str(filename)
    STATE.is_modified = False
    Path(str(filename)).write_bytes(pickle.dumps(STATE.root))


def scriptOpen(filename: str | None = None) -> None:
    if not Path(str(filename)).is_file():
        raise RuntimeError(f"{filename}: Read error: No such file or directory")
    scriptClear()
    STATE.root = pickle.loads(Path(str(filename)).read_bytes())
    STATE.call_back("onScriptLoad")


def undo() -> None:
    Undo.undo()
