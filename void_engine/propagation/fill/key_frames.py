"""What no frame shows: synthesised once in a key frame, then carried along the motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation import encoding
from void_engine.propagation.fill import synthesis
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal.reveal import Revealer, Source
from void_engine.propagation.working_set import AnalysisFrame, FullFrame, analyse

SLIVER_PX = 9
"""What is unseen and thinner than this is filled spatially in each frame."""
MOST_KEYS = 2
"""How many key frames are held at most."""
_CONTEXT_PX = 80
KEPT_GRAIN = 0.6
"""Part of the grain's variance in what was synthesised: copied pieces bring theirs, carrying softens it."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A completed frame whose synthesised pixels are carried along."""

    full: FullFrame
    analysis: AnalysisFrame


@dataclass(frozen=True, slots=True)
class SynthesisedPixels:
    """What a key frame adds to its plate."""

    number: int
    area: Box
    hole: BoolArray
    """(h, w) on ``area``."""
    values: Float32Array
    """(N, 3) scene-linear, in the order of the hole's pixels."""


class KeyFrameFill:
    """Fills unseen pixels frame by frame, in order, so that they do not boil."""

    def __init__(
        self,
        motion: ShotMotion,
        revealer: Revealer,
        plan: KeyPlan,
        seed: int,
        on_key: Callable[[SynthesisedPixels], None] | None = None,
    ) -> None:
        """Prepare to fill key frames.

        Args:
            plan: tells which frames become key frames.
            seed: of the texture synthesis.
            on_key: hears of each key frame once it is made.
        """
        self._working = motion.working
        self._track = motion.track
        self._monitor = motion.monitor
        self._revealer = revealer
        self._seed = seed
        self._keys: list[_Key] = []
        self._plan = plan
        self._on_key = on_key

    def is_key(self, number: int) -> bool:
        """Whether other frames carry on what frame ``number`` is completed with."""
        return self._plan.is_key(number)

    def add_key(self, pixels: SynthesisedPixels) -> None:
        """Take a key frame that was synthesised elsewhere as the newest one."""
        full = self._working.full(pixels.number)
        plate = full.plate.copy()
        plate[pixels.area.slices(full.box)][pixels.hole] = pixels.values
        self._keep(pixels.number, plate)

    def complete(
        self, full: FullFrame, area: Box, answer: Float32Array, hole: BoolArray, unseen: BoolArray
    ) -> Float32Array:
        """``answer`` (encoded, on ``area``) with its ``unseen`` pixels filled.

        To be called for every frame with unseen pixels and for every key frame before those that follow it.
        """
        answer = self._filled(full, area, answer, unseen)
        if self.is_key(full.number):
            self._remember(full, area, answer, hole)
        return answer

    def _filled(self, full: FullFrame, area: Box, answer: Float32Array, unseen: BoolArray) -> Float32Array:
        if full.hidden.all() and unseen.all():
            # Nothing to go by, in this frame or another: the plate says more than black would.
            return full.encoded(area)
        square = opencv.square(SLIVER_PX)
        core = opencv.erode(unseen, square)
        thick = opencv.dilate_by_disc(core, SLIVER_PX) & unseen
        thin = unseen & ~thick
        self._monitor.check_cancelled()
        if thick.any():
            carried, there = self._carried(full, thick)
            answer = np.where((thick & there)[:, :, None], carried, answer)
            left = thick & ~there
            if opencv.erode(left, square).any():
                answer = self._synthesise(full, area, answer, left, thin)
            else:
                thin = thin | left
        return synthesis.inpaint(answer, thin)

    def _carried(self, full: FullFrame, thick: BoolArray) -> tuple[Float32Array, BoolArray]:
        segment = self._track.segment(full.number)
        keys = [key for key in self._keys if key.full.number in segment]
        if not keys:
            return np.zeros((*thick.shape, 3), np.float32), np.zeros(thick.shape, bool)
        key = keys[-1]
        source = Source(key.full, key.analysis, self._track.chained(full.number, key.full.number))
        carried = self._revealer.reveal(full.number, [], [source])
        return carried.values, carried.seen

    def _synthesise(
        self, full: FullFrame, area: Box, answer: Float32Array, hole: BoolArray, forbidden: BoolArray
    ) -> Float32Array:
        """Patch synthesis with room around the hole to take texture from."""
        room = area.grown(max(_CONTEXT_PX, min(area.width, area.height) // 2)).intersection(full.box)
        picture = full.encoded(room)
        inside = area.slices(room)
        picture[inside] = answer
        wide_hole, wide_forbidden = np.zeros(room.shape, bool), full.hidden[room.slices(full.box)].copy()
        wide_hole[inside] = hole
        # What was revealed may be copied from; what is hidden and not yet filled may not.
        wide_forbidden[inside] = forbidden
        self._monitor.check_cancelled()
        made = synthesis.patch_fill(picture, wide_hole, wide_forbidden, self._seed, self._monitor)
        return np.where(hole[:, :, None], made[inside], answer).astype(np.float32)

    def _remember(self, full: FullFrame, area: Box, answer: Float32Array, hole: BoolArray) -> None:
        self._monitor.check_cancelled()
        pixels = SynthesisedPixels(full.number, area, hole, encoding.decode(answer)[hole])
        self.add_key(pixels)
        if self._on_key is not None:
            self._on_key(pixels)

    def _keep(self, number: int, plate: Float32Array) -> None:
        nothing = np.zeros(plate.shape[:2], np.float32)
        clear = np.zeros(plate.shape[:2], bool)
        completed = FullFrame(number, plate, plate, clear, nothing, nothing, nothing, clear, anchor=False)
        self._keys.append(_Key(completed, analyse(completed, self._working.analysis_shape, self._monitor)))
        del self._keys[:-MOST_KEYS]
