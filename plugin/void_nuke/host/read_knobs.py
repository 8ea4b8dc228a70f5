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
_LOCALISED = frozenset({"on", "onDemand"})
"""Values of ``localizationPolicy`` with which a Read's files are copied to this machine."""
_RETIMING = frozenset(
    {
        "TimeOffset", "FrameHold", "FrameRange", "Retime", "TimeWarp", "TimeClip", "AppendClip", "FrameBlend",
        "TimeBlur", "TimeEcho", "OFlow", "OFlow2", "Kronos",
    }
)  # fmt: skip
"""Classes of nodes after which a frame number means another frame, or after which other frames exist."""


def passing_read(node: Node) -> Node | None:
    """Return the Read whose picture ``node`` passes on unchanged, or None."""
    at: Node | None = node
    while at is not None and at.Class() != "Read":
        if at.Class() not in _PASSING and not _is_off(at):
            return None
        at = at.input(0)
    if at is not None and bool(at["disable"].value()):
        return None
    return at


def retiming_above(roto: Node, plate: Node) -> Node | None:
    """Return the node between a plate and a roto node below it that moves frames, the last one before the
    roto; None where there is none, or the plate is not above the roto."""
    moved: Node | None = None
    at = roto.input(0)
    while at is not None and at.fullName() != plate.fullName():
        if moved is None and at.Class() in _RETIMING and not _is_off(at):
            moved = at
        at = at.input(0)
    return moved if at is not None else None


def _is_off(node: Node) -> bool:
    """Return whether a node is disabled, and so passes its first input on, and nothing animates the
    switch."""
    switch = node.knob("disable")
    return (
        switch is not None and bool(switch.value()) and not switch.hasExpression() and not switch.isAnimated()
    )


def read_file(read: Node, evaluated: str, cache: str = "") -> str:
    """Return the path of a Read's files with its frame token; empty when nobody can say.

    Args:
        read: the Read.
        evaluated: what the host gives as its path, with expressions evaluated. Of a Read whose files were
        copied to
            this machine that may be the copy, which no other machine has and which may be removed at any
            time.
        cache: the folder of such copies; empty where the host does not say.
    """
    text = str(read["file"].value())
    if text and not any(sign in text for sign in "[$\\") and Path(text).is_absolute():
        return text
    policy = read.knob("localizationPolicy")
    how = "off" if policy is None else str(policy.value())
    path = Path(evaluated)
    # Reads are set to fromAutoLocalizePath unless somebody changed that, whether or not anything is copied.
    is_copy = how in _LOCALISED or "localize" in path.parts or (bool(cache) and Path(cache) in path.parents)
    return "" if how != "off" and is_copy else evaluated


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
    """Return the Read's colour space, as in :attr:`void_nuke.host.host.PlateInfo.colour_space`. ``default
    (x)`` is told as x: what a default is depends on the file, and the result is another file."""
    if read["raw"].value():
        return "raw"
    name = str(read["colorspace"].value())
    inner = name.partition("(")[2].rpartition(")")[0].strip()
    return inner if name.lower().startswith("default") and inner else name


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
    # Nuke writes the default of a file type as "default (x)", and some configurations offer x only in that
    # form.
    for name in (colour_space, f"default ({colour_space})"):
        try:
            node["colorspace"].setValue(name)
        except (TypeError, ValueError):
            continue
        if str(node["colorspace"].value()) == name:
            return
    # The result's pixels are those of the plate's files, which the plate's Read leaves as they are.
    node["raw"].setValue(True)
