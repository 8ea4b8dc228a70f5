"""Builds the comparison beside a result: plate, result, difference and matte on one switch. It imports no
host."""

from __future__ import annotations

from typing import Any

Node = Any
"""A node of the host. A test compares every call on it with the host's stubs."""


def wire_comparison(nodes: Any, plate: Node, result: Node, matte_channel: str) -> list[Node]:
    """Make and connect the nodes, the switch last. The result is keyed into the plate by its matte.

    Args:
        nodes: the host's factory of nodes (``nuke.nodes``).
        plate: the plate's node.
        result: the Read of the result.
        matte_channel: the result's channel that says what was replaced; empty for none.
    """
    keyed = nodes.KeyMix()
    keyed.setInput(0, plate)
    keyed.setInput(1, result)
    difference = nodes.Merge2()
    difference.setInput(0, plate)
    difference.setInput(1, result)
    difference["operation"].setValue("difference")
    views = [plate, keyed, difference]
    if matte_channel:
        keyed.setInput(2, result)
        keyed["maskChannel"].setValue(matte_channel)
        matte = nodes.Copy()
        matte.setInput(0, plate)
        matte.setInput(1, result)
        for index, channel in enumerate(("red", "green", "blue")):
            matte[f"from{index}"].setValue(matte_channel)
            matte[f"to{index}"].setValue(f"rgba.{channel}")
        views.append(matte)
    switch = nodes.Switch()
    for index, view in enumerate(views):
        switch.setInput(index, view)
    switch["which"].setValue(1)
    switch["label"].setValue("VOID compare\n0 plate  1 result  2 difference  3 matte")
    return [*views[1:], switch]
