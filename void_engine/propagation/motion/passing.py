"""Tells, under a camera that hardly moves, what passes in front of the object from the background behind it.

A pixel that an object hides in most frames, because it stands still, may be shown in a few for two reasons:
the object made way, and the background appears; or something passes in front of the object, such as a hand.
Only the first is a source. What passes does not end where the object begins: beside the object it is seen
before a background that is known from many frames. So a piece of the rarely shown pixels is withheld in a
frame as far as the visible pixels beside it differ there from what they show at other times.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.engines.interface import Monitor
from void_engine.geometry import Box
from void_engine.propagation.medians import median_of_shown
from void_engine.propagation.motion.homography import apply, from_box, identity
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.working_set import WorkingSet
from void_engine.spread import evenly_spread

_NEARLY_STILL = 0.06
"""The furthest that the camera may move the frame's corners, relative to its width."""
_RARE = 0.5
"""Pixels that are shown in a smaller fraction of the frames than this are judged by what lies beside them."""
_MOST_COMPARED = 24
"""The most frames from which the background beside rare pixels is taken."""
_BESIDE_PX = 3
"""How far from rare pixels the background beside them reaches."""
_CONTEXT_PX = 32
"""The width of the surroundings whose light is compared from frame to frame."""
_DIFFERS = 0.05
"""The least difference, encoded, that is seen as something else."""
_RESTLESS = 5.0
"""The difference, in mean deviations over time, that is seen as something else where the background lives."""
_THINNEST_PX = 3
"""Thinner pieces are an unsteady edge of the matte."""
_FEWEST_BESIDE = 6
"""The least number of pixels beside a piece that tell anything."""


def withhold_passing(track: ShotTrack, working: WorkingSet, numbers: range, monitor: Monitor) -> None:
    """Withhold, in all segments of ``track`` where the camera hardly moves, what passes before the object."""
    start = numbers.start
    while start < numbers.stop:
        segment = track.segment(start)
        views = _Views(track, working, segment)
        if views.nearly_still:
            for number, pieces, in_front in _passing(views, segment, monitor):
                track.withhold(number, pieces, in_front)
        start = segment.stop


