"""One clean frame from all parts: revealed pixels first, carried synthesis next, new synthesis last."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from void_engine.engines.interface import CleanFrame, Float32Array, Monitor
from void_engine.geometry import Box
from void_engine.propagation import encoding, pyramid, synthesis
from void_engine.propagation.registration import PairRegistration, ShotTrack
from void_engine.propagation.reveal import Revealed, Revealer, Source, encoded_plate, near
from void_engine.propagation.sources import choose
from void_engine.propagation.working_set import AnalysisFrame, BoolArray, FullFrame, WorkingSet, analyse

_SLIVER_PX = 9
"""What is unseen and thinner than this is filled spatially in each frame."""
_MOST_KEYS = 3
_SYNTHESIS_SIDE = 400
_CONTEXT_PX = 96


@dataclass(frozen=True, slots=True)
class _Key:
    """A completed frame whose synthesised pixels are carried along."""

    full: FullFrame
    analysis: AnalysisFrame


class FrameCleaner:
    """Cleans the frames of a shot in order, keeping a few completed frames to carry synthesis from."""

    def __init__(
        self,
        working: WorkingSet,
        track: ShotTrack,
        registration: PairRegistration,
        seed: int,
        monitor: Monitor,
    ) -> None:
        self._working = working
        self._track = track
        self._seed = seed
        self._monitor = monitor
        self._revealer = Revealer(working, track, registration, monitor)
        self._keys: list[_Key] = []
        self._anchors: set[int] = set()

    def clean(self, number: int) -> CleanFrame:
        """The clean frame; its picture is the plate's own wherever nothing is wanted."""
        full = self._working.full(number)
        if full.anchor:
            self._anchors.add(number)
        if not full.wanted.any() or full.anchor:
            return CleanFrame(number, full.plate, np.ones(full.hidden.shape, np.float32))
        chosen = choose(self._track, number, frozenset(self._anchors))
        revealed = self._revealer.reveal(number, chosen, [])
        plate = encoded_plate(full, revealed.area)
        cut = revealed.area.slices(Box.from_size(self._working.width, self._working.height))
        hole = full.hidden[cut]
        answer = np.where((hole & revealed.seen)[:, :, None], revealed.values, plate).astype(np.float32)
        confidence = np.where(hole, 0.5 + 0.5 * revealed.certainty, np.float32(1.0)).astype(np.float32)
        confidence = np.where(hole & ~revealed.seen, np.float32(0.0), confidence)
        answer = self._complete(full, revealed, plate, answer, hole)
        picture = full.plate.copy()
        linear = encoding.decode(answer)
        wanted = full.wanted[cut]
        picture[cut][wanted] = linear[wanted]
        whole = np.ones(full.hidden.shape, np.float32)
        whole[cut] = confidence
        return CleanFrame(number, picture, whole)

    # --- what no source shows

    def _complete(
        self, full: FullFrame, revealed: Revealed, plate: Float32Array, answer: Float32Array, hole: BoolArray
    ) -> Float32Array:
        unseen = hole & ~revealed.seen
        if not unseen.any():
            return answer
        core = np.asarray(cv2.erode(unseen.astype(np.uint8), np.ones((_SLIVER_PX, _SLIVER_PX), np.uint8))) > 0
        thick = near(core, _SLIVER_PX) & unseen
        if thick.any() and not full.hidden.all():
            carried, there = self._carried(full, thick)
            answer = np.where((thick & there)[:, :, None], carried, answer)
            left = thick & ~there
            if left.any():
                thin = unseen & ~thick
                answer = self._synthesise(answer, left, thin)
                answer = _spatial(answer, thin)
                self._remember(full, revealed.area, answer, hole)
                return answer
            unseen = unseen & ~thick
        elif full.hidden.all() and unseen.all():
            return np.zeros_like(answer)
        return _spatial(answer, unseen)

    def _carried(self, full: FullFrame, thick: BoolArray) -> tuple[Float32Array, BoolArray]:
        segment = self._track.segment(full.number)
        keys = [key for key in self._keys if key.full.number in segment]
        nothing = np.zeros((*thick.shape, 3), np.float32), np.zeros(thick.shape, bool)
        if not keys:
            return nothing
        key = keys[-1]
        source = Source(key.full, key.analysis, self._track.chained(full.number, key.full.number))
        carried = self._revealer.reveal(full.number, [], [source])
        return carried.values, carried.seen

    def _synthesise(self, answer: Float32Array, hole: BoolArray, forbidden: BoolArray) -> Float32Array:
        rows, columns = hole.shape
        scale = min(1.0, _SYNTHESIS_SIDE / max(rows, columns))
        if scale == 1.0:
            return synthesis.patch_fill(answer, hole, forbidden, self._seed, self._monitor)
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        clear = (~(hole | forbidden)).astype(np.float32)
        filled = pyramid.fill(answer, clear)
        small = np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_AREA), np.float32)
        small_hole = (
            np.asarray(cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.01
        )
        small_forbidden = np.asarray(
            cv2.resize(forbidden.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        )
        made = synthesis.patch_fill(
            small, small_hole, (small_forbidden > 0.01) & ~small_hole, self._seed, self._monitor
        )
        large = np.asarray(cv2.resize(made, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)
        return np.where(hole[:, :, None], large, answer).astype(np.float32)

    def _remember(self, full: FullFrame, area: Box, answer: Float32Array, hole: BoolArray) -> None:
        plate = full.plate.copy()
        cut = area.slices(Box.from_size(self._working.width, self._working.height))
        plate[cut][hole] = encoding.decode(answer)[hole]
        nothing = np.zeros(full.hidden.shape, np.float32)
        completed = FullFrame(
            full.number, plate, np.zeros(full.hidden.shape, bool), nothing, nothing, nothing > 0, anchor=False
        )
        self._keys.append(_Key(completed, analyse(completed, self._working.analysis_shape)))
        del self._keys[:-_MOST_KEYS]


def _spatial(answer: Float32Array, hole: BoolArray) -> Float32Array:
    return synthesis.spatial(answer, hole) if hole.any() else answer
