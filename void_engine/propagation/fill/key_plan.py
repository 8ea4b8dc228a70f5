"""Plans the key frames of a shot: the frames whose synthesised pixels the others take.

The plan depends only on the camera track and the mattes and is made before any pixel. So a run that makes
only some frames of a shot, or resumes after an interruption, makes the same key frames as a run that makes
all of them.
"""

from __future__ import annotations

import threading

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation.motion.homography import apply
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.reveal.source_choice import MOST_SOURCES, choose_sources, visible
from void_engine.spread import evenly_spread

_CELLS = 3
"""How many sample points lie across the narrowest area that is worth a key frame."""
_LARGE_MATTE = 0.15
"""The fraction of the frame from which a matte counts as large."""
_ENOUGH_FOR_A_RIM = 4
"""How many sources are used when they show little but the rim of a large matte."""
_ENOUGH_FOR_A_WIRE = 4
"""How many sources are used for a wide, thin matte."""
_MEASURED_FRAMES = 7
"""The number of frames on which the share that no frame shows is measured."""
_WIDE = 0.4
"""A matte that spans at least this fraction of the frame counts as wide, and registering its sources is
slow."""
_THICK_SHARE = 0.01
"""The fraction of a thin matte that may be left after an erosion."""
_LOST_SHARE = 0.1
"""The fraction of a thin matte that may be lost with the further sources; the pixels on its sides replace
it."""


class KeyPlan:
    """The key frames of a shot and the sources of each frame, planned in order and on demand."""

    def __init__(
        self,
        track: ShotTrack,
        numbers: range,
        anchors: frozenset[int],
        sliver_px: float,
        most_sources: int = MOST_SOURCES,
        reach: str = "balanced",
    ) -> None:
        """Prepare to choose key frames.

        Args:
            track: the camera track of the shot.
            numbers: all frames of the shot.
            anchors: frames that the artist has cleaned; they need no synthesis.
            sliver_px: width, in analysis pixels, from which an unseen area is worth a key frame.
            most_sources: the most frames that each frame takes pixels from.
            reach: the option ``sources``: near, balanced or far.
        """
        self._track = track
        self._numbers = numbers
        self.anchors = anchors
        """The frames that the artist has cleaned."""
        self._most_sources = most_sources
        self._reach = reach
        self._chosen: tuple[int, list[int]] | None = None
        self._step = max(1, round(sliver_px / _CELLS))
        self._decided = numbers.start
        self._keys: list[int] = []
        self._planning = threading.RLock()

    def resume_at(self, number: int, keys: list[int]) -> None:
        """Resume planning at frame ``number``; ``keys`` are the key frames that another run has planned."""
        self._decided = number
        self._keys = list(keys)

    def sources(self, number: int) -> list[int]:
        """The frames that ``number`` takes its hidden pixels from. Several threads may ask."""
        with self._planning:
            return self._sources(number)

    def _sources(self, number: int) -> list[int]:
        if self._chosen is None or self._chosen[0] != number:
            chosen = self._choose(number)
            if len(chosen) > _ENOUGH_FOR_A_RIM and self._is_mostly_rim(number, chosen):
                chosen = chosen[:_ENOUGH_FOR_A_RIM]
            if len(chosen) > _ENOUGH_FOR_A_WIRE and self._is_wide_and_thin(number, chosen):
                chosen = chosen[:_ENOUGH_FOR_A_WIRE]
            self._chosen = (number, chosen)
        return self._chosen[1]

    def _choose(self, number: int) -> list[int]:
        return choose_sources(self._track, number, self.anchors, self._most_sources, reach=self._reach)

    def _is_mostly_rim(self, number: int, chosen: list[int]) -> bool:
        """Whether a large matte is hidden in all frames to such an extent that sources show only its rim."""
        hidden = self._track.hidden(number)
        if float(hidden.mean()) < _LARGE_MATTE:
            return False
        points = self._points(hidden)
        return float(self._unseen(number, chosen, points).mean()) > 0.5

    def _is_wide_and_thin(self, number: int, chosen: list[int]) -> bool:
        """Whether the matte is thin (wires) and wide, and the first sources show nearly as much as all do.

        Then fewer sources are enough: the pixels beside a thin hole say as much about it, and every source
        has to be registered on all that the matte spans.
        """
        hidden = self._track.hidden(number)
        box = Box.around(hidden)
        if box.width * box.height < _WIDE * hidden.size:
            return False
        side = self._step * _CELLS + 2  # Analysis masks are grown by a pixel on each side.
        if float(opencv.erode(hidden, opencv.square(side)).sum()) > _THICK_SHARE * float(hidden.sum()):
            return False
        points = self._points(hidden)
        lost = self._unseen(number, chosen[:_ENOUGH_FOR_A_WIRE], points)
        return float((lost & ~self._unseen(number, chosen, points)).mean()) < _LOST_SHARE

    def is_key(self, number: int) -> bool:
        """Whether frame ``number`` is a key frame. Several threads may ask."""
        with self._planning:
            return self._is_key(number)

    def _is_key(self, number: int) -> bool:
        while self._decided <= number:
            if self._needs_key(self._decided):
                self._keys.append(self._decided)
            self._decided += 1
        return number in self._keys

    def keys_up_to(self, last: int) -> list[int]:
        """All key frames up to and including ``last``, in order."""
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

    def never_seen(self) -> float:
        """Return which share of what is removed no other frame shows, 0 to 1: it is to be invented. It is
        measured on a few frames of the shot; 0 where nothing is removed. The plan is not changed."""
        unseen = total = 0
        for number in evenly_spread(self._numbers, _MEASURED_FRAMES):
            if number in self.anchors or not self._track.any_hidden(number):
                continue
            points = self._points(self._track.hidden(number))
            unseen += int(self._unseen(number, self._choose(number), points).sum())
            total += len(points)
        return unseen / total if total else 0.0

    def _points(self, hidden: BoolArray) -> Float32Array:
        """Sample points of the hidden pixels, (N, 2); every area worth a key frame holds several of them."""
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
