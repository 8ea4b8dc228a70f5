"""Makes a job from files on disk (a plate pattern, mattes, a frame range) for those without a host that
exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from void_engine.colour.primaries import REC709_CHROMATICITIES, REC709_SPACE
from void_engine.errors import PlateError
from void_engine.plates.exr.file import read_header
from void_engine.plates.frame.header import FrameHeader
from void_engine.plates.frame.picture import NO_VIEW, resolve_picture
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.typed import canonical, find_files, numbers_of
from void_protocol.job import Format, Output, RemovalJob, Role, RotoShape, Settings, Shot
from void_protocol.view_pattern import for_view, names_view
from void_server.shot_pictures import PictureRules, exr_matte, exr_plate, exr_quadmask


@dataclass(frozen=True, kw_only=True)
class ShotFiles:
    """Where a shot's files are and what to do with them."""

    plate: str
    """Pattern of the plate; it may be relative to ``base``."""
    output: str
    """Pattern of the result; ``{version}`` becomes ``v001``."""
    frames: tuple[int, int] | None = None
    """First and last frame, both included; None for all frames on disk."""
    remove: Sequence[str] = ()
    """Mattes of what goes, each as ``PATTERN[:CHANNEL]``."""
    affected: Sequence[str] = ()
    ignore: Sequence[str] = ()
    quadmask: str | None = None
    """Pattern of a quadmask as ``void ingest --quadmask`` writes it."""
    shapes: Sequence[RotoShape] = ()
    settings: Settings = field(default_factory=Settings)
    colour_space: str | None = None
    """The plate's colour space; None derives it from the plate's primaries."""
    name: str | None = None
    """The shot's name; None derives it from the plate's file name."""
    view: str | None = None
    """The stereo view to work on, which is filled into patterns; None for the plate's first."""
    layer: str = ""
    """The layer with the picture; empty for the one that is called as a picture is."""
    version: int = 1
    format: Format | None = None
    """The plate's format, for a plate that is not on this machine; None reads it from the plate."""
    base: Path | None = None
    """The folder in which relative patterns start; None for the process's current folder."""
    pictures: PictureRules = field(default_factory=PictureRules)
    """What may be done about pictures that are no EXR or have another size."""


def job_from_files(wanted: ShotFiles) -> RemovalJob:
    """Make the job. One header of the plate is read for it, unless its format is given.

    Raises:
        PlateError: when the plate has no frame on disk or its first one cannot be read, or when it has no
            such view or layer.
    """
    wanted = _with_plate_found(_with_view(wanted))
    base, rules = wanted.base, wanted.pictures
    pattern = FramePattern.parse(wanted.plate)
    first, last = frames = wanted.frames or _range_on_disk(pattern)
    plate = wanted.plate if wanted.format is not None else exr_plate(pattern, frames, rules)
    shown, colour_space = wanted.format, wanted.colour_space or "scene_linear"
    if shown is None:
        header = read_header(FramePattern.parse(plate).path(first), first)
        resolve_picture(header, wanted.view or NO_VIEW, wanted.layer)  # It refuses what is not there.
        width, height = header.display_size
        shown = Format(width=width, height=height, pixel_aspect=header.pixel_aspect)
        colour_space = wanted.colour_space or _space_of(header)
    given: dict[Role, list[str]] = {
        "remove": list(wanted.remove),
        "affected": list(wanted.affected),
        "ignore": list(wanted.ignore),
    }
    if wanted.quadmask is not None:
        found = find_files(wanted.quadmask, base, may_be_still=True)
        _tell(found.remark, rules)
        quadmask = exr_quadmask(found, frames, rules)
        given["remove"].append(f"{quadmask}:remove")
        given["affected"].append(f"{quadmask}:affected")
    mattes = []
    for role, texts in given.items():
        for text in texts:
            typed = find_files(text, base, may_be_still=True)
            _tell(typed.remark, rules)
            mattes.append(exr_matte(typed, role, frames, shown, rules))
    return RemovalJob(
        shot=Shot(
            name=wanted.name or re.split(r"[.%#]", Path(wanted.plate).name)[0].rstrip("_-") or "shot",
            plate=plate,
            first_frame=first,
            last_frame=last,
            format=shown,
            colour_space=colour_space,
            view=wanted.view or NO_VIEW,
            layer=wanted.layer,
        ),
        shapes=list(wanted.shapes),
        mattes=mattes,
        settings=wanted.settings,
        output=Output(pattern=canonical(wanted.output, base), version=wanted.version),
    )


def _with_view(wanted: ShotFiles) -> ShotFiles:
    """Return the files with the view in the patterns that leave it open."""
    view = wanted.view
    if view is None:
        mattes = (*wanted.remove, *wanted.affected, *wanted.ignore, wanted.quadmask or "")
        named = (wanted.plate, wanted.output, *mattes)
        if open_one := next((text for text in named if names_view(text)), ""):
            raise PlateError(f"'{open_one}' leaves the view open; name it with --view")
        return wanted
    return replace(
        wanted,
        plate=for_view(wanted.plate, view),
        output=for_view(wanted.output, view),
        remove=[for_view(text, view) for text in wanted.remove],
        affected=[for_view(text, view) for text in wanted.affected],
        ignore=[for_view(text, view) for text in wanted.ignore],
        quadmask=None if wanted.quadmask is None else for_view(wanted.quadmask, view),
    )


def _with_plate_found(wanted: ShotFiles) -> ShotFiles:
    """Return the files with the plate's pattern as a job holds it, found on disk where the text leaves it
    open."""
    if wanted.format is not None:  # The plate is not here, so nothing can be found.
        return replace(wanted, plate=absolute_pattern(wanted.plate, wanted.base))
    found = find_files(wanted.plate, wanted.base)
    _tell(found.remark, wanted.pictures)
    return replace(wanted, plate=found.pattern)


def frames_on_disk(wanted: ShotFiles) -> tuple[int, int]:
    """Return the first frame of the plate on disk, and the last.

    Raises:
        PlateError: when there is none.
    """
    return _range_on_disk(FramePattern.parse(find_files(_with_view(wanted).plate, wanted.base).pattern))


def _tell(remark: str, rules: PictureRules) -> None:
    if remark:
        rules.tell(remark)


def absolute_pattern(pattern: str, base: Path | None = None) -> str:
    """Make the pattern absolute, starting from ``base``. A path of Windows names its drive, and is left as it
    is where there are no drives."""
    if re.match(r"[A-Za-z]:[/\\]", pattern):
        return pattern
    return str((Path(pattern) if base is None else base / pattern).absolute())


def _space_of(header: FrameHeader) -> str:
    """Return the colour space that a plate's chromaticities name, or the configuration's own where there are
    none."""
    found = header.metadata.get("chromaticities")
    if isinstance(found, tuple) and np.allclose(found, REC709_CHROMATICITIES, atol=1e-3):
        return REC709_SPACE
    return "scene_linear"


def _range_on_disk(pattern: FramePattern) -> tuple[int, int]:
    if pattern.is_still:
        return 1, 1
    numbers = numbers_of(pattern)
    return numbers[0], numbers[-1]
