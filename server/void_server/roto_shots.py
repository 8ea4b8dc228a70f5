"""Makes a job of roto shapes in another program's file: it chooses shapes by name, and finds their plate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import numpy as np

from void_engine.errors import PlateError
from void_engine.plates.exr.file import read_header
from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.job import MAX_FRAMES, Format, RemovalJob, Role, RotoShape, ShapeFrame
from void_protocol.printable import printable
from void_protocol.view_pattern import for_view
from void_server.roto_files.animation import Floats
from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.model import RotoCurve, RotoFile, RotoNode
from void_server.roto_files.nuke_script import script_views
from void_server.roto_files.plate import FoundPlate, Size, find_plate, placed_on_plate
from void_server.roto_files.readers import read_roto_file
from void_server.shot_files import ShotFiles, absolute_pattern, frames_on_disk, job_from_files

MAX_POINTS_IN_JOB = 2_000_000
"""The most control points, over all frames, that a job file may hold."""
_LINEAR = "linear"
"""Nuke's own configuration calls pixels so that stay as they are in the file."""
_WILD = frozenset("*?[")


@dataclass(frozen=True, kw_only=True)
class RotoWanted:
    """Which shapes of a file become which roles."""

    file: Path
    node: str | None = None
    """The roto node by its name or path; None for the only one of the file."""
    view: str | None = None
    roles: Mapping[Role, Sequence[str]]
    """By role, patterns of shapes' names or paths, as a shell has them."""


@dataclass(frozen=True)
class RotoJob:
    """A job, with what its maker should know."""

    job: RemovalJob
    remarks: tuple[str, ...]


def job_from_roto(wanted: RotoWanted, files: ShotFiles) -> RotoJob:
    """Make the job.

    Args:
        wanted: the shapes.
        files: everything else; an empty plate is looked for in the file.

    Raises:
        RotoFileError: when the file cannot be read, a shape cannot be carried, or no plate is found.
        PlateError: when the plate is not there and the file does not say enough about it.
    """
    source = read_roto_file(wanted.file, wanted.view)
    node = choose_node(source, wanted.node)
    chosen, remarks = choose_curves(node, wanted)
    remarks += _node_remarks(node)
    offset, placed = 0, np.eye(3)
    views = ["main"] if source.script is None else script_views(source.script)
    view = wanted.view or views[0]
    files = replace(files, view=view)
    if not files.plate:
        found = _plate_of(source, node)
        files, notes = _with_plate(files, found, wanted.file, view)
        offset = found.frame_offset
        placed = _placed(found, files, source.path)
        remarks += notes
    if files.frames is None:
        files = replace(files, frames=frames_on_disk(files))
    shapes = bake(chosen, files.frames or (1, 1), offset, placed, source.path)
    job = job_from_files(replace(files, shapes=shapes))
    size = (job.shot.format.width, job.shot.format.height)
    if source.width and size != (source.width, source.height):
        raise RotoFileError(
            f"{source.path} was drawn on a picture of {source.width}x{source.height}, and the plate is "
            f"{size[0]}x{size[1]}; name the plate that it was drawn on"
        )
    return RotoJob(job, tuple(remarks))


