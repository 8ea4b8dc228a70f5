"""How the adapter finds nodes in Nuke, and how it leaves the script as it was."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import nuke

from void_nuke.errors import SelectionError

_log = logging.getLogger(__name__)
ROTO_CLASSES = ("Roto", "RotoPaint")
ROTO_CURVES = "curves"
_OWN_TAB = "void_for_nuke"


def in_root() -> Any:
    """Enter the script's own context. Nuke runs a button of a gizmo inside that gizmo, where every name would
    be looked up among its inner nodes, and every new node would land there."""
    return nuke.root()


def node_of(name: str) -> nuke.Node:
    """Return a node by its full name.

    Raises:
        SelectionError: when it is gone.
    """
    with in_root():
        node = nuke.toNode(name)
    if node is None:
        raise SelectionError(f"there is no node {name} any more; pick it again")
    return node


def all_nodes(node_class: str | None = None) -> list[nuke.Node]:
    """Return the nodes of the root's own level, of one class or of all."""
    with in_root():
        return list(nuke.allNodes() if node_class is None else nuke.allNodes(node_class))


def selected_nodes() -> list[nuke.Node]:
    """Return the selected nodes of the group that the artist works in, or else of the root."""
    # The first is that of the node graph last clicked, which public tools rely on; Nuke 16 has the second
    # too.
    for name in ("lastHitGroup", "activeGroup"):
        ask = getattr(nuke, name, None)
        group = ask() if ask is not None else None
        if group is not None:
            with group:
                found = list(nuke.selectedNodes())
            if found:
                return found
    with in_root():
        return list(nuke.selectedNodes())


def curves_of(node: nuke.Node) -> Any:
    """Return the curve knob of a roto node.

    Raises:
        SelectionError: when the node has none.
    """
    knob = node.knob(ROTO_CURVES)
    if knob is None:
        raise SelectionError(f"{node.fullName()} has no roto shapes; pick a Roto or RotoPaint node")
    return knob


def cache_folder() -> str:
    """Return the folder into which Nuke copies the files of localised Reads; empty when it is not known."""
    with in_root():
        preferences = nuke.toNode("preferences")
    knob: Any = None if preferences is None else preferences.knob("localCachePath")
    return "" if knob is None else str(knob.evaluate() or "")


def edition() -> str:
    """Name an edition that shows Python ten nodes only: ``Non-commercial`` or ``Indie``; empty for the
    others."""
    for mark, name in (("nc", "Non-commercial"), ("indie", "Indie")):
        try:
            if nuke.env[mark]:
                return name
        except KeyError:  # an older Nuke has no such edition
            continue
    return ""


def post_to_loop(function: Callable[[], None]) -> None:
    """Have Nuke's event loop call a function on the main thread. Nuke's own call for that belongs to the
    other threads: on the main thread it may hang, or run at once and so inside of whatever is under way."""
    if threading.current_thread() is not threading.main_thread():
        nuke.executeInMainThread(function)
        return
    try:
        from void_nuke.qt import QTimer
    except ImportError:  # no Qt for Python: a thread of its own may use Nuke's call
        threading.Thread(target=nuke.executeInMainThread, args=(function,), name="void-post").start()
    else:
        QTimer.singleShot(0, function)


@contextmanager
def no_undo() -> Iterator[None]:
    """Keep what happens inside out of the artist's undo steps."""
    was_disabled = bool(nuke.Undo.disabled())
    if not was_disabled:
        nuke.Undo.disable()
    try:
        yield
    finally:
        if not was_disabled:
            nuke.Undo.enable()


@contextmanager
def one_step(name: str) -> Iterator[None]:
    """Make what happens inside one undo step."""
    nuke.Undo.begin(name)
    try:
        yield
    finally:
        nuke.Undo.end()


@contextmanager
def unmodified() -> Iterator[None]:
    """Keep what happens inside from marking the script as changed."""
    was_modified = bool(nuke.root().modified())
    try:
        yield
    finally:
        nuke.root().setModified(was_modified)


@contextmanager
def full_size() -> Iterator[None]:
    """Switch proxy mode off inside, where it is on. Every change of it makes all viewers compute anew, so
    this is for what needs the full size: an export, and a question that the artist asked."""
    root = nuke.root()
    was_on = bool(root["proxy"].value())
    with no_undo(), unmodified():
        if was_on:
            root["proxy"].setValue(False)
        try:
            yield
        finally:
            if was_on:
                root["proxy"].setValue(True)


def add_own_knob(node: nuke.Node, name: str, label: str) -> Any:
    """Add an invisible text to a node. It stands under an invisible tab of ours, since Nuke would put a tab
    "User" with nothing in it in the way of the artist."""
    if node.knob(_OWN_TAB) is None:
        tab = nuke.Tab_Knob(_OWN_TAB, "VOID")
        tab.setFlag(nuke.INVISIBLE)
        node.addKnob(tab)
    knob = nuke.String_Knob(name, label)
    knob.setFlag(nuke.INVISIBLE)
    node.addKnob(knob)
    return knob


def as_node(made: Any) -> nuke.Node:
    """Give a node that ``nuke.nodes`` made its type, which the stubs do not know."""
    return cast("nuke.Node", made)
