"""The verdict on a result, as a file beside its frames: written by ``void check``, read by panels and pages.

The file is JSON with a version of its own. Readers take what they know of it, so that members may be added.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from void_protocol.durable import write_whole
from void_protocol.sequence import path_beside

VERDICT_VERSION = 1
"""Raised when a reader of the version before would misunderstand the file."""
GOOD, LOOK, BAD = "green", "amber", "red"
"""The states of a frame: nothing was found; worth a look; at fault."""
_LARGEST_BYTES = 256 << 20


class FrameEntry(Struct, kw_only=True):
    """The verdict on one frame."""

    frame: int
    status: str
    """``green``, ``amber`` or ``red``."""
    flags: list[str]
    """What is wrong with the frame, in alphabetical order; see docs/check.md for the words."""
    severity: dict[str, float]
    """For each kind of fault how far its measures are from the threshold, where 1 is at it. Kinds that could
    not be measured in this frame are not in it."""
    measures: dict[str, float]
    """The measures themselves, by name."""
    invented: float | None = None
    """Which share of what was replaced no frame shows, 0..1; None where the engine tells none."""
    touched: tuple[int, int] | None = None
    """The first pixel outside the matte that is not the plate's own: column and row from the top left."""
    touched_pixels: int = 0
    """How many such pixels there are."""


class Finding(Struct, kw_only=True):
    """One kind of fault in a shot, for people."""

    flag: str
    frames: str
    """As people write frames: ``1003, 1010-1012``."""
    worst: int
    """The frame where it is most severe."""
    text: str
    """What is wrong and where, in a sentence."""
    remedy: str
    """What may be done about it."""

    @property
    def line(self) -> str:
        """Both, in one line."""
        return f"{self.text}; {self.remedy}"


class Verdict(Struct, kw_only=True):
    """The verdict on a shot."""

    verdict_version: int = VERDICT_VERSION
    release: str = ""
    shot: str = ""
    job_id: str = ""
    engine: str = ""
    result: str = ""
    """The pattern of the frames that were judged."""
    first_frame: int
    last_frame: int
    frames: list[FrameEntry]
    """The frames that were judged, in order."""
    missing: list[int] = msgspec.field(default_factory=list)
    """Frames of the shot whose result is not there, or cannot be read."""
    findings: list[Finding] = msgspec.field(default_factory=list)
    """The faults of the shot, the one of most frames first."""

    def count(self, status: str) -> int:
        """How many frames have this status."""
        return sum(one.status == status for one in self.frames)

    @property
    def letters(self) -> str:
        """The status of each frame of the shot as a letter, ``-`` for one that was not judged."""
        found = {one.frame: one.status[:1] for one in self.frames}
        return "".join(found.get(number, "-") for number in range(self.first_frame, self.last_frame + 1))

    @property
    def status(self) -> str:
        """The status of the worst frame; red where frames are missing, and amber where none was judged."""
        found = {one.status for one in self.frames}
        if BAD in found or self.missing:
            return BAD
        return LOOK if LOOK in found or not found else GOOD

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        told = f"{self.count(GOOD)} of {len(self.frames)} frames good"
        if worth := self.count(LOOK):
            told += f", {worth} worth a look"
        if bad := self.count(BAD):
            told += (
                f", {bad} at fault ({', '.join(sorted({flag for one in self.frames for flag in one.flags}))})"
            )
        return f"{told}, {len(self.missing)} missing" if self.missing else told


def verdict_path(result: str) -> Path:
    """The file of the verdict on a result: for ``out/shot_v002.%04d.exr`` it is ``out/shot_v002.check.json``.

    Args:
        result: the pattern of the result's frames, with the version filled in.
    """
    return path_beside(result, ".check.json")


def write_verdict(verdict: Verdict, path: Path) -> None:
    """Write the file. It is there whole or not at all.

    Raises:
        OSError: when that fails.
    """
    write_whole(path, msgspec.json.format(msgspec.json.encode(verdict), indent=1) + b"\n")


def read_verdict(path: Path) -> Verdict | None:
    """Read the file of a verdict; None where there is none, it is not one, or it is of a later version."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
            return None
        found = msgspec.json.decode(path.read_bytes(), type=Verdict)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    return found if found.verdict_version <= VERDICT_VERSION else None