def choose_node(source: RotoFile, name: str | None) -> RotoNode:
    """Return the node of this name or path.

    Raises:
        RotoFileError: when there is none, or several and none is named.
    """
    nodes = [node for node in source.nodes if any(curve.kind != "warp" for curve in node.curves)]
    known = ", ".join(node.name for node in nodes[:20]) + (" ..." if len(nodes) > 20 else "")
    if name is None:
        if len(nodes) == 1:
            return nodes[0]
        if not nodes:
            raise RotoFileError(f"{source.path} holds no roto shapes")
        raise RotoFileError(f"{source.path} has {len(nodes)} roto nodes; name one with --roto: {known}")
    found = [node for node in source.nodes if node.name == name]
    found = found or [node for node in source.nodes if node.name.rsplit(".", 1)[-1] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise RotoFileError(
            f"{source.path} has {len(found)} roto nodes called {name}; name one with its group: "
            f"{', '.join(node.name for node in found)}"
        )
    raise RotoFileError(f"{source.path} has no roto node {name!r}" + (f"; it has {known}" if known else ""))


def choose_curves(node: RotoNode, wanted: RotoWanted) -> tuple[list[tuple[Role, RotoCurve]], list[str]]:
    """Return the curves of each role, and remarks about them.

    A pattern with wild cards leaves out what cannot be carried and says so; a plain name has to be carried.

    Raises:
        RotoFileError: when a pattern names nothing that can be carried, or two roles want one shape.
    """
    chosen: list[tuple[Role, RotoCurve]] = []
    remarks: list[str] = []
    taken: dict[int, Role] = {}
    if not any(wanted.roles.values()):
        raise RotoFileError(
            f"say which shapes of {node.name} are what, with --remove and --affected; it has {_names(node)}"
        )
    for role, patterns in wanted.roles.items():
        for pattern in patterns:
            found = [(at, curve) for at, curve in enumerate(node.curves) if _matches(curve, pattern)]
            if not found:
                raise RotoFileError(f"{node.name} has no shape {pattern!r}; it has {_names(node)}")
            refused = [f"{curve.path}: {curve.why}" for _, curve in found if not curve.carried]
            if refused and (not _WILD & set(pattern) or len(refused) == len(found)):
                raise RotoFileError(
                    f"{node.name}: --{role} {pattern}: what it names cannot be carried: "
                    f"{'; '.join(refused[:10])}"
                )
            remarks += [f"left out: {text}" for text in refused]
            for at, curve in found:
                if not curve.carried:
                    continue
                if taken.setdefault(at, role) != role:
                    raise RotoFileError(f"{node.name}: {curve.path} is named for both {taken[at]} and {role}")
                if not any(curve is other for _, other in chosen):
                    chosen.append((role, curve))
                    remarks += [f"{curve.path}: {text}" for text in curve.remarks]
    return chosen, remarks


def _node_remarks(node: RotoNode) -> list[str]:
    """Say what the node itself does to its matte, which its shapes do not tell."""
    if node.node is None:
        return []
    remarks = []
    masks = [one.path for one in node.node.inputs[node.node.plain_inputs :] if one is not None]
    if masks:
        remarks.append(f"the mask of {node.name} ({', '.join(masks)}) is not carried")
    if node.node.text("motionblur_mode").strip() == "global":
        remarks.append(f"the motion blur of {node.name} is not carried")
    return remarks


def _matches(curve: RotoCurve, pattern: str) -> bool:
    short = curve.path.partition("/")[2]
    return any(fnmatchcase(name, pattern) for name in (curve.name, curve.path, short))


def _names(node: RotoNode) -> str:
    names = list(dict.fromkeys(curve.name for curve in node.curves))
    return ", ".join(names[:20]) + (" ..." if len(names) > 20 else "") if names else "none"


def bake(
    chosen: Sequence[tuple[Role, RotoCurve]], frames: tuple[int, int], offset: int, placed: Floats, name: str
) -> list[RotoShape]:
    """Sample the curves at every frame of the plate.

    Args:
        chosen: the curves with their roles.
        frames: the first number of the plate's files and the last.
        offset: what is added to a file's number to get the frame of the roto file.
        placed: what brings the roto file's picture onto the plate, float64 of shape (3, 3).
        name: the file, for errors.

    Raises:
        RotoFileError: when there would be more frames or points than a job may have.
    """
    first, last = frames
    count = last - first + 1
    if not 0 < count <= MAX_FRAMES:
        raise RotoFileError(f"{name}: {first}-{last} is no range that a job can have; give --frames")
    points = count * sum(curve.points for _, curve in chosen)
    if points > MAX_POINTS_IN_JOB:
        raise RotoFileError(
            f"{name}: {points:,} control points over {count} frames are more than the "
            f"{MAX_POINTS_IN_JOB:,} of a job; "
            "give fewer --frames or fewer shapes"
        )
    shapes: list[RotoShape] = []
    for shape_name, (role, curve) in zip(_job_names(chosen), chosen, strict=True):
        assert curve.geometry is not None  # only such are chosen
        numbers = range(first, last + 1)
        baked = curve.geometry.bake([number + offset for number in numbers], placed)
        shapes.append(RotoShape(name=shape_name, role=role, frames=list(_numbered(baked, numbers))))
    return shapes


def _numbered(baked: Sequence[ShapeFrame], numbers: range) -> Iterator[ShapeFrame]:
    for frame, number in zip(baked, numbers, strict=True):
        yield frame if frame.frame == number else msgspec.structs.replace(frame, frame=number)


def _job_names(chosen: Sequence[tuple[Role, RotoCurve]]) -> list[str]:
    """Return a name for each shape, without what a job's names may not hold; a second of one name gets
    ``#2``."""
    seen: dict[str, int] = {}
    names = []
    for _, curve in chosen:
        text = printable(curve.path.removeprefix("Root/"))[-240:] or "shape"
        seen[text] = seen.get(text, 0) + 1
        names.append(text if seen[text] == 1 else f"{text}#{seen[text]}")
    return names


# --- the plate
# -----------------------------------------------------------------------------------------------


def _plate_of(source: RotoFile, node: RotoNode) -> FoundPlate:
    if source.script is None or node.node is None:
        raise RotoFileError(
            f"{source.path} is a {source.format_name} and names no plate; give it with --plate"
        )
    return find_plate(source.script, node.node, source.path)


def _with_plate(files: ShotFiles, found: FoundPlate, script: Path, view: str) -> tuple[ShotFiles, list[str]]:
    """Return the files with the plate that the script names for a view, and remarks about it."""
    if not found.pattern.lower().endswith(".exr"):
        raise RotoFileError(
            f"{found.read} reads {found.pattern}, which is no EXR; convert it with 'void ingest' and "
            f"name the result with "
            "--plate"
        )
    pattern = absolute_pattern(for_view(found.pattern, view), script.parent)
    remarks = [f"the plate is {pattern}, read by {found.read}"]
    if found.passed:
        remarks.append(f"the plate is without {', '.join(found.passed)}, which change its colours on the way")
    frames = files.frames
    if frames is None and (found.last is not None or not _is_on_disk(pattern)):
        # A script leaves out what is as it was in a new Read, which reads frame 1.
        frames = (1 if found.first is None else found.first, 1 if found.last is None else found.last)
    colour = files.colour_space or ("scene_linear" if found.colour_space == _LINEAR else found.colour_space)
    files = replace(files, plate=pattern, frames=frames, colour_space=colour)
    if frames is not None and found.format is not None and not _is_there(pattern, frames[0]):
        size = found.format
        files = replace(
            files, format=Format(width=size.width, height=size.height, pixel_aspect=size.pixel_aspect)
        )
        remarks.append(
            f"the plate is not on this machine; its size, {size.width}x{size.height}, is the script's word"
        )
    return files, remarks


def _is_on_disk(pattern: str) -> bool:
    parsed = FramePattern.parse(pattern)
    try:
        return parsed.path(1).exists() if parsed.is_still else bool(parsed.frames_on_disk())
    except PlateError:
        return False


def _is_there(pattern: str, frame: int) -> bool:
    return FramePattern.parse(pattern).path(frame).exists()


def _placed(found: FoundPlate, files: ShotFiles, name: str) -> Floats:
    """Return what brings the roto node's picture onto the plate, float64 of shape (3, 3)."""
    if not found.reformats:
        return np.eye(3)
    if files.format is not None:
        size = Size(files.format.width, files.format.height, files.format.pixel_aspect)
    else:
        pattern = FramePattern.parse(files.plate)
        frame = (files.frames or frames_on_disk(files))[0]
        header = read_header(pattern.path(frame), frame)
        size = Size(*header.display_size, header.pixel_aspect)
    return placed_on_plate(found, size, name)
