"""The report on proposed mattes: what was found on each frame, and which things are affected, in words.

Every EXR file of a proposal carries its part of the report in its header, so that the report reaches whoever
has the frames. Beside the frames it is one JSON file. Readers take what they know of it, so that members may
be added.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from void_protocol.durable import write_whole
from void_protocol.sequence import frame_path, path_beside

PROPOSAL_KEY = "void/proposal"
"""The metadata entry of a frame that holds its :class:`FrameNote` as JSON."""
_LARGEST_BYTES = 256 << 20
_HEADER_BYTES = 1 << 20
"""So much of a file's beginning is read to find the note in its header."""
_MOST_OUTLINE_BYTES = 512 << 10
"""The most that the outlines of one frame take in its note, which has to lie in that beginning."""
_MAGIC = b"\x76\x2f\x31\x01"
_LONGEST_NAME = 255


class Thing(Struct, kw_only=True):
    """One thing that is affected or belongs to the object."""

    number: int
    """Its layer in the EXR files is ``thing<number>``, counted from 1."""
    words: str
    """What it is, for people: "shadow on the floor", "cup: falls"."""
    kind: str
    """``shadow``, ``reflection``, ``moved`` or ``carried``, or ``belonging`` for what goes along with the
    object."""
    role: str = "affected"
    """The role that it has in a removal: ``affected``, or ``remove`` for a belonging."""
    will_move: bool = False
    """Whether it moves, such as falls, once the object is gone."""
    since: int | None = None
    """The frame from which on it is affected; None from the first on."""
    frames: str = ""
    """The frames on which it has a matte, as people write them."""
    seen_by: list[str] = msgspec.field(default_factory=list)
    """Who sees it: ``reason``, and ``evidence`` where the shot itself shows a change there."""
    confidence: float = 0.0
    """How sure its pixels are on average, 0..1; 0 where nobody has told."""
    extensions: list[str] = msgspec.field(default_factory=list)
    """The ways in which it can be extended: ``whole``, the rest of the thing; ``stood``, where it would have
    stood; ``support``, down to the next support; ``path``, along its path on. Each has a layer of its own,
    such as ``thing1_whole``."""


class FrameReport(Struct, kw_only=True):
    """What is proposed on one frame."""

    frame: int
    share: float = 0.0
    """The share of the picture that is proposed, 0..1."""
    confidence: float = 0.0
    known: float = 0.0
    kinds: dict[str, float] = msgspec.field(default_factory=dict)
    """The share of the picture by kind."""
    unknown: str = ""
    """Why nothing could be known of most of the object's surroundings; empty where it could."""


class FrameNote(Struct, kw_only=True):
    """What the header of one frame says."""

    release: str = ""
    shot: str = ""
    job_id: str = ""
    sources: list[str] = msgspec.field(default_factory=list)
    frame: FrameReport
    things: list[Thing] = msgspec.field(default_factory=list)
    outlines: dict[str, list[list[float]]] = msgspec.field(default_factory=dict)
    """The rings around each layer of a thing on this frame, those of holes too: x and y of their corners, one
    after the other, in the job's pixels with y up. Each is closed; even-odd filling gives the matte."""


def note_text(note: FrameNote) -> str:
    """A note as the text of its metadata entry. Where its outlines are too long for a header, those of the
    smallest extent are left out."""
    sized = [
        (_extent(ring), layer, index, len(msgspec.json.encode(ring)) + 1)
        for layer, rings in note.outlines.items()
        for index, ring in enumerate(rings)
    ]
    if sum(size for *_, size in sized) <= _MOST_OUTLINE_BYTES:
        return msgspec.json.encode(note).decode()
    room, kept = _MOST_OUTLINE_BYTES, set()
    for _, layer, index, size in sorted(sized, reverse=True):
        room -= size
        if room < 0:
            break
        kept.add((layer, index))
    outlines = {
        layer: shown
        for layer, rings in note.outlines.items()
        if (shown := [ring for index, ring in enumerate(rings) if (layer, index) in kept])
    }
    return msgspec.json.encode(msgspec.structs.replace(note, outlines=outlines)).decode()


def _extent(ring: list[float]) -> float:
    """The area of the box around a ring."""
    xs, ys = ring[::2], ring[1::2]
    return (max(xs) - min(xs)) * (max(ys) - min(ys)) if ys else 0.0


class ProposalReport(Struct, kw_only=True):
    """The report on a whole proposal."""

    release: str
    shot: str
    job_id: str
    matte: str
    """The pattern of the EXR files."""
    sources: list[str]
    """Who proposed: ``evidence``, ``reason``."""
    frames: list[FrameReport]
    things: list[Thing] = msgspec.field(default_factory=list)


def proposal_path(pattern: str) -> Path:
    """The file of the report on the mattes ``pattern``: for ``affected.%04d.exr`` it is
    ``affected.proposal.json`` beside them."""
    return path_beside(pattern, ".proposal.json")


def report_text(report: ProposalReport) -> bytes:
    """The report as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def write_proposal(report: ProposalReport, path: Path) -> None:
    """Write the file. It is there whole or not at all.

    Raises:
        OSError: when that fails.
    """
    write_whole(path, report_text(report))


def read_proposal(path: Path) -> ProposalReport | None:
    """Read the file of a report; None where there is none, or it is not one."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=ProposalReport)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def report_of_frames(pattern: str, numbers: Iterable[int]) -> ProposalReport | None:
    """Gather the report from the headers of the mattes ``pattern``; frames that are not there, or tell
    nothing, are left out. None where no frame tells anything."""
    notes = [note for number in numbers if (note := note_of_frame(frame_path(pattern, number))) is not None]
    if not notes:
        return None
    last = notes[-1]
    return ProposalReport(
        release=last.release,
        shot=last.shot,
        job_id=last.job_id,
        matte=pattern,
        sources=last.sources,
        frames=[note.frame for note in notes],
        things=last.things,
    )


def note_of_frame(path: Path) -> FrameNote | None:
    """Read what a frame's header says of the proposal; None where it says nothing or cannot be read."""
    try:
        with path.open("rb") as file:
            text = _text_attribute(file, PROPOSAL_KEY.encode())
        return None if text is None else msgspec.json.decode(text, type=FrameNote)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def _text_attribute(file: BinaryIO, wanted: bytes) -> bytes | None:
    """Find a text in the header of an EXR file's first part. Its layout is that of "OpenEXR File Layout":
    names and types end with a zero byte, each value's size comes before it, an empty name ends the header."""
    header = file.read(_HEADER_BYTES)
    if header[:4] != _MAGIC:
        return None
    at = 8
    while True:
        name, at = _name_at(header, at)
        if not name:
            return None
        kind, at = _name_at(header, at)
        if len(header) < at + 4:
            return None
        (size,) = struct.unpack_from("<i", header, at)
        at += 4
        if size < 0 or at + size > len(header):
            return None
        if name == wanted and kind == b"string":
            return header[at : at + size]
        at += size


def _name_at(header: bytes, at: int) -> tuple[bytes, int]:
    """The name that begins there, and where it ends; an empty one where none does."""
    end = header.find(b"\0", at, at + _LONGEST_NAME + 1)
    return (b"", at) if end < 0 else (header[at:end], end + 1)
