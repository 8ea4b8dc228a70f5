"""Reads the knobs of Read nodes for a plate, and sets them for a result. It imports no host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from void_nuke.host.host import FrameRange, ReadBack
from void_nuke.host.plate_files import ReadSettings

Node = Any
"""A node of the host. A test compares every call on it with the host's stubs."""

_PASSING = frozenset({"Dot", "NoOp"})
"""Classes of nodes that change nothing about the picture."""


def passing_read(node: Node) -> Node | None:
    """Return the Read whose picture ``node`` passes on unchanged, or None."""
    at: Node | None = node
    while at is not None and at.Class() != "Read":
        switch = at.knob("disable")
        # A disabled node passes its first input on, if nothing animates the switch.
        is_off = (
            switch is not None
            and bool(switch.value())
            and not switch.hasExpression()
            and not switch.isAnimated()
        )
        if at.Class() not in _PASSING and not is_off:
            return None
        at = at.input(0)
    if at is not None and bool(at["disable"].value()):
        return None
    return at


def read_settings(read: Node, file: str, working_space: str) -> ReadSettings:
    """Return the settings of a Read that decide whether its files can be used."""
    return ReadSettings(
        file=file,
        frames=FrameRange(int(read["first"].value()), int(read["last"].value())),
        is_raw=bool(read["raw"].value()),
        colour_space=str(read["colorspace"].value()),
        working_space=working_space,
        frame_mode=str(read["frame_mode"].value()),
        frame=str(read["frame"].value()),
    )


def read_colour(read: Node) -> str:
    """Return the Read's colour space, as in :attr:`void_nuke.host.host.PlateInfo.colour_space`."""
    return "raw" if read["raw"].value() else str(read["colorspace"].value())


def set_files(node: Node, read: ReadBack, size: Any) -> None:
    """Set the files and range of a result. ``size`` is the plate's format, for which a proxy stands."""
    pattern = Path(read.pattern).as_posix()
    if read.is_proxy:
        # Only the proxy is set: Nuke scales it up in full-size mode until the full result comes.
        node["proxy"].setValue(pattern)
        node["format"].setValue(size)
    else:
        node["file"].setValue(pattern)
        # A preview made with other settings is not the same picture made smaller; Nuke scales the full one
        # down.
        node["proxy"].setValue("")
    for first, last in (("first", "last"), ("origfirst", "origlast")):
        node[first].setValue(read.frames.first)
        node[last].setValue(read.frames.last)
    node["origset"].setValue(True)
    for knob in ("before", "after"):
        node[knob].setValue("hold")
    node["on_error"].setValue("error")


def set_colour(node: Node, colour_space: str) -> None:
    """Set the Read to a colour space, or to ``raw``."""
    if colour_space == "raw":
        node["raw"].setValue(True)
        return
    node["raw"].setValue(False)
    node["colorspace"].setValue(colour_space)
