"""Whether a plate's own files can be used, or it has to be rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from void_nuke.host.host import FrameRange, PlateFiles
from void_protocol.job_check import frame_tokens

_LINEAR = frozenset({"scene_linear", "linear", "acescg", "aces - acescg"})
"""Names under which a file's pixels are the working space's own in the configurations that Nuke brings."""


@dataclass(frozen=True)
class ReadSettings:
    """Of a Read node."""

    file: str
    """Absolute, with its frame token, expressions in it evaluated."""
    frames: FrameRange
    is_raw: bool
    colour_space: str
    working_space: str
    """The script's; empty when the host does not say."""
    frame_mode: str
    frame: str
    """The expression or number that moves frames about; empty for none."""


def plan_files(read: ReadSettings) -> PlateFiles | str:
    """The files, or why they cannot stand for the plate, in words for the artist."""
    if not read.file.lower().endswith(".exr"):
        return "its files are no EXR"
    if not Path(read.file).is_absolute():
        return "its path is not absolute"
    if "%v" in read.file.lower():
        return "its files hold views apart (%v)"
    if len(frame_tokens(read.file)) != 1:
        return "its path has no single frame number"
    if read.frame.strip() not in ("", "frame"):
        return f"its frames are moved ({read.frame_mode} {read.frame})"
    if not read.is_raw and not is_linear(read.colour_space, read.working_space):
        return f"its colour space is {read.colour_space}, not scene-linear"
    return PlateFiles(read.file, read.frames)


def is_linear(colour_space: str, working_space: str) -> bool:
    """Whether reading with ``colour_space`` leaves pixels as they are. The host decorates names:
    ``default (scene_linear)``, ``scene_linear (ACES - ACEScg)``, ``ACES/ACEScg``."""
    names = {colour_space.strip().lower()}
    plain = colour_space.replace(")", "").split("(")
    names |= {part.strip().lower() for part in plain} - {"default", ""}
    names |= {name.rsplit("/", 1)[-1].strip() for name in names}
    return bool(names & (_LINEAR | ({working_space.strip().lower()} - {""})))
