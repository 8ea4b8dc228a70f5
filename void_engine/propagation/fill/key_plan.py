"""Which frames become key frames, whose invented pixels the others carry on.

Decided from the camera's track and the mattes alone, before any pixel is made: so a run that makes only some
frames of a shot, or goes on after an interruption, makes the same key frames as one that makes them all.
"""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation.motion.homography import apply
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.reveal.source_choice import MOST_SOURCES, choose_sources, visible

_CELLS = 3
"""Points looked at across the narrowest area that is worth a key frame."""
_LARGE_MATTE = 0.15
"""Part of the frame from which a matte is large."""
_ENOUGH_FOR_A_RIM = 4
_ENOUGH_FOR_A_WIRE = 4
_WIDE = 0.4
"""Part of the frame that a matte spans, from which registering sources for it costs most."""
_THICK_SHARE = 0.01
_LOST_SHARE = 0.1
"""Part of a thin matte that the further sources alone show: its sides stand in for them."""


class KeyPlan:
    """Key frames of a shot, found in order and as far as they are asked for."""

    def __init__(
        self,
        track: ShotTrack,
        numbers: range,
        anchors: frozenset[int],
        sliver_px: float,
        most_sources: int = MOST_SOURCES,
    ) -> None:
        """Prepare to choose key frames.

        Args:
            numbers: all frames of the shot.
            anchors: frames that the artist cleaned; they need nothing.
            sliver_px: width, in analysis pixels, from which an unseen area is worth a key frame.
            most_sources: frames to take pixels from, at most, for each frame.
        """
        self._track = track
        self._numbers = numbers
        self.anchors = anchors
        """Frames that the artist cleaned."""
        self._most_sources = most_sources
        self._chosen: tuple[int, list[int]] | None = None
        self._step = max(1, round(sliver_px / _CELLS))
        self._decided = numbers.start
        self._keys: list[int] = []

    def resume_at(self, number: int, keys: list[int]) -> None:
        """Go on from frame ``number`` with the ``keys`` before it known, as another run has planned them."""
        self._decided = number
        self._keys = list(keys)

    def sources(self, number: int) -> list[int]:
        """The frames that ``number`` takes its hidden pixels from."""
        if self._chosen is None or self._chosen[0] != number:
            chosen = choose_sources(self._track, number, self.anchors, self._most_sources)
            if len(chosen) > _ENOUGH_FOR_A_RIM and self._is_mostly_rim(number, chosen):
                chosen = chosen[:_ENOUGH_FOR_A_RIM]
            if len(chosen) > _ENOUGH_FOR_A_WIRE and self._is_wide_and_thin(number, chosen):
                chosen = chosen[:_ENOUGH_FOR_A_WIRE]
            self._chosen = (number, chosen)
        return self._chosen[1]

    def _is_mostly_rim(self, number: int, chosen: list[int]) -> bool:
        """Whether a large matte is so far hidden in all frames that sources show little but its rim."""
        hidden = self._track.hidden(number)
        if float(hidden.mean()) < _LARGE_MATTE:
            return False
        points = self._points(hidden)
        return float(self._unseen(number, chosen, points).mean()) > 0.5

    def _is_wide_and_thin(self, number: int, chosen: list[int]) -> bool:
        """Whether the matte is thin everywhere (wires), spans much of the frame, and the first sources show
        nearly all of it that all of them do. A thin hole's own sides tell about it too, while every source
        has to be registered on all that the matte spans."""
        hidden = self._track.hidden(number)
        box = Box.around(hidden)
        if box.width * box.height < _WIDE * hidden.size:
            return False
        side = self._step * _CELLS + 2  # analysis masks are grown by a pixel on each side
        if float(opencv.erode(hidden, opencv.square(side)).sum()) > _THICK_SHARE * float(hidden.sum()):
            return False
        points = self._points(hidden)
        lost = self._unseen(number, chosen[:_ENOUGH_FOR_A_WIRE], points)
        return float((lost & ~self._unseen(number, chosen, points)).mean()) < _LOST_SHARE

    def is_key(self, number: int) -> bool:
        """Whether frame ``number`` is a key frame."""
        while self._decided <= number:
            if self._needs_key(self._decided):
                self._keys.append(self._decided)
            self._decided += 1
        return number in self._keys

    def keys_up_to(self, last: int) -> list[int]:
        """All key frames up to ``last``, itself included, in order."""
        if last in self._numbers:
            self.is_key(last)
        return [number for number in self._keys if number <= last]

    def _needs_key(self, number: int) -> bool:
        if number in self.anchors or not self._track.any_hidden(number):
            return False
        hidden = self._track.hidden(number)
        if hidden.all():
            return False
        points = self._points(hidden)
        unseen = self._unseen(number, self.sources(number), points)
        segment = self._track.segment(number)
        if self._keys and self._keys[-1] in segment:
            unseen &= ~self._inside(number, self._keys[-1], points)
        coarse = np.zeros(hidden[:: self._step, :: self._step].shape, bool)
        at = points.astype(np.int64) // self._step
        coarse[at[:, 1], at[:, 0]] = unseen
        return bool(opencv.erode(coarse, opencv.square(_CELLS)).any())

    def _points(self, hidden: BoolArray) -> Float32Array:
        """(N, 2) of the hidden pixels on a grid, which every area worth a key frame meets several times."""
        rows, columns = np.nonzero(hidden[:: self._step, :: self._step])
        return np.stack([columns, rows], axis=1).astype(np.float32) * np.float32(self._step)

    def _unseen(self, number: int, chosen: list[int], points: Float32Array) -> BoolArray:
        unseen = np.ones(len(points), bool)
        for source in chosen:
            unseen &= ~visible(self._track, number, source, points)
        return unseen

    def _inside(self, target: int, key: int, points: Float32Array) -> BoolArray:
        rows, columns = self._track.hidden(target).shape
        there = apply(self._track.chained(target, key), points)
        return np.asarray(
            (there >= 0).all(axis=1) & (there[:, 0] <= columns - 1) & (there[:, 1] <= rows - 1), bool
        )
