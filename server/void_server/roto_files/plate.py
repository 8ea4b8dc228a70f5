"""Which Read feeds a roto node, and what lies between the two.

Nodes that only change colours let the plate's own files stand for what the artist saw; a Reformat moves the
picture in a way that can be told, and the shapes are moved back by it. What bends the picture, or shifts it
in time, is refused by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from void_server.roto_files.animation import Floats
from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.node_classes import COLOUR_OR_FILTER, MOVES, RETIMES, SAME_PICTURE
from void_server.roto_files.script import Script, ScriptNode

_MOST_STEPS = 10_000
_FORMAT = re.compile(r"\s*(\d{1,6})\s+(\d{1,6})((?:\s+\S+)*)")
_SEQUENCE_WORDS = re.compile(r"\s+(-?\d+)-(-?\d+)\s*$")


@dataclass(frozen=True)
class Size:
    """A format: its size in pixels, and how wide a pixel is."""

    width: int
    height: int
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class FoundPlate:
    """The plate that a Read shows to a roto node."""

    read: str
    """The Read's name."""
    pattern: str
    first: int | None
    """Number of the first file; None where the script does not say."""
    last: int | None
    frame_offset: int = 0
    """What is added to a file's number to get the script's frame."""
    colour_space: str | None = None
    """The Read's colour space; None where it is the default or the file is read raw."""
    format: Size | None = None
    """The Read's format as the script has it."""
    reformats: tuple[ScriptNode, ...] = ()
    """The Reformats on the way from the Read to the roto node."""
    passed: tuple[str, ...] = field(default=())
    """Nodes on the way that change the picture's colours, which the job's plate has not."""


def find_plate(script: Script, roto: ScriptNode, name: str) -> FoundPlate:
    """Follow the first input of a roto node up to its Read.

    Args:
        script: the script.
        roto: one of its nodes.
        name: the script's file, for errors.

    Raises:
        RotoFileError: when there is no Read, or something between cannot be carried; it is named.
    """
    reformats: list[ScriptNode] = []
    passed: list[str] = []
    here, came_from = _input(roto, 0), roto
    for _ in range(_MOST_STEPS):
        if here is None:
            raise RotoFileError(
                f"{name}: nothing feeds "
                f"{roto.path}{'' if came_from is roto else f' ({came_from.path} has no input)'}; "
                "name its plate with --plate"
            )
        if here.class_name in ("Read", "DeepRead"):
            return _plate_of(script, here, tuple(reversed(reformats)), tuple(passed), name)
        step, came_from = here, here
        here = _next(step, roto, name, script)
        if step.is_on("disable"):
            continue
        if step.class_name == "Reformat":
            reformats.append(step)
        elif step.class_name in COLOUR_OR_FILTER:
            passed.append(step.path)
    raise RotoFileError(f"{name}: the nodes above {roto.path} go round in a circle; give --plate")


def _next(node: ScriptNode, roto: ScriptNode, name: str, script: Script) -> ScriptNode | None:
    """Return the node that gives ``node`` its picture."""
    kind = node.class_name
    if node.is_on("disable") or kind in SAME_PICTURE or kind in COLOUR_OR_FILTER or kind == "Reformat":
        return _input(node, 0)
    if kind == "Crop" and not node.is_on("reformat"):
        return _input(node, 0)
    if kind == "Switch":
        which = node.text("which", "0").strip()
        if which.isdigit() and len(which) < 9:
            return _input(node, int(which))
        raise _refused(node, roto, name, f"chooses its input by '{which}', which only Nuke can tell")
    if kind == "Input" and node.group is not None:
        inside = [one for one in script.nodes if one.group is node.group and one.class_name == "Input"]
        return _input(node.group, _input_number(node, inside))
    if not node.inputs and node.text("inputs", "1").strip() == "0":
        raise RotoFileError(
            f"{name}: {roto.path} is fed by {node.path} ({kind}), which is no Read; give --plate"
        )
    if kind in RETIMES:
        raise _refused(node, roto, name, "moves the picture in time")
    if kind in MOVES:
        raise _refused(node, roto, name, "moves or bends the picture")
    raise _refused(node, roto, name, "does something to the picture that the text does not say")


def _refused(node: ScriptNode, roto: ScriptNode, name: str, what: str) -> RotoFileError:
    return RotoFileError(
        f"{name}: {node.path} ({node.class_name}), between {roto.path} and its Read, {what}; render the "
        f"plate as "
        "the roto node sees it and name it with --plate"
    )


def _input(node: ScriptNode, number: int) -> ScriptNode | None:
    return node.inputs[number] if number < len(node.inputs) else None


def _input_number(node: ScriptNode, inside: list[ScriptNode]) -> int:
    written = node.text("number").strip()
    if written.isdigit() and len(written) < 9:
        return int(written)
    return inside.index(node) if node in inside else 0


def _plate_of(
    script: Script, read: ScriptNode, reformats: tuple[ScriptNode, ...], passed: tuple[str, ...], name: str
) -> FoundPlate:
    where = f"{name}: {read.path}"
    pattern = read.text("file").strip()
    if not pattern:
        raise RotoFileError(f"{where} names no file; name the plate with --plate")
    first, last = _frame(read, "first"), _frame(read, "last")
    words = _SEQUENCE_WORDS.search(pattern)
    if words:
        pattern, first, last = pattern[: words.start()], int(words.group(1)), int(words.group(2))
    if "[" in pattern or pattern.startswith("="):
        raise RotoFileError(
            f"{where} has an expression in its path ({pattern}), which only Nuke can evaluate; name the "
            f"plate with --plate"
        )
    if pattern.startswith("{"):
        raise RotoFileError(f"{where} has not one path but {pattern}; name the plate with --plate")
    folder = script.root.text("project_directory").strip()
    if not re.match(r"[/\\]|[A-Za-z]:", pattern) and folder:
        if "[" in folder:
            raise RotoFileError(
                f"{where} starts from the script's project directory ({folder}), which only Nuke can "
                f"evaluate; name the "
                "plate with --plate"
            )
        pattern = f"{folder.rstrip('/')}/{pattern}"
    colour = None if read.is_on("raw") else _colour_space(read.text("colorspace").strip())
    return FoundPlate(
        read.path, pattern, first, last, _offset(read, first, where), colour, _format(script, read),
        reformats, passed,
    )  # fmt: skip


