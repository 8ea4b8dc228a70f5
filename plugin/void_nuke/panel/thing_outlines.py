"""The outlines of proposed things, read from the headers of the proposal's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from void_nuke.panel.kept_proposal import KeptProposal, KeptThing
from void_protocol.job import MAX_COORDINATE_PX
from void_protocol.proposal import note_of_frame
from void_protocol.sequence import frame_path

Ring = Sequence[float]
"""x and y of its corners, one after the other, in the host's pixels; it is closed."""
Outlines = Mapping[int, Mapping[str, Sequence[Ring]]]
"""For each frame the rings of each layer, those of holes too; even-odd filling gives the thing."""


@dataclass(frozen=True)
class DrawnThing:
    """A thing as it is on one frame."""

    kind: str
    confidence: float
    accepted: bool
    role: str
    growth_px: float
    rings: Sequence[Ring]


def read_outlines(proposal: KeptProposal) -> Outlines:
    """Read the outlines of all frames. Frames whose files are gone, or say nothing, are left out."""
    found = {}
    for frame in proposal.frames.frames:
        note = note_of_frame(frame_path(proposal.pattern, frame))
        if note is not None:
            found[frame] = {
                layer: [ring for ring in rings if _is_drawable(ring)]
                for layer, rings in note.outlines.items()
            }
    return found


def _is_drawable(ring: Ring) -> bool:
    """Whether a ring has corners enough, none of them further away than a job's shapes may be."""
    return len(ring) >= 6 and all(abs(value) <= MAX_COORDINATE_PX for value in ring)


def drawn_things(things: Sequence[KeptThing], outlines: Outlines, frame: int) -> list[tuple[int, DrawnThing]]:
    """Return the things that show on a frame, each with its number."""
    at = outlines.get(frame, {})
    drawn = []
    for thing in things:
        rings = at.get(thing.layer(frame), ())
        if rings:
            drawn.append(
                (
                    thing.number,
                    DrawnThing(
                        thing.kind,
                        thing.confidence,
                        thing.accepted,
                        thing.role,
                        thing.growth_px if thing.accepted else 0.0,
                        rings,
                    ),
                )
            )
    return drawn
