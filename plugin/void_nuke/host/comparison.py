"""Builds a comparison: plate, result, wipe, difference and matte on one switch. It imports no host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

Node = Any
"""A node of the host. A test compares every call on it with the host's stubs."""

VIEWS = ("plate", "result", "wipe", "difference", "matte")
"""What the switch shows, in the order of its inputs."""
_WIPE = "wipe"


def newest_edition(channel: str, channels: Iterable[str]) -> str:
    """Return the channel of a result's own layer. Layers of an earlier removal, which were in the plate
    already, keep their names, so that of ``matte``, ``matte_2`` and ``matte_3`` the last is the result's own.
    """
    layer, _, component = channel.partition(".")
    form = re.compile(rf"{re.escape(layer)}(?:_(\d+))?\.{re.escape(component)}")
    found = {int(match[1] or 1): name for name in channels if (match := form.fullmatch(name))}
    return found[max(found)] if found else channel


def wire_comparison(nuke: Any, plate: Node, result: Node, matte_channel: str) -> list[Node]:
    """Make and connect the nodes, the switch last. The result is keyed into the plate by its matte.

    Args:
        nuke: the host's module.
        plate: the plate's node, or that of another result.
        result: the Read of the result.
        matte_channel: the result's channel that says what was replaced; empty for none.
    """
    nodes = nuke.nodes
    made: list[Node] = []
    shown = result
    if matte_channel:
        shown = nodes.Keymix()
        shown.setInput(0, plate)
        shown.setInput(1, result)
        shown.setInput(2, result)
        shown["maskChannel"].setValue(matte_channel)
        made.append(shown)
    edge = nodes.Expression()
    edge.setInput(0, result)
    slider = nuke.Double_Knob(_WIPE, "Wipe")
    tab = nuke.Tab_Knob("void_wipe", "VOID")
    edge.addKnob(tab)
    edge.addKnob(slider)
    edge[_WIPE].setValue(0.5)
    edge["expr3"].setValue(f"x > width * {_WIPE}")
    edge["label"].setValue("wipe: plate on the left, result on the right")
    wiped = nodes.Keymix()
    wiped.setInput(0, plate)
    wiped.setInput(1, shown)
    wiped.setInput(2, edge)
    wiped["maskChannel"].setValue("rgba.alpha")
    difference = nodes.Merge2()
    difference.setInput(0, plate)
    difference.setInput(1, result)
    difference["operation"].setValue("difference")
    views = [plate, shown, wiped, difference]
    made += [edge, wiped, difference]
    if matte_channel:
        matte = nodes.Copy()
        matte.setInput(0, plate)
        matte.setInput(1, result)
        for index, channel in enumerate(("red", "green", "blue")):
            matte[f"from{index}"].setValue(matte_channel)
            matte[f"to{index}"].setValue(f"rgba.{channel}")
        views.append(matte)
        made.append(matte)
    switch = nodes.Switch()
    for index, view in enumerate(views):
        switch.setInput(index, view)
    switch["which"].setValue(1)
    names = "  ".join(f"{index} {name}" for index, name in enumerate(VIEWS[: len(views)]))
    switch["label"].setValue(f"VOID compare\n{names}")
    return [*made, switch]
