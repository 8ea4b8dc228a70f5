"""Says in plain words what a verdict has found, and what may be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from void_engine.plates.sequence.pattern import compact_frames
from void_engine.quality.thresholds import FLAGS
from void_protocol.verdict import Finding, FrameEntry


@dataclass(frozen=True)
class _Words:
    title: str
    seen: str
    """What is seen, after the title and a colon; ``{frames}`` is filled in."""
    remedy: str


_WORDS: Mapping[str, _Words] = {
    "invalid": _Words(
        "broken pixels",
        "values in {frames} are not finite, or far more negative than any that the plate shows",
        "look at the plate there for broken pixels, and remove again; if it stays, use another engine",
    ),
    "outside": _Words(
        "touched outside",
        "pixels outside the matte are not the plate's own in {frames}",
        "delete these frames and run the job again; a program between may have re-encoded them",
    ),
    "outline": _Words(
        "outline left behind",
        "the result still follows the object's edge in {frames}",
        "grow the matte (settings.matte.growth_px, or 'auto'), or draw it around motion blur and hair too",
    ),
    "seam": _Words(
        "seam",
        "there is a step along the edge of the matte in {frames}",
        "grow or soften the matte (settings.matte), keep match_seam on, and mark shadows as affected",
    ),
    "flicker": _Words(
        "flicker",
        "the filled part changes from frame to frame while its surroundings do not, in {frames}",
        "give a clean frame (anchors), or remove with the VOID engine, which makes frames together",
    ),
    "soft": _Words(
        "soft",
        "the filled part is less sharp than its surroundings in {frames}",
        "work at full size instead of a proxy, and keep the engine's plate detail on",
    ),
    "grain": _Words(
        "grain does not match",
        "the filled part has less or more grain than its surroundings in {frames}",
        "keep the engine's grain on, or take the grain off the plate first and put it back over all",
    ),
    "colour": _Words(
        "light does not match",
        "the filled part is brighter, darker or of another colour than its surroundings, or drifts away from "
        "them, in {frames}",
        "keep match_seam on, and mark what the object lights or shadows as affected",
    ),
    "step": _Words(
        "hard edge around a shadow",
        "the part that was only affected ends in a step in {frames}",
        "draw the affected shape wider, until it ends where the plate is untouched, and soften it",
    ),
    "jump": _Words(
        "jump",
        "a part of the picture does not belong to its moment in {frames}: it is torn, repeated or displaced",
        "look at these frames one by one; give a clean frame (anchors) at them, or use another engine",
    ),
}


def findings_of(frames: Sequence[FrameEntry]) -> list[Finding]:
    """The faults of a shot, the one of most frames first."""
    found = []
    for flag in FLAGS:
        at_fault = [one for one in frames if flag in one.flags]
        if not at_fault:
            continue
        words = _WORDS[flag]
        numbers = [one.frame for one in at_fault]
        listed = compact_frames(numbers)
        seen = words.seen.format(frames=("frame " if len(numbers) == 1 else "frames ") + listed)
        if flag == "outside" and at_fault[0].touched is not None:
            column, row = at_fault[0].touched
            seen += f"; the first is x {column}, y {row} from the top left in {at_fault[0].frame}"
        worst = max(at_fault, key=lambda one: one.severity.get(flag, 0.0))
        found.append(
            Finding(
                flag=flag,
                frames=listed,
                worst=worst.frame,
                text=f"{words.title}: {seen}",
                remedy=words.remedy,
            )
        )
    return sorted(found, key=lambda one: -sum(one.flag in frame.flags for frame in frames))
