"""Files of a proposal for the panel's tests, bench and pictures: only their headers say something."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from void_protocol.proposal import PROPOSAL_KEY, FrameNote, FrameReport, Thing


def box_ring(left: float, bottom: float, right: float, top: float) -> list[float]:
    """The ring around a box, x and y by turns."""
    return [left, bottom, right, bottom, right, top, left, top]


def write_proposed_files(
    pattern: str,
    things: Sequence[Thing],
    outlines: Mapping[int, Mapping[str, list[list[float]]]],
    *,
    job_id: str = "job0",
) -> None:
    """Write a file for each frame of ``outlines``, with a header that carries them, and no pixel."""
    for frame, layers in outlines.items():
        path = Path(pattern % frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        note = FrameNote(
            shot="sh010",
            job_id=job_id,
            sources=["evidence"],
            frame=FrameReport(frame=frame),
            things=list(things),
            outlines=dict(layers),
        )
        text = msgspec.json.encode(note)
        attribute = PROPOSAL_KEY.encode() + b"\0string\0" + struct.pack("<i", len(text)) + text
        path.write_bytes(struct.pack("<iI", 20000630, 2) + attribute + b"\0")
