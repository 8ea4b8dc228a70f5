"""All measures of one frame that need no more than its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.quality.channels import largest_of
from void_engine.quality.contour import band_along
from void_engine.quality.edge_profiles import EdgeProfile, edge_profile
from void_engine.quality.motion import motion, warped
from void_engine.quality.repeats import repeats
from void_engine.quality.rim import displaced
from void_engine.quality.steadiness import oddity, steadiness
from void_engine.quality.texture import texture

_CHANGED = 0.06
"""From which difference on, in encoded light, a pixel of the result counts as another than the plate's."""
_LEAST_CHANGED = 50
_BORDER_PX = 3
_LEAST_SIDE = 24
"""Pictures with a shorter side are too small to see motion in."""
_MARGIN_SHARE = 0.6
_LEAST_MARGIN_PX = 48


@dataclass(frozen=True)
class SeenFrame:
    """One frame of plate and result, over the same pixels."""

    plate: Float32Array
    """(h, w, 3), encoded."""
    result: Float32Array
    """(h, w, 3), encoded."""
    raw: Float32Array
    """The result as it is, scene-linear."""
    hole: BoolArray
    """(h, w): the pixels that were replaced."""
    affected: BoolArray | None = None
    """(h, w): those that the object only affected; None for none."""

    def cropped(self, box: Box) -> SeenFrame:
        """The part of the frame inside a box."""
        rows = slice(box.y0, box.y1), slice(box.x0, box.x1)
        affected = None if self.affected is None else self.affected[rows]
        return SeenFrame(self.plate[rows], self.result[rows], self.raw[rows], self.hole[rows], affected)


@dataclass(frozen=True)
class FrameMeasures:
    """What one frame measures by itself."""

    values: Mapping[str, float] = field(default_factory=dict)
    profiles: Mapping[str, EdgeProfile] = field(default_factory=dict)
    """By contour: ``matte``, the edge of what was replaced, and ``change``, that of what has changed."""


def with_surroundings(box: Box) -> Box:
    """The box around a hole, with as much around it as the hole is compared with."""
    return box.grown(max(_LEAST_MARGIN_PX, int(_MARGIN_SHARE * max(box.width, box.height))))


def window_around(holes: Sequence[BoolArray]) -> Box:
    """The part of the picture in which a hole is measured: the holes of a frame and its neighbours, of which
    one has a pixel at least, and their surroundings."""
    union = np.logical_or.reduce(holes)
    return with_surroundings(Box.around(union)).intersection(Box.from_shape(union.shape))


def measured(
    frame: SeenFrame, neighbours: Sequence[SeenFrame], further: SeenFrame | None = None
) -> FrameMeasures:
    """Measure a frame.

    Args:
        frame: the frame, whole or the part of it that :func:`window_around` gives.
        neighbours: the frames before and after it, as far as there are any, over the same pixels.
        further: for the first or last frame of a shot the one beyond its only neighbour.
    """
    if not frame.hole.any():
        return FrameMeasures()
    values: dict[str, float] = {}
    around = ~opencv.dilate(frame.hole, opencv.square(5))
    inside = opencv.erode(frame.hole, opencv.square(3))
    left = None
    if neighbours and min(frame.hole.shape) >= _LEAST_SIDE:
        moved, known = [], np.ones(frame.hole.shape, np.bool_)
        for one in neighbours:
            other, shown = warped(one.result, motion(frame.result, one.result))
            moved.append(other)
            known &= shown
        always = np.logical_and.reduce([around, *(~one.hole for one in neighbours)])
        values.update(steadiness(frame.result, moved, known, frame.hole, always))
        for one in neighbours:
            for name, value in repeats(frame.raw, one.raw, frame.hole, one.hole).items():
                values[name] = max(values.get(name, -1.0), value)
        others = [(one.plate, one.hole) for one in neighbours]
        values.update(displaced(frame.result, frame.plate, frame.hole, others))
        if len(neighbours) == 2:
            values.update(_oddity(frame, neighbours, always))
        elif further is not None:
            values.update(_oddity_at_end(frame, neighbours[0], further, always & ~further.hole))
        left = frame.result - moved[0]
    values.update(texture(frame.result, left, inside, around))
    return FrameMeasures(values, _profiles(frame))


def _oddity(frame: SeenFrame, neighbours: Sequence[SeenFrame], always: BoolArray) -> Mapping[str, float]:
    before, after = (one.result for one in neighbours)
    half = motion(before, after) * np.float32(0.5)
    earlier, shown = warped(before, -half)
    later, shown_too = warped(after, half)
    return oddity(frame.result, (earlier, later), shown & shown_too, frame.hole, always)


def _oddity_at_end(
    frame: SeenFrame, near: SeenFrame, further: SeenFrame, always: BoolArray
) -> Mapping[str, float]:
    """How odd a frame is that has both others on one side: what moves is taken to go on as it does."""
    step = motion(near.result, further.result)
    one, shown = warped(near.result, step)
    other, shown_too = warped(further.result, step * np.float32(2.0))
    found = oddity(frame.result, (one, other), shown & shown_too, frame.hole, always)
    # The swing to their mean would be the further one's fault as well as this one's.
    return {name: value for name, value in found.items() if name.startswith("odd")}


def _profiles(frame: SeenFrame) -> dict[str, EdgeProfile]:
    difference = opencv.box_blur(largest_of(np.abs(frame.result - frame.plate)), 3)
    changed = frame.hole & (difference > _CHANGED)
    changed = opencv.erode(opencv.dilate(changed, opencv.square(5)), opencv.square(5))
    changed = opencv.dilate(opencv.erode(changed, opencv.square(5)), opencv.square(5))
    profiles = {}
    masks = {"matte": frame.hole, "change": changed}
    if frame.affected is not None and frame.affected.any():
        # Its border towards the object is the engine's affair, that towards the plate a matter of the eye.
        near = opencv.dilate(frame.affected, opencv.square(2 * _BORDER_PX + 1))
        masks["affected"] = frame.hole & near
    for name, mask in masks.items():
        least = _LEAST_CHANGED if name == "change" else 1
        band = band_along(mask) if mask.sum() >= least else None
        if band is not None:
            profiles[name] = edge_profile(band, frame.result, frame.plate)
    return profiles
