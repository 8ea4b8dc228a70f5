"""Several things of one name: each is followed on its own, and so is who comes into the picture later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray
from void_engine.engines.interface import Monitor
from void_engine.segmentation.finder import MOST_INSTANCES, Found
from void_engine.segmentation.subjects import Subject
from void_engine.segmentation.tracker import PackedLogits, soft_matte

Track = list[PackedLogits | None]
"""The logits of a thing's mask on each frame; None where it is nowhere."""
FollowAll = Callable[[Sequence[Subject], Monitor], list[Track]]
"""Follows subjects through the shot."""
_COVERED = 0.5
"""What is covered to this share by what is followed already, is that."""
_SHOWN = 0.5


@dataclass(slots=True)
class _Named:
    """A subject that words have found, and the things that are followed for it."""

    subject: Subject
    waiting: list[Found]
    tracks: list[Track]


def followed(
    subjects: Sequence[Subject], named: Mapping[int, Sequence[Found]], follow: FollowAll, monitor: Monitor
) -> list[list[Track]]:
    """Follow subjects, and each of several things that one of them names.

    The things that are found on the frame where the name is surest are followed first. Where another frame
    that was looked at shows one which none of these covers, it came in later or had left, and is followed
    too.

    Args:
        subjects: whom to follow. One that has prompts of its own is one thing, whatever its name finds.
        named: by the place of a subject, what is found by its words, the surest frame first.
        follow: follows subjects that have prompts.
        monitor: is told of what was found.

    Returns:
        For each subject the tracks of its things, at least one.
    """
    several = {
        index: _Named(subjects[index], list(found), [])
        for index, found in named.items()
        if found and not subjects[index].frames
    }
    plain = [index for index in range(len(subjects)) if index not in several]
    first = {index: _to_follow(one, None) for index, one in several.items()}
    asked = [subjects[index] for index in plain] + [each for of in first.values() for each in of]
    tracks = iter(follow(asked, monitor))
    found: list[list[Track]] = [[] for _ in subjects]
    for index in plain:
        found[index] = [next(tracks)]
    for index, of in first.items():
        several[index].tracks = [next(tracks) for _ in of]
    for index, one in several.items():
        while one.waiting and len(one.tracks) < MOST_INSTANCES:
            frame = one.waiting[0].frame
            more = _to_follow(one, frame)[: MOST_INSTANCES - len(one.tracks)]
            if more:
                monitor.log(f"{one.subject.name}: {len(more)} more on frame {frame + 1} of the shot")
                one.tracks += follow(more, monitor)
        found[index] = one.tracks
    return found


def _to_follow(one: _Named, frame: int | None) -> list[Subject]:
    """Prompts for the things of the next frame that are not followed yet."""
    found = one.waiting.pop(0)
    masks = [mask for mask in found.masks if frame is None or not _is_covered(mask, one.tracks, frame)]
    return [Subject(f"{one.subject.name}_{n}", masks={found.frame: mask}) for n, mask in enumerate(masks, 1)]


def _is_covered(mask: BoolArray, tracks: Sequence[Track], frame: int) -> bool:
    shape = (mask.shape[0], mask.shape[1])
    known = [each for track in tracks if (each := track[frame]) is not None]
    if not known:
        return False
    shown = np.any(np.stack([soft_matte(each.logits(), shape) >= _SHOWN for each in known]), axis=0)
    return float((mask & shown).sum()) > _COVERED * float(mask.sum())


def together(tracks: Sequence[Track]) -> Track:
    """One track of all that several show."""
    if len(tracks) == 1:
        return list(tracks[0])
    found: Track = []
    for each in zip(*tracks, strict=True):
        known = [one.logits() for one in each if one is not None]
        found.append(PackedLogits.of(np.max(np.stack(known), axis=0)) if known else None)
    return found
