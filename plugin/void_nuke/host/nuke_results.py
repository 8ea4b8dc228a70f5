"""Puts results into the script: the Read of a removal, and the comparison beside it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import nuke

from void_nuke.errors import SelectionError
from void_nuke.host.comparison import newest_edition, wire_comparison
from void_nuke.host.host import ReadBack
from void_nuke.host.nuke_script import add_own_knob, all_nodes, as_node, in_root, node_of, one_step
from void_nuke.host.placement import NodeBox, free_place
from void_nuke.host.read_knobs import set_colour, set_files

_log = logging.getLogger(__name__)
JOB_KNOB = "void_job_id"
_NODE_SIZE = (80, 80)
"""The size assumed for a node whose size Nuke does not know yet (in a terminal)."""


def add_read(read: ReadBack) -> str:
    """Make the Read of ``read``, or update the Read of the same job, or of the proxy job that it
    completes."""
    with in_root(), one_step("VOID result"):
        existing = read_of(read.job_id) or (read_of(read.replaces_job) if read.replaces_job else None)
        node = existing if existing is not None else _new_read()
        size = _format(read.width, read.height, read.pixel_aspect) if read.is_proxy else None
        set_files(node, read, size)
        set_colour(node, read.colour_space)
        node["label"].setValue(read.label)
        node[JOB_KNOB].setValue(read.job_id)
        _reload(node)
        if existing is None:
            plate = nuke.toNode(read.beside)
            # A plate inside a Group lies in that Group's graph: the Read stands beside the outermost Group.
            place_beside(node, nuke.toNode(read.beside.partition(".")[0]))
            if read.compare and plate is not None and plate.parent() == node.parent():
                compare(plate, node, read.matte_channel)
        return node.fullName()


def compare(plate: nuke.Node, result: nuke.Node, matte_channel: str) -> nuke.Node:
    """Wire a comparison beside a result, and return its last node, the switch."""
    made = wire_comparison(nuke, plate, result, _known(result, matte_channel))
    for node in made:
        place_beside(node, result)
    return as_node(made[-1])


def compare_reads(result: str, other: str) -> str:
    """Wire a comparison of a result with another; see :meth:`void_nuke.host.host.Host.compare_reads`."""
    with in_root(), one_step("VOID compare"):
        return compare(node_of(other), node_of(result), "").fullName()


def join_views(reads: Mapping[str, str]) -> str:
    """Join the Reads of several views; see :meth:`void_nuke.host.host.Host.join_views`."""
    with in_root(), one_step("VOID views"):
        order = {view: index for index, view in enumerate(nuke.views())}
        found = {view: nuke.toNode(name) for view, name in reads.items() if view in order}
        joins = {view: node for view, node in found.items() if node is not None}
        if len(joins) < len(reads):
            return ""
        for node in joins.values():
            for user in node.dependent(nuke.INPUTS):
                if user.Class() == "JoinViews":
                    return str(user.fullName())
        joined = as_node(nuke.nodes.JoinViews())
        for view, node in joins.items():
            joined.setInput(order[view], node)
        place_beside(joined, next(iter(joins.values())))
        return joined.fullName()


def bake_gizmo(name: str) -> str:
    """Replace a gizmo by a Group; see :meth:`void_nuke.host.host.Host.bake_gizmo`."""
    gizmo: Any = node_of(name)
    if not isinstance(gizmo, nuke.Gizmo):
        raise SelectionError(f"{name} is no gizmo; it is already a Group")
    with gizmo.parent(), one_step("VOID bake"):
        group = gizmo.makeGroup()
        group.setXYpos(gizmo.xpos(), gizmo.ypos())
        for index in range(gizmo.inputs()):
            group.setInput(index, gizmo.input(index))
        for user in gizmo.dependent(nuke.INPUTS | nuke.HIDDEN_INPUTS):
            for index in range(user.inputs()):
                fed_by = user.input(index)
                if fed_by is not None and fed_by.fullName() == gizmo.fullName():
                    user.setInput(index, group)
        own = gizmo.name()
        nuke.delete(gizmo)
        group.setName(own)
        return str(group.fullName())


def read_of(job_id: str) -> nuke.Node | None:
    """Return the Read of a job; None when there is none."""
    for node in all_nodes("Read"):
        knob = node.knob(JOB_KNOB)
        if knob is not None and knob.value() == job_id:
            return node
    return None


def _reload(node: nuke.Node) -> None:
    """Have the Read look at its files again: more frames may have come since it last did."""
    button: Any = node.knob("reload")
    if button is not None:
        button.execute()


def _known(result: nuke.Node, channel: str) -> str:
    """Make a channel of the result known to the script, and return it; empty for none. A Read brings its
    layers in when it opens its files, and no knob takes a channel before that."""
    if not channel:
        return ""
    try:
        channel = newest_edition(channel, result.channels())  # opens the files
    except RuntimeError as error:
        _log.warning("%s does not open yet (%s)", result.fullName(), error)
    if channel not in nuke.channels():
        nuke.Layer(channel.partition(".")[0], [channel])
    return channel


def _new_read() -> nuke.Node:
    node = as_node(nuke.nodes.Read())
    node.setName("VoidResult1")
    add_own_knob(node, JOB_KNOB, "VOID job")
    return node


def _format(width: int, height: int, pixel_aspect: float) -> nuke.Format:
    """Return the script's format of this size; where it has none, make one."""
    wanted = (width, height, 0, 0, width, height, round(pixel_aspect, 4))
    for known in nuke.formats():
        window = (known.width(), known.height(), known.x(), known.y(), known.r(), known.t())
        if (*window, round(known.pixelAspect(), 4)) == wanted:
            return known
    return nuke.addFormat(f"{width} {height} {pixel_aspect:g} void_{width}x{height}_{pixel_aspect:g}")


def _box(node: nuke.Node) -> NodeBox:
    width, height = node.screenWidth() or _NODE_SIZE[0], node.screenHeight() or _NODE_SIZE[1]
    return NodeBox(int(node.xpos()), int(node.ypos()), int(width), int(height))


def place_beside(node: Any, plate: nuke.Node | None) -> None:
    """Place a node where there is room beside another one."""
    others = [other for other in nuke.allNodes() if other.fullName() != node.fullName()]
    beside = _box(plate) if plate is not None else NodeBox(0, 0, 0, 0)
    own = _box(node)
    node.setXYpos(*free_place(beside, (own.width, own.height), [_box(other) for other in others]))
