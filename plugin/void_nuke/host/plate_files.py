"""Decides whether a plate's own files can be used or the plate has to be rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from void_nuke.host.host import FrameRange, PlateFiles
from void_protocol.job_check import frame_tokens

_LINEAR = frozenset({"scene_linear", "linear", "acescg", "aces - acescg"})
"""Colour spaces of Nuke's own configurations in which a file's pixels are those of the working space."""


@dataclass(frozen=True)
class ReadSettings:
    """The settings of a Read node that matter for using its files."""

    file: str
    """Absolute path with its frame token; expressions in it are evaluated."""
    frames: FrameRange
    is_raw: bool
    colour_space: str
    working_space: str
    """The script's working space; empty when the host does not say."""
    frame_mode: str
    frame: str
    """The expression or number by which the Read shifts frames; empty for none."""


def plan_files(read: ReadSettings) -> PlateFiles | str:
    """Return the files, or in words for the artist why they cannot serve as the plate."""
    if not read.file.lower().endswith(".exr"):
        return "its files are no EXR"
    if not Path(read.file).is_absolute():
        return "its path is not absolute"
    if len(frame_tokens(read.file)) != 1:
        return "its path has no single frame number"
    if read.frame.strip() not in ("", "frame"):
        return f"its frames are moved ({read.frame_mode} {read.frame})"
    if not read.is_raw and not is_linear(read.colour_space, read.working_space):
        return f"its colour space is {read.colour_space}, not scene-linear"
    is_working = read.is_raw or bool(_names(read.colour_space) & _working_names(read.working_space))
    return PlateFiles(read.file, read.frames, is_working)


def is_linear(colour_space: str, working_space: str) -> bool:
    """Return whether reading with ``colour_space`` leaves pixels as they are. The host decorates names:
    ``default (scene_linear)``, ``scene_linear (ACES - ACEScg)``, ``ACES/ACEScg``."""
    return bool(_names(colour_space) & (_LINEAR | _working_names(working_space)))


def _working_names(working_space: str) -> frozenset[str]:
    return frozenset({"scene_linear", "linear", working_space.strip().lower()}) - {""}


def _names(colour_space: str) -> set[str]:
    names = {colour_space.strip().lower()}
    plain = colour_space.replace(")", "").split("(")
    names |= {part.strip().lower() for part in plain} - {"default", ""}
    names |= {name.rsplit("/", 1)[-1].strip() for name in names}
    return names
