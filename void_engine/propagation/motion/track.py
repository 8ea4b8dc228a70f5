"""The shot track: camera motion, cuts, held frames and mattes of a shot, from one look at every frame."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from void_engine.arrays import BoolArray, Int64Array
from void_engine.engines.interface import Monitor
from void_engine.propagation.ahead import frames_at_a_time, working_ahead
from void_engine.propagation.archive import write_archive
from void_engine.propagation.memo import Memo
from void_engine.propagation.motion import locked_off
from void_engine.propagation.motion.homography import Homography, identity
from void_engine.propagation.motion.motion_layers import MotionLayers, Tracks
from void_engine.propagation.motion.registration import FrameStep, PairRegistration
from void_engine.propagation.working_set import AnalysisFrame, WorkingSet

_STILL_STRIDE = 4
"""Every this many frames the camera is compared with the beginning of the segment, which shows slow drift."""
_MASKS_HELD = 128
"""The most masks that are held unpacked."""
_CUT_CORRELATION = 0.35
"""The correlation of two neighbouring frames below which there is a cut between them."""


class ShotTrack:
    """The camera motion, cuts, held frames and mattes of a shot, in a few hundred bytes for each frame."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._to_start: list[Homography] = []
        self._segment: list[int] = []
        self._frozen: list[bool] = []
        self._hidden: list[bytes] = []
        self._any_hidden: list[bool] = []
        self._moved: list[bool] = []
        self._locked: list[bool] = []
        self._shape = (0, 0)
        self._layers = MotionLayers()
        self._passing: dict[int, tuple[bytes, bytes]] = {}
        self._unpacked: Memo[BoolArray] = Memo(_MASKS_HELD)

    def append(
        self,
        frame: AnalysisFrame,
        homography: Homography,
        *,
        cut: bool,
        frozen: bool,
        tracks: Tracks | None = None,
        moved: bool = True,
    ) -> None:
        """Add the next frame.

        Args:
            frame: the frame at analysis size.
            homography: maps the frame before to this one; unused at a cut.
            cut: whether a cut lies before the frame.
            frozen: whether the frame repeats the one before it.
            tracks: the corners tracked from the frame before; None where there were none.
            moved: whether the camera has moved since the frame before or since its segment began.
        """
        self._shape = (frame.hidden.shape[0], frame.hidden.shape[1])
        self._hidden.append(_packed(frame.hidden))
        self._any_hidden.append(bool(frame.hidden.any()))
        starts = cut or not self._to_start
        self._layers.append(None if starts else homography, tracks, self._shape)
        if starts:
            self._segment.append(self._segment[-1] + 1 if self._segment else 0)
            self._to_start.append(identity())
            self._frozen.append(False)
            self._moved.append(False)
            return
        chained = self._to_start[-1] @ np.linalg.inv(homography)
        self._segment.append(self._segment[-1])
        self._to_start.append(chained / chained[2, 2])
        self._frozen.append(frozen)
        self._moved.append(moved)

    def settle(self) -> None:
        """Complete the track after its last frame.

        Where a segment shows two motion layers, the camera's chain follows the one that explains more,
        instead of jumping between them. Where the camera never moved, the chain moves nothing.
        """
        start = 0
        while start < len(self._to_start):
            segment = self.segment(self._first + start)
            indices = range(segment.start - self._first, segment.stop - self._first)
            has_layers = self._layers.settle(indices)
            locked = not any(self._moved[indices.start : indices.stop])
            self._locked.extend(locked for _ in indices)
            if locked:
                self._to_start[indices.start : indices.stop] = [identity() for _ in indices]
            elif has_layers:
                self._follow_one_layer(indices)
            start = indices.stop

    def _follow_one_layer(self, indices: range) -> None:
        steps = [np.linalg.inv(self._to_start[i]) @ self._to_start[i - 1] for i in indices[1:]]
        for index, step in zip(indices[1:], steps, strict=True):
            link = self._layers.link(index)
            chained = self._to_start[index - 1] @ np.linalg.inv(step if link is None else link[0])
            self._to_start[index] = chained / chained[2, 2]

    def segment(self, number: int) -> range:
        """The frames between the same two cuts as ``number``."""
        index = number - self._first
        low = high = index
        while low > 0 and self._segment[low - 1] == self._segment[index]:
            low -= 1
        while high + 1 < len(self._segment) and self._segment[high + 1] == self._segment[index]:
            high += 1
        return range(self._first + low, self._first + high + 1)

    def is_locked_off(self, number: int) -> bool:
        """Whether the camera stands still in the whole segment of ``number``."""
        return self._locked[number - self._first]

    def any_hidden(self, number: int) -> bool:
        return self._any_hidden[number - self._first]

    def repeats_previous(self, number: int) -> bool:
        """Whether this frame is a held copy of the one before it."""
        return self._frozen[number - self._first]

    def hidden(self, number: int) -> BoolArray:
        """The mask (h, w) of hidden pixels in the analysis frame ``number``."""
        return self._unpacked.get(number, self._unpack)

    def withhold(self, number: int, pieces: BoolArray, in_front: BoolArray) -> None:
        """Note what passes before the object in frame ``number``.

        Args:
            number: the frame.
            pieces: (h, w), the pixels that are never to be taken for background.
            in_front: (h, w), all pixels near the object where something passes.
        """
        self._passing[number] = (_packed(pieces) if pieces.any() else b"", _packed(in_front))

    def withheld(self, number: int) -> BoolArray | None:
        """The pixels (h, w) of frame ``number`` that show no background although no matte hides them."""
        packed = self._passing.get(number)
        return self._mask(packed[0]) if packed and packed[0] else None

    def in_front(self, number: int) -> BoolArray | None:
        """The pixels (h, w) of frame ``number`` near the object where something passes in front of it."""
        packed = self._passing.get(number)
        return None if packed is None else self._mask(packed[1])

    def unusable(self, number: int) -> BoolArray:
        """The mask (h, w) of pixels that frame ``number`` cannot give to others: hidden or withheld."""
        withheld = self.withheld(number)
        return self.hidden(number) if withheld is None else self.hidden(number) | withheld

    def _unpack(self, number: int) -> BoolArray:
        return self._mask(self._hidden[number - self._first])

    def _mask(self, compressed: bytes) -> BoolArray:
        packed = np.frombuffer(zlib.decompress(compressed), np.uint8)
        count = self._shape[0] * self._shape[1]
        return np.unpackbits(packed, count=count).reshape(self._shape).astype(bool)

    def save(self, path: Path) -> None:
        """Write the track to a NumPy archive, which appears only when it is complete."""
        sizes = np.array([len(packed) for packed in self._hidden], np.int64)
        arrays = {
            "first": np.int64(self._first),
            "shape": np.array(self._shape, np.int64),
            "to_start": np.array(self._to_start, np.float64).reshape(-1, 3, 3),
            "segment": np.array(self._segment, np.int64),
            "locked": np.array(self._locked, np.bool_),
            "frozen": np.array(self._frozen, np.bool_),
            "any_hidden": np.array(self._any_hidden, np.bool_),
            "sizes": sizes,
            "hidden": np.frombuffer(b"".join(self._hidden), np.uint8),
            "passing": np.array(list(self._passing), np.int64),
            "passing_sizes": np.array([len(m) for two in self._passing.values() for m in two], np.int64),
            "passing_masks": np.frombuffer(b"".join(b"".join(t) for t in self._passing.values()), np.uint8),
            "layers": self._layers.links(),
        }
        write_archive(path, arrays)

    @classmethod
    def load(cls, path: Path) -> ShotTrack:
        """Read a track that :meth:`save` has written; it is the same to the bit.

        Raises:
            OSError, ValueError, KeyError: when the file is missing or no such archive.
        """
        with np.load(path, allow_pickle=False) as kept:
            track = cls(int(kept["first"]))
            track._shape = (int(kept["shape"][0]), int(kept["shape"][1]))
            track._to_start = list(kept["to_start"])
            track._segment = [int(number) for number in kept["segment"]]
            track._frozen = [bool(flag) for flag in kept["frozen"]]
            track._locked = [bool(flag) for flag in kept["locked"]]
            track._any_hidden = [bool(flag) for flag in kept["any_hidden"]]
            track._layers = MotionLayers.from_links(kept["layers"])
            track._hidden = _divided(kept["hidden"].tobytes(), kept["sizes"])
            masks = _divided(kept["passing_masks"].tobytes(), kept["passing_sizes"])
            pairs = zip(kept["passing"], masks[::2], masks[1::2], strict=True)
            track._passing = {int(number): (pieces, in_front) for number, pieces, in_front in pairs}
        return track

    def chained(self, target: int, source: int) -> Homography:
        """The homography from ``target`` to ``source`` along the chain; both must be in one segment."""
        through = np.linalg.inv(self._to_start[source - self._first]) @ self._to_start[target - self._first]
        return np.asarray(through / through[2, 2], np.float64)

    def layer_chained(self, target: int, source: int, layer: int) -> Homography | None:
        """The homography of one of two motion layers from ``target`` to ``source``; None where a frame
        between them has only one layer, or the camera stands still."""
        if self._locked[target - self._first]:
            return None
        return self._layers.chained(target - self._first, source - self._first, layer)


