"""The record by which an effect finds its result again: one line of JSON in the host's project and beside the
frames."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from void_protocol.fields import JobId
from void_protocol.job import MAX_FRAMES
from void_server.openfx_bridge.errors import BridgeError

LONGEST_RECORD = 4096
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

RecordedTask = Literal["remove", "propose"]
_Frame = Annotated[int, Meta(ge=-10_000_000, le=10_000_000)]
_Pixel = Annotated[int, Meta(ge=-(1 << 24), le=1 << 24)]


class Record(Struct, frozen=True, kw_only=True):
    """Where the result of one removal is, and how its frames lie in the host's picture. Fields that are not
    known are ignored."""

    void: Literal[1] = 1
    job: JobId
    folder: str
    """The folder with the frames, absolute."""
    name: Annotated[str, Meta(pattern=f"^{NAME.pattern}$(?!\\n)")]
    version: Annotated[int, Meta(ge=1, le=9999)]
    first: _Frame
    last: _Frame
    """The first and the last frame as the host counts."""
    offset: _Frame = 0
    """What is added to a host's frame to get that of a file."""
    box: tuple[_Pixel, _Pixel, _Pixel, _Pixel]
    """``x1``, ``y1``, ``x2``, ``y2`` of the full-size plate, y up."""
    space: Annotated[str, Meta(max_length=256)] = ""
    premultiplied: bool = False
    scale: float = 1.0
    task: RecordedTask = "remove"
    """Whether its frames are a removal's, or the mattes of a proposal."""

    @property
    def is_proposal(self) -> bool:
        """Whether its frames are mattes of what the object affected."""
        return self.task == "propose"

    @property
    def folder_name(self) -> str:
        """The name of the result's folder, which is what its files' names begin with."""
        return f"{self.name}_v{self.version:03d}"

    @property
    def total(self) -> int:
        """How many frames the result has."""
        return self.last - self.first + 1

    def file_name(self, frame: int) -> str:
        """The name of the file of one of the host's frames."""
        return f"{self.folder_name}.{frame + self.offset:04d}.exr"

    @property
    def text(self) -> str:
        """The record as one line."""
        return json.dumps(msgspec.to_builtins(self), separators=(",", ":"))


def read_record(text: str) -> Record:
    """Read what an effect has kept.

    Raises:
        BridgeError: when it is no record.
    """
    if not text:
        raise BridgeError("Nothing has been removed here yet; press Remove.")
    try:
        record = msgspec.convert(json.loads(text[:LONGEST_RECORD]), Record)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise BridgeError(
            f"What the project says about this effect's result cannot be read ({error}); press Remove again."
        ) from error
    if not 0 < record.total <= MAX_FRAMES or not Path(record.folder).is_absolute():
        raise BridgeError(
            "What the project says about this effect's result makes no sense; press Remove again."
        )
    return record
