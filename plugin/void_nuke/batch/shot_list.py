"""Reads the list of removals for a terminal: plate, shapes and output for each shot of a sequence.

The file is JSON and is described in ``docs/nuke.md``. Nothing here imports the host's module.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
from msgspec import Struct

from void_nuke.errors import SelectionError
from void_nuke.export.frame_range import choose_range
from void_nuke.export.pick import AnchorChoice, MatteChoice, RemovalPick
from void_nuke.host.host import Host, RotoElement
from void_protocol.job import DEFAULT_LAYERS, Compression, ResultLayer, Role, Settings


class MatteWanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node that gives the matte of a role."""

    role: Role
    node: str
    channel: str = "rgba.alpha"
    inverted: bool = False


class CleanFrameWanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A frame of the shot that is clean already, and the node that shows it."""

    frame: int
    node: str
    at: int | None = None
    """The frame at which the node shows it; null for the same."""


class ShotWanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One removal that the list asks for."""

    name: str
    """The shot's name. The job's file and its folder get it too."""
    plate: str
    """The node that gives the plate."""
    output: str
    """Pattern of the result. ``{name}`` becomes the shot's name and ``{version}`` the next free version."""
    script: str = ""
    """The script that has the nodes; empty for the one on the command line."""
    roto: str = ""
    roles: dict[str, Role] = {}
    """Roles by the path of a roto element (``Root/arm/hand``), or by a pattern of paths (``Root/remove/*``).
    The first entry that matches an element counts."""
    mattes: list[MatteWanted] = []
    clean_frames: list[CleanFrameWanted] = []
    frames: str = ""
    """A range such as ``1001-1050``; empty for all frames that the plate has."""
    handles: int = 0
    view: str = ""
    """The stereo view; empty for the script's first."""
    shapes_only: bool = False
    settings: Settings = Settings()
    """Settings as in a job (``docs/job.md``)."""
    compression: Compression = "zip"
    layers: tuple[ResultLayer, ...] = DEFAULT_LAYERS


def read_shots(path: Path) -> list[ShotWanted]:
    """Read the shots of a list.

    Raises:
        SelectionError: when the file cannot be read, or has something that no shot has; it names what.
    """
    try:
        shots = msgspec.json.decode(path.read_bytes(), type=list[ShotWanted])
    except OSError as error:
        raise SelectionError(f"the list {path} cannot be read ({error.strerror}); check its path") from error
    except msgspec.DecodeError as error:
        raise SelectionError(f"the list {path}: {error}; docs/nuke.md describes it") from error
    names = [shot.name for shot in shots]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SelectionError(f"the list {path} has {', '.join(twice)} more than once; give each its own name")
    bad = [name for name in names if not name or any(sign in name for sign in "/\\:")]
    if bad:
        raise SelectionError(f"{bad[0]!r} cannot name a job's file; leave out / \\ and :")
    return shots


def pick_of(host: Host, shot: ShotWanted) -> RemovalPick:
    """Turn a shot of the list into a pick from the script that is open.

    Raises:
        SelectionError: when nodes, shapes or frames are not there.
    """
    plate = host.plate(shot.plate)
    frames = choose_range(
        "typed" if shot.frames else "plate",
        plate.frames,
        host.script_ranges(),
        typed=shot.frames,
        handles=shot.handles,
    )
    pick = RemovalPick(
        plate=shot.plate,
        frames=frames,
        output_pattern=shot.output.replace("{name}", shot.name),
        roto=shot.roto,
        roles=_roles_of(host.roto_elements(shot.roto), shot) if shot.roto else {},
        mattes=tuple(
            MatteChoice(role=one.role, node=one.node, channel=one.channel, inverted=one.inverted)
            for one in shot.mattes
        ),
        anchors=tuple(
            AnchorChoice(one.frame, one.node, one.frame if one.at is None else one.at)
            for one in shot.clean_frames
        ),
        settings=shot.settings,
        shapes_only=shot.shapes_only,
        view=shot.view or plate.views[0],
        shot_name=shot.name,
        compression=shot.compression,
        layers=shot.layers,
    )
    pick.check()
    return pick


def _roles_of(elements: Sequence[RotoElement], shot: ShotWanted) -> dict[str, Role]:
    """Return roles by path. A pattern that matches nothing is an error, because an object would stay in the
    shot."""
    found: dict[str, Role] = {}
    used: set[str] = set()
    for element in elements:
        for pattern, role in shot.roles.items():
            if element.path == pattern or fnmatchcase(element.path, pattern):
                found.setdefault(element.path, role)
                used.add(pattern)
    unused = [pattern for pattern in shot.roles if pattern not in used]
    if unused:
        there = ", ".join(element.path for element in elements) or "no shapes at all"
        raise SelectionError(f"{shot.roto} has no {', '.join(unused)}; it has {there}")
    return found