def _packed(mask: BoolArray) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _divided(joined: bytes, sizes: Int64Array) -> list[bytes]:
    return [joined[end - size : end] for end, size in zip(np.cumsum(sizes), sizes, strict=True)]


def track_shot(
    working: WorkingSet,
    registration: PairRegistration,
    numbers: range,
    monitor: Monitor,
    motion: str = "auto",
) -> ShotTrack:
    """Track a shot: look once at every frame in order, for camera motion, cuts, held frames and mattes.

    ``motion`` is the option of that name: only ``auto`` asks whether the camera is locked off.
    """
    track = ShotTrack(numbers.start)
    at_a_time = frames_at_a_time(working.width * working.height)
    with working_ahead(at_a_time) as ahead:
        steps = ahead(lambda number: registration.step(number - 1, number), numbers[1:])
        _look(track, working, registration, numbers, steps, monitor, motion)
    track.settle()
    return track


def _look(
    track: ShotTrack,
    working: WorkingSet,
    registration: PairRegistration,
    numbers: range,
    steps: Iterator[FrameStep],
    monitor: Monitor,
    motion: str,
) -> None:
    began, may_be_still = numbers.start, motion in ("auto", "locked-off")
    for index, number in enumerate(numbers):
        monitor.check_cancelled()
        if index == 0:
            track.append(working.analysis(number), identity(), cut=True, frozen=False)
        else:
            step = next(steps)
            cut = step.correlation < _CUT_CORRELATION
            if cut:
                began, may_be_still = number, motion in ("auto", "locked-off")
            elif may_be_still and motion == "auto":
                may_be_still = _stands_still(registration, step, began, number)
            track.append(
                working.analysis(number),
                step.homography,
                cut=cut,
                frozen=step.frozen,
                tracks=step.tracks,
                moved=not may_be_still,
            )
        monitor.progress("register", index + 1, len(numbers), number)


def _stands_still(registration: PairRegistration, step: FrameStep, began: int, number: int) -> bool:
    """Whether the camera still stands as it did one frame before and at the frame ``began``."""
    still = locked_off.is_still(step.tracks)
    if still is None:
        still = bool(np.array_equal(step.homography, identity()))
    if still and number - began > 1 and (number - began) % _STILL_STRIDE == 0:
        still = locked_off.is_still(registration.tracked(began, number)) is not False
    return still