def _format(script: Script, read: ScriptNode) -> Size | None:
    """Return a Read's format: where it says none of its own, the script's, which is that knob's default."""
    return size_of(read.text("format")) if read.text("format") else size_of(script.root.text("format"))


def _frame(read: ScriptNode, knob: str) -> int | None:
    text = read.text(knob).strip()
    return int(text) if re.fullmatch(r"-?\d{1,8}", text) else None


def _offset(read: ScriptNode, first: int | None, where: str) -> int:
    """Return what is added to a file's number to get the script's frame."""
    frame = read.text("frame").strip()
    if frame in ("", "frame"):
        return 0
    mode = read.text("frame_mode", "expression").strip()
    if re.fullmatch(r"-?\d{1,8}", frame):
        if mode in ("start at", "start_at", "1"):
            # A Read that says no first file begins at 1, the knob's default.
            return int(frame) - (1 if first is None else first)
        if mode in ("offset", "2"):
            return -int(frame)
    raise RotoFileError(
        f"{where} moves its frames ({mode} '{frame}'), which only Nuke can evaluate; name the plate "
        f"with --plate"
    )


def _colour_space(text: str) -> str | None:
    """Return a colour space without Nuke's decoration ``default (...)``, or None for the default."""
    inner = re.fullmatch(r"default\s*(?:\((.*)\))?", text)
    name = (inner.group(1) or "") if inner else text
    return name.strip() or None


def size_of(text: str) -> Size | None:
    """Return the size that a format knob says: ``width height x y r t aspect name``, or None for a name
    alone."""
    match = _FORMAT.match(text)
    if not match:
        return None
    width, height = int(match.group(1)), int(match.group(2))
    rest = match.group(3).split()
    try:
        aspect = float(rest[4]) if len(rest) > 4 else 1.0
    except ValueError:
        aspect = 1.0
    return Size(width, height, aspect) if width and height else None


def placed_on_plate(plate: FoundPlate, size: Size, name: str) -> Floats:
    """Return what brings the roto node's picture back onto the plate, float64 of shape (3, 3).

    Args:
        plate: the plate with the Reformats that follow it.
        size: the plate's own format.
        name: the script's file, for errors.

    Raises:
        RotoFileError: when a Reformat does something that its text does not say.
    """
    onwards: Floats = np.eye(3)
    here = size
    for node in plate.reformats:
        step, here = _reformat(node, here, name)
        onwards = step @ onwards
    return np.asarray(np.linalg.inv(onwards), np.float64)


def _reformat(node: ScriptNode, source: Size, name: str) -> tuple[Floats, Size]:
    """Return what a Reformat does to places, and the format that it makes."""
    where = f"{name}: {node.path} (Reformat)"
    kind = node.text("type", "to format").strip()
    target = _target(node, kind, source, where)
    if any(node.is_on(knob) for knob in ("flip", "flop", "turn")):
        raise RotoFileError(f"{where} turns the picture over; name what comes out of it with --plate")
    resize = node.text("resize", "width").strip()
    wide = target.width / source.width
    tall = target.height / source.height
    squeeze = source.pixel_aspect / target.pixel_aspect
    if kind == "scale" or resize == "distort":
        sx, sy = wide, tall
    elif resize == "none":
        sx, sy = 1.0, 1.0
    else:
        by_width, by_height = wide / squeeze, tall
        scale = {
            "width": by_width,
            "height": by_height,
            "fit": min(by_width, by_height),
            "fill": max(by_width, by_height),
        }.get(resize)
        if scale is None:
            raise RotoFileError(f"{where} resizes by '{resize}', which is not known; give --plate")
        sx, sy = scale * squeeze, scale
    dx = dy = 0.0
    if node.text("center", "true").strip().lower() in ("true", "1"):
        dx, dy = (target.width - sx * source.width) / 2.0, (target.height - sy * source.height) / 2.0
    return np.array([[sx, 0.0, dx], [0.0, sy, dy], [0.0, 0.0, 1.0]]), target


def _target(node: ScriptNode, kind: str, source: Size, where: str) -> Size:
    try:
        if kind == "to format":
            target = size_of(node.text("format"))
            if target is None:
                raise ValueError
            return target
        if kind == "to box":
            width = int(float(node.text("box_width", "200")))
            fixed = node.is_on("box_fixed")
            height = (
                int(float(node.text("box_height", "200")))
                if fixed
                else round(width * source.height / source.width)
            )
            if min(width, height) < 1:
                raise ValueError
            return Size(width, height, float(node.text("box_pixel_aspect", "1")) or 1.0)
        if kind == "scale":
            parts = [float(part) for part in node.text("scale", "1").strip("{} ").split()] or [1.0]
            sx, sy = parts[0], parts[-1]
            width, height = round(source.width * sx), round(source.height * sy)
            if min(width, height) < 1 or len(parts) > 2:
                raise ValueError
            return Size(width, height, source.pixel_aspect)
    except (ValueError, OverflowError):
        pass
    raise RotoFileError(
        f"{where} has no format that its text tells ({kind} "
        f"'{node.text('format') or node.text('scale')}'); name the "
        "plate as it comes out of it with --plate"
    )