class _Views:
    """The analysis frames of a segment as its middle frame would show them."""

    def __init__(self, track: ShotTrack, working: WorkingSet, segment: range) -> None:
        self._track, self._working = track, working
        self._middle = segment[len(segment) // 2]
        self.shape = working.analysis_shape
        rows, columns = self.shape
        corners = np.array([[0, 0], [columns, 0], [0, rows], [columns, rows]], np.float32)
        away = [np.abs(apply(track.chained(self._middle, n), corners) - corners).max() for n in segment]
        self.nearly_still = bool(np.max(away) <= _NEARLY_STILL * columns)

    def hidden(self, number: int, box: Box) -> BoolArray:
        """Where the matte or the frame's edge hides the pixels of ``box``, (h, w)."""
        return self.seen(number, self._track.hidden(number), box)

    def seen(self, number: int, mask: BoolArray, box: Box) -> BoolArray:
        """A ``mask`` of the whole frame ``number``, which is True beyond its edge, on ``box``, (h, w)."""
        through = self._track.chained(self._middle, number)
        if np.array_equal(through, identity()):
            return mask[box.slices(Box.from_shape(self.shape))]
        marked = mask.astype(np.uint8) * np.uint8(255)
        return opencv.warp_perspective(marked, from_box(through, box), box.shape, 255.0) > 8

    def encoded(self, number: int, box: Box) -> Float32Array:
        """The encoded pixels of ``box``, (h, w, 3)."""
        encoded = self._working.analysis(number).encoded
        through = self._track.chained(self._middle, number)
        if np.array_equal(through, identity()):
            return encoded[box.slices(Box.from_shape(self.shape))]
        return opencv.warp_perspective(encoded, from_box(through, box), box.shape)

    def mask(self, number: int) -> BoolArray:
        """Where the matte hides pixels of the frame as it is, (h, w)."""
        return self._track.hidden(number)

    def is_anchor(self, number: int) -> bool:
        """Whether the artist has cleaned the frame."""
        return self._working.full(number).anchor

    def back(self, number: int, mask: BoolArray, box: Box) -> BoolArray:
        """A ``mask`` (h, w) on ``box`` as a mask of the whole frame ``number``, a pixel wider."""
        whole = np.zeros(self.shape, bool)
        whole[box.slices(Box.from_shape(self.shape))] = mask
        whole = opencv.dilate(whole, opencv.square(3))
        through = self._track.chained(number, self._middle)
        if not np.array_equal(through, identity()):
            marked = whole.astype(np.uint8) * np.uint8(255)
            whole = opencv.warp_perspective(marked, through, self.shape) > 127
        return np.asarray(whole & ~self._track.hidden(number), bool)


def _passing(views: _Views, segment: range, monitor: Monitor) -> Iterator[tuple[int, BoolArray, BoolArray]]:
    """The frames of a segment in which something passes before what stands still, and two masks (h, w): the
    pixels that the object hides at other times, and all of them near the object."""
    frame = Box.from_shape(views.shape)
    shown, uncovered = np.zeros(views.shape, np.int32), np.zeros(views.shape, np.int32)
    for number in segment:
        shown += ~views.hidden(number, frame)
        uncovered += ~views.mask(number)
    often = shown >= _RARE * len(segment)
    rare = (shown > 0) & ~often
    covered = uncovered < _RARE * len(segment)
    if not (covered & ~often).any():
        return
    box = Box.around(covered & ~often).grown(_CONTEXT_PX).intersection(frame)
    cut = box.slices(frame)
    if not often[cut].any():
        return
    rare, square = rare[cut], opencv.square(_THINNEST_PX)
    background = _Background(views, segment, box, often[cut], monitor)
    for number in segment:
        monitor.check_cancelled()
        visible = ~views.hidden(number, box)
        # Where the matte moves over the picture, what it uncovers is background.
        still = views.seen(number, covered, box) & ~background.often
        pieces = rare & visible & still
        pieces = opencv.dilate(opencv.erode(pieces, square), square) & pieces
        differs = background.differs(number, visible)
        passing = _connected_to(pieces, visible & background.often, differs)
        near = differs & opencv.dilate_by_disc(still, _CONTEXT_PX)
        near = passing | opencv.dilate(opencv.erode(near, square), square) & near
        if near.any() and not views.is_anchor(number):
            beside = differs & opencv.dilate_by_disc(passing, _CONTEXT_PX)
            yield number, views.back(number, passing | beside, box), views.back(number, near, box)


class _Background:
    """What the pixels beside the object show at most times."""

    def __init__(self, views: _Views, segment: range, box: Box, often: BoolArray, monitor: Monitor) -> None:
        self._views, self._box = views, box
        pictures, shown = [], []
        for number in evenly_spread(segment, _MOST_COMPARED):
            monitor.check_cancelled()
            shown.append(~views.hidden(number, box)[often])
            pictures.append(views.encoded(number, box)[often])
        stack, seen = np.stack(pictures), np.stack(shown)
        times: Int64Array = seen.sum(axis=0)
        # The light of the whole may change; what passes covers less than half of the surroundings.
        middle = median_of_shown(stack, seen, times)
        for picture, there in zip(stack, seen, strict=True):
            if there.any():
                picture -= np.median((picture - middle)[there], axis=0)
        middle = median_of_shown(stack, seen, times)
        # The stack may be large, so its deviations take its place.
        stack -= middle
        away = median_of_shown(np.abs(stack, out=stack), seen, times).max(axis=1)
        told = times > 0
        self.often = often.copy()
        """(h, w): the pixels that are shown often enough to tell."""
        self.often[often] = told
        self._middle = middle[told]
        self._tolerance: Float32Array = np.maximum(_RESTLESS * away[told], _DIFFERS).astype(np.float32)

    def differs(self, number: int, visible: BoolArray) -> BoolArray:
        """Where frame ``number`` shows something else, (h, w), at its ``visible`` pixels."""
        away = self._views.encoded(number, self._box)[self.often] - self._middle
        compared = visible[self.often]
        found = np.zeros(visible.shape, bool)
        if compared.any():
            away = np.abs(away - np.median(away[compared], axis=0)).max(axis=1)
            found[self.often] = compared & (away > self._tolerance)
        return found


def _connected_to(pieces: BoolArray, beside: BoolArray, differs: BoolArray) -> BoolArray:
    """The pixels of ``pieces``, (h, w), that lie nearer to a neighbour that ``differs`` than to one that does
    not; neighbours are the pixels ``beside`` that touch the same piece."""
    passing = np.zeros(pieces.shape, bool)
    labels, boxes = opencv.connected_components(pieces)
    whole = Box.from_shape(pieces.shape)
    for label, found in enumerate(boxes, start=1):
        cut = found.grown(_BESIDE_PX + 1).intersection(whole).slices(whole)
        piece = labels[cut] == label
        rim = opencv.dilate_by_disc(piece, _BESIDE_PX) & beside[cut]
        other = rim & differs[cut]
        if int(other.sum()) < _FEWEST_BESIDE:
            continue
        same = rim & ~other
        near = opencv.depth_inside(~other)
        nearer = near <= opencv.depth_inside(~same) if same.any() else np.ones(piece.shape, bool)
        passing[cut] |= piece & nearer
    return passing
