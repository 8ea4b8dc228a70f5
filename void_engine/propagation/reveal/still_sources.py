"""Finds frames that show a hole where it is, though the camera seems to move.

Something large that moves may be taken for the motion of the camera while the surroundings of the hole stand
still. The sources are then chosen for what they would show along that motion, and may all hide what is behind
the object. Frames as they are are judged with the others; here those are added that show it.
"""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.geometry import Box
from void_engine.propagation.motion.homography import from_box
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import unaligned

_RING_PX = 12
"""The width, in analysis pixels, of the surroundings that are compared."""
_FEWEST_PIXELS = 100
_CLEARLY = 0.5
"""The deviation of frames as they are, relative to that of moved ones, below which the surroundings stand
still."""
_COMPARED = 3
"""How many of the nearest sources are compared."""
_LEAST_MISSING = 0.02
"""The share of the hole that the chosen frames must lack as they are, so that others are looked for."""


def still_sources(motion: ShotMotion, target: int, chosen: list[int]) -> list[int]:
    """The frames that show, as they are, what the ``chosen`` ones hide of the hole of ``target``.

    Returns:
        At most three, none of them chosen; empty where the camera is locked off, where the surroundings of
        the hole move with the rest, and where the chosen frames show the hole as they are.
    """
    track = motion.track
    if not chosen or track.is_locked_off(target):
        return []
    hole = track.hidden(target)
    missing = hole.copy()
    for number in chosen:
        missing &= track.hidden(number)
    if float(missing.sum()) < _LEAST_MISSING * float(hole.sum()) or not _stands_still(motion, target, chosen):
        return []
    rows, columns = np.nonzero(missing)
    places = np.stack([columns, rows], axis=1).astype(np.float32)
    return [n for n in unaligned.showing(motion, target, places) if n not in chosen]


def _stands_still(motion: ShotMotion, target: int, chosen: list[int]) -> bool:
    """Whether the surroundings of the hole are clearly nearer to sources as they are than to moved ones."""
    analysis = motion.working.analysis(target)
    box = Box.around(analysis.hidden).grown(_RING_PX).intersection(Box.from_shape(analysis.hidden.shape))
    cut = box.slices(Box.from_shape(analysis.hidden.shape))
    ring = ~analysis.hidden[cut] & opencv.dilate_by_disc(analysis.hidden[cut], _RING_PX)
    still = moved = 0.0
    for number in sorted(chosen, key=lambda one: (abs(one - target), one))[:_COMPARED]:
        source = motion.working.analysis(number)
        through = from_box(motion.track.chained(target, number), box)
        blocked = opencv.warp_perspective(source.hidden.astype(np.float32), through, box.shape, 1.0)
        both = ring & (blocked < 0.01) & ~source.hidden[cut]
        if int(both.sum()) < _FEWEST_PIXELS:
            continue
        plate = analysis.encoded[cut][both]
        seen = opencv.warp_perspective(source.encoded, through, box.shape)[both]
        still += float(np.median(np.abs(plate - source.encoded[cut][both])))
        moved += float(np.median(np.abs(plate - seen)))
    return still < _CLEARLY * moved
