"""What the server proposed as affected, and what the artist makes of it, as the script keeps it.

A proposal is a list of things. Each has a channel in the proposal's files, and one more for each way to
extend it, so that accepting a thing means that the job names its channel; nothing is rendered again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any, Optional

import msgspec
from msgspec import Struct

from void_nuke.errors import SelectionError
from void_nuke.export.pick import FileMatte
from void_nuke.host.host import FrameRange
from void_protocol.errors import FrameListError
from void_protocol.frame_list import parse_frames, runs
from void_protocol.job import Role
from void_protocol.proposal import ProposalReport

_log = logging.getLogger(__name__)
MOST_GROWTH_PX = 256.0
MOST_THINGS = 100
"""The most things of a proposal that the panel shows, which is far beyond what a server finds."""
KINDS: Mapping[str, str] = {
    "shadow": "Shadow",
    "reflection": "Reflection, light",
    "moved": "Moved",
    "carried": "Carried",
    "belonging": "Belongs to it",
}
"""The kinds of things, with the words that the artist reads."""
EXTENSIONS: Mapping[str, str] = {
    "": "As it was found",
    "whole": "The whole touched thing",
    "stood": "Where it would have stood",
    "support": "Down to the next support",
    "path": "Along its path on",
}
"""The ways to extend a thing, with the words that the artist reads; empty for none."""


class KeptThing(Struct, frozen=True, kw_only=True):
    """One thing of a proposal, and what the artist decided about it."""

    number: int
    kind: str
    words: str
    frames: str = ""
    """The frames that show it, as people write them."""
    confidence: float = 0.0
    """How sure it is, 0..1; 0 where the source does not say."""
    seen_by: list[str] = []
    role: Role = "affected"
    extensions: list[str] = []
    """The ways in which it can be extended."""
    own_layer: str = ""
    """The layer that holds it, where that is not called by its number."""
    accepted: bool = False
    extension: str = ""
    extended_from: Optional[int] = None  # noqa: UP045 - evaluated by msgspec on Python 3.10
    extended_to: Optional[int] = None  # noqa: UP045 - as above
    """The first and the last frame on which it is extended; None for the proposal's."""
    growth_px: float = 0.0
    """The growth in pixels of the plate; below 0 it shrinks."""

    @property
    def own(self) -> str:
        """The layer of the proposal's files that holds the thing as it was found."""
        return self.own_layer or f"thing{self.number}"

    @property
    def extended(self) -> str:
        """The layer that holds it extended; empty where it is not."""
        return f"{self.own}_{self.extension}" if self.extension else ""

    def layer(self, frame: int) -> str:
        """The layer that holds the thing on a frame as it is wanted."""
        is_before = self.extended_from is not None and frame < self.extended_from
        is_after = self.extended_to is not None and frame > self.extended_to
        return self.own if is_before or is_after else self.extended or self.own

    @property
    def is_partly_extended(self) -> bool:
        return bool(self.extension) and (self.extended_from, self.extended_to) != (None, None)


class KeptProposal(Struct, frozen=True, kw_only=True):
    """A proposal as the script keeps it."""

    job_id: str
    pattern: str
    """Absolute pattern of the proposal's files."""
    first_frame: int
    last_frame: int
    plate: str
    """The node whose picture it is for."""
    view: str = ""
    unknown: str = ""
    """Why nothing could be known on some frames; empty where it could."""
    things: list[KeptThing] = []

    @property
    def frames(self) -> FrameRange:
        return FrameRange(self.first_frame, self.last_frame)

    @property
    def accepted(self) -> list[KeptThing]:
        return [thing for thing in self.things if thing.accepted]

    def changed(self, numbers: Collection[int], **changes: Any) -> KeptProposal:
        """Return the proposal with other values for the things of these numbers. A thing that cannot be
        extended in a way stays as it is."""
        wanted = changes.get("extension", "")
        if "extension" in changes:  # another way is for all frames again
            changes = {"extended_from": None, "extended_to": None, **changes}
        things = [
            _in_order(msgspec.structs.replace(thing, **changes), changes)
            if thing.number in numbers and (not wanted or wanted in thing.extensions)
            else thing
            for thing in self.things
        ]
        return msgspec.structs.replace(self, things=things)

    def mattes(self, frames: FrameRange) -> tuple[FileMatte, ...]:
        """Return the mattes of what is accepted.

        Raises:
            SelectionError: when the proposal lacks some of the frames.
        """
        accepted = self.accepted
        if accepted and not (self.first_frame <= frames.first and frames.last <= self.last_frame):
            raise SelectionError(
                f"the proposal has the frames {self.frames} and the removal {frames}; propose again, or "
                "choose a range that it has"
            )
        return tuple(matte for thing in accepted for matte in self._mattes_of(thing))

    def _mattes_of(self, thing: KeptThing) -> list[FileMatte]:
        found = []
        if thing.is_partly_extended or not thing.extension:
            found.append(FileMatte(thing.role, self.pattern, f"{thing.own}.A", thing.growth_px))
        if thing.extension:
            first = self.first_frame if thing.extended_from is None else thing.extended_from
            last = self.last_frame if thing.extended_to is None else thing.extended_to
            if first > last:
                return found
            on = FrameRange(first, last) if thing.is_partly_extended else None
            found.append(FileMatte(thing.role, self.pattern, f"{thing.extended}.A", thing.growth_px, on))
        return found


def _in_order(thing: KeptThing, changes: Mapping[str, Any]) -> KeptThing:
    """The thing with its first extended frame not after its last: of the two the one that was set now stays,
    and the other is the proposal's end again."""
    first, last = thing.extended_from, thing.extended_to
    if first is None or last is None or first <= last:
        return thing
    dropped = "extended_to" if "extended_from" in changes else "extended_from"
    return msgspec.structs.replace(thing, **{dropped: None})


def kept_from(report: ProposalReport, *, plate: str, view: str) -> KeptProposal:
    """Make of a server's report what the script keeps; nothing is accepted yet."""
    numbers = [each.frame for each in report.frames]
    unknown = next((each.unknown for each in report.frames if each.unknown), "")
    return KeptProposal(
        job_id=report.job_id,
        pattern=report.matte,
        first_frame=min(numbers, default=0),
        last_frame=max(numbers, default=0),
        plate=plate,
        view=view,
        unknown=unknown,
        things=[
            KeptThing(
                number=thing.number,
                kind=thing.kind,
                words=thing.words,
                frames=thing.frames,
                confidence=min(1.0, max(0.0, thing.confidence)),
                seen_by=thing.seen_by,
                role="remove" if thing.role == "remove" else "affected",
                extensions=[name for name in thing.extensions if name in EXTENSIONS],
            )
            for thing in report.things[:MOST_THINGS]
        ],
    )


def parsed_runs(text: str, frames: FrameRange) -> list[tuple[int, int]]:
    """Read the frames of a thing as runs; all of the proposal's where nothing, or nonsense, is written."""
    try:
        return runs(parse_frames(text))
    except FrameListError:
        return [(frames.first, frames.last)]


def encoded(proposal: KeptProposal) -> str:
    """Write a proposal as the text that the settings keep."""
    return msgspec.json.encode(proposal).decode()


def decoded(text: str) -> KeptProposal | None:
    """Read that text; None for an empty one. One that cannot be read is logged and dropped, because a script
    must open whatever wrote it."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=KeptProposal)
    except (msgspec.DecodeError, RecursionError) as error:
        _log.warning("the script's proposal cannot be read (%s); propose again", error)
        return None
