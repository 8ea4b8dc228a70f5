"""Brings the pictures that somebody names for a shot to what a job holds: patterns of EXR files.

What loses nothing is made into EXR on the way: mattes of 8-bit and other pictures, and plates whose values
are light already. For everything else, the error says which ``void ingest`` makes it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from void_engine.errors import MatteError, MissingFrameError, PlateError
from void_engine.plates.exr.file import read_header
from void_engine.plates.file_kinds import kind_of
from void_engine.plates.frame.header import FrameHeader
from void_engine.plates.ingest.derived import derive
from void_engine.plates.ingest.mattes import MATTE_CHANNEL, choose_exr_channel
from void_engine.plates.ingest.pictures import is_light
from void_engine.plates.ingest.request import Ingest, Purpose
from void_engine.plates.picture.file import read_picture_header
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.typed import TypedFiles
from void_protocol.job import Format, Matte, Role


@dataclass(frozen=True, kw_only=True)
class PictureRules:
    """What may be done about pictures that a job cannot hold as they are."""

    made: Path | None = None
    """The folder in which EXR files are made of them; None makes none."""
    scale_mattes: bool = False
    """Whether a matte of another size than the plate's is scaled to it."""
    tell: Callable[[str], None] = lambda text: None
    """Is told what was found and made."""
    on_frame: Callable[[str, int, int], None] = lambda stage, done, total: None
    """Is told how far the making of files is."""


def exr_plate(pattern: FramePattern, frames: tuple[int, int], rules: PictureRules) -> str:
    """The pattern of a plate's EXR files.

    Raises:
        PlateError: when the plate is no EXR and cannot become EXR without a choice.
    """
    kind = kind_of(pattern.text)
    if kind in ("exr", None):
        return pattern.text
    if kind == "picture" and rules.made is not None:
        header = read_picture_header(pattern.path(frames[0]), frames[0])
        if is_light(header):
            wanted = Ingest(source=pattern.text, target=pattern, frames=_range(pattern, frames))
            return _derived(wanted, rules.made, rules)
    raise PlateError(
        f"the plate {pattern} is no scene-linear EXR; make one of it first: {_ingest_line(pattern, 'plate')}"
    )


def exr_matte(
    typed: TypedFiles, role: Role, frames: tuple[int, int], plate: Format, rules: PictureRules
) -> Matte:
    """The matte of a job, in EXR files of the plate's size.

    Raises:
        MatteError: when the matte has another size than the plate and is not to be scaled.
        PlateError: when it is no EXR, and none may be made of it here.
    """
    pattern = FramePattern.parse(typed.pattern)
    kind = kind_of(pattern.text)
    if kind == "movie":
        raise PlateError(
            f"the {role} matte {pattern} is a movie; make EXR of it first: {_ingest_line(pattern, 'matte')}"
        )
    number = _first_there(pattern, frames)
    if kind is None or number is None:
        return Matte(role=role, pattern=typed.pattern, channel=typed.channel or MATTE_CHANNEL)
    path = pattern.path(number)
    header = read_header(path, number) if kind == "exr" else read_picture_header(path, number)
    channel = typed.channel
    if isinstance(header, FrameHeader) and channel is None:
        channel, remark = choose_exr_channel(header.channel_names)
        if remark:
            rules.tell(f"{pattern}: {remark}")
    fits = header.display_size == (plate.width, plate.height)
    if not fits and not rules.scale_mattes:
        raise MatteError(
            f"{pattern}: the {role} matte is {_size(header.display_size)}, the plate is "
            f"{_size((plate.width, plate.height))}; render it in the plate's format, or scale it with "
            "--scale-mattes"
        )
    if kind == "exr" and fits:
        return Matte(role=role, pattern=typed.pattern, channel=channel or MATTE_CHANNEL)
    if rules.made is None:
        raise PlateError(
            f"the {role} matte {pattern} is no EXR; make one of it first: {_ingest_line(pattern, 'matte')}"
        )
    wanted = Ingest(
        source=pattern.text,
        target=pattern,
        purpose="matte",
        frames=_range(pattern, frames),
        channel=channel,
        size=(plate.width, plate.height),
        pixel_aspect=plate.pixel_aspect,
    )
    return Matte(role=role, pattern=_derived(wanted, rules.made, rules), channel=MATTE_CHANNEL)


def exr_quadmask(typed: TypedFiles, frames: tuple[int, int], rules: PictureRules) -> str:
    """The pattern of a quadmask's EXR files.

    Raises:
        PlateError: when it is no EXR, and none may be made of it here.
    """
    pattern = FramePattern.parse(typed.pattern)
    kind = kind_of(pattern.text)
    if kind in ("exr", None):
        return typed.pattern
    if kind == "movie" or rules.made is None:
        raise PlateError(
            f"the quadmask {pattern} is no EXR; make one of it first: {_ingest_line(pattern, 'quadmask')}"
        )
    wanted = Ingest(source=pattern.text, target=pattern, purpose="quadmask", frames=_range(pattern, frames))
    return _derived(wanted, rules.made, rules)


def _derived(wanted: Ingest, folder: Path, rules: PictureRules) -> str:
    name = Path(wanted.source).name
    made = derive(wanted, folder, rules.tell, lambda done, total: rules.on_frame(name, done, total))
    return made.text


def _range(pattern: FramePattern, frames: tuple[int, int]) -> tuple[int, int] | None:
    return None if pattern.is_still else frames


def _first_there(pattern: FramePattern, frames: tuple[int, int]) -> int | None:
    """The first frame of the range that has a file; None where none has, as for mattes still to be made."""
    if pattern.path(frames[0]).exists():
        return frames[0]
    if pattern.is_still:
        return None
    try:
        there = pattern.frames_on_disk()
    except MissingFrameError:
        return None
    return next((number for number in there if frames[0] <= number <= frames[1]), None)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _ingest_line(pattern: FramePattern, purpose: Purpose) -> str:
    """The command that makes EXR files of these."""
    stem = Path(pattern.prefix).stem.rstrip("._-") or purpose
    target = f"{stem}.exr" if pattern.is_still and kind_of(pattern.text) == "picture" else f"{stem}.%04d.exr"
    option = "" if purpose == "plate" else f"--{purpose} "
    return f"void ingest {option}{shlex.quote(pattern.text)} {shlex.quote(target)}"
