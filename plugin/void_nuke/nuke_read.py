"""The Read node of a result, in Nuke, and the comparison beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import nuke

from .host import ReadBack
from .placement import NodeBox, free_place

_log = logging.getLogger(__name__)
_JOB_KNOB = "void_job_id"
_SIZE = (80, 80)
"""Of a node whose size Nuke does not know yet (a terminal)."""


def add_read(read: ReadBack) -> str:
    """Make the Read node of ``read``, or bring up to date the one of the same job (or of the proxy job that it
    completes). Main thread. One undo step.

    Returns:
        The node's full name.
    """
    with _one_step(f"VOID result v of {read.job_id[:8]}"), nuke.root():
        existing = _read_of(read.job_id) or (_read_of(read.replaces_job) if read.replaces_job else None)
        node = existing if existing is not None else _new_read()
        _set_files(node, read)
        _set_colour(node, read.colour_space)
        node["label"].setValue(read.label)
        node[_JOB_KNOB].setValue(read.job_id)
        if existing is None:
            plate = nuke.toNode(read.beside)
            _place(node, plate)
            if read.compare and plate is not None and plate.parent() == node.parent():
                _add_comparison(plate, node, read.matte_channel)
        return node.fullName()


@contextmanager
def _one_step(name: str) -> Iterator[None]:
    nuke.Undo.begin(name)
    try:
        yield
    finally:
        nuke.Undo.end()


def _read_of(job_id: str) -> nuke.Node | None:
    for node in nuke.allNodes("Read"):
        knob = node.knob(_JOB_KNOB)
        if knob is not None and knob.value() == job_id:
            return node
    return None


def _new_read() -> nuke.Node:
    node = cast("nuke.Node", nuke.nodes.Read())
    node.setName("VoidResult1")
    knob = nuke.String_Knob(_JOB_KNOB, "VOID job")
    knob.setFlag(nuke.INVISIBLE)
    node.addKnob(knob)
    return node


def _set_files(node: nuke.Node, read: ReadBack) -> None:
    pattern = Path(read.pattern).as_posix()
    if read.is_proxy:
        # The proxy alone: Nuke scales it up in full-size mode, until the full result comes.
        node["proxy"].setValue(pattern)
        name = f"{read.width} {read.height} 0 0 {read.width} {read.height} 1 "
        node["format"].setValue(_format(read.width, read.height, name))
    else:
        node["file"].setValue(pattern)
    for first, last in (("first", "last"), ("origfirst", "origlast")):
        node[first].setValue(read.frames.first)
        node[last].setValue(read.frames.last)
    node["origset"].setValue(True)
    for knob in ("before", "after"):
        node[knob].setValue("hold")
    node["on_error"].setValue("error")


def _format(width: int, height: int, text: str) -> Any:
    for known in nuke.formats():
        whole = (known.x(), known.y(), known.r(), known.t()) == (0, 0, width, height)
        if whole and (known.width(), known.height()) == (width, height):
            return known
    return nuke.addFormat(f"{text}void_{width}x{height}")


def _set_colour(node: nuke.Node, colour_space: str) -> None:
    if colour_space == "raw":
        node["raw"].setValue(True)
        return
    node["raw"].setValue(False)
    node["colorspace"].setValue(colour_space)


def _box(node: nuke.Node) -> NodeBox:
    width, height = node.screenWidth() or _SIZE[0], node.screenHeight() or _SIZE[1]
    return NodeBox(int(node.xpos()), int(node.ypos()), int(width), int(height))


def _place(node: nuke.Node, plate: nuke.Node | None) -> None:
    others = [other for other in nuke.allNodes() if other.fullName() != node.fullName()]
    beside = _box(plate) if plate is not None else NodeBox(0, 0, 0, 0)
    own = _box(node)
    node.setXYpos(*free_place(beside, (own.width, own.height), [_box(other) for other in others]))


def _add_comparison(plate: nuke.Node, result: nuke.Node, matte_channel: str) -> None:
    """Plate, result, difference and matte on one switch; the result keyed into the plate by its matte."""
    keyed = cast("nuke.Node", nuke.nodes.KeyMix())
    keyed.setInput(0, plate)
    keyed.setInput(1, result)
    difference = cast("nuke.Node", nuke.nodes.Merge2())
    difference.setInput(0, plate)
    difference.setInput(1, result)
    difference["operation"].setValue("difference")
    views = [plate, keyed, difference]
    made = [keyed, difference]
    if matte_channel:
        keyed.setInput(2, result)
        keyed["maskChannel"].setValue(matte_channel)
        matte = cast("nuke.Node", nuke.nodes.Copy())
        matte.setInput(0, plate)
        matte.setInput(1, result)
        for index, channel in enumerate(("red", "green", "blue")):
            matte[f"from{index}"].setValue(matte_channel)
            matte[f"to{index}"].setValue(f"rgba.{channel}")
        views.append(matte)
        made.append(matte)
    switch = cast("nuke.Node", nuke.nodes.Switch())
    for index, view in enumerate(views):
        switch.setInput(index, view)
    switch["which"].setValue(1)
    switch["label"].setValue("VOID compare\n0 plate  1 result  2 difference  3 matte")
    for node in (*made, switch):
        _place(node, result)
