"""One clean frame from all parts: revealed pixels, carried or new synthesis, edges, grain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.engines.interface import CleanFrame, Monitor
from void_engine.geometry import Box
from void_engine.propagation import encoding, pyramid
from void_engine.propagation.fill.key_frames import KEPT_GRAIN, Carrier, SynthesisedPixels
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.finish import detail_clamp, edges, grain, thin_structures
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.reveal.layered import LayeredRevealer
from void_engine.propagation.reveal.reveal import Revealed, Revealer, encoded_plate, near
from void_engine.propagation.working_set import FullFrame, WorkingSet

_GRAIN_CONTEXT_PX = 48
_SLOW_PX = 6.0
_THIN_DOUBT = 4.0
"""Errors beside a thin hole are this much smaller than those that un-mixing is weighed against inside it."""
_UNSEEN_ERROR = 0.1
"""Deviation, encoded, of a synthesised pixel from the truth: what un-mixing the plate is weighed against."""


class FrameCleaner:
    """Cleans the frames of a shot in order."""

    def __init__(
        self,
        working: WorkingSet,
        track: ShotTrack,
        registration: PairRegistration,
        seed: int,
        grain_strength: float,
        monitor: Monitor,
        plan: KeyPlan,
        on_key: Callable[[SynthesisedPixels], None] | None = None,
    ) -> None:
        self._working = working
        self._track = track
        self._plan = plan
        self._seed = seed
        self._grain_strength = grain_strength
        self._monitor = monitor
        self._revealer = Revealer(working, track, registration, monitor)
        self._layered = LayeredRevealer(working, track, registration, self._revealer, monitor)
        self._carrier = Carrier(working, track, self._revealer, seed, monitor, plan, on_key)

    def plant(self, pixels: SynthesisedPixels) -> None:
        """Carry on from a key frame that was synthesised elsewhere."""
        self._carrier.plant(pixels)

    def clean(self, number: int) -> CleanFrame:
        """The clean frame; its picture is the plate's own wherever nothing is wanted."""
        full = self._working.full(number)
        if not full.wanted.any():
            return CleanFrame(number, full.original, np.ones(full.hidden.shape, np.float32))
        picture = full.original.copy()
        if full.anchor:
            picture[full.wanted] = full.plate[full.wanted]
            return CleanFrame(number, picture, np.ones(full.hidden.shape, np.float32))
        revealed = self._layered.reveal(number, self._plan.anchors, self._by_one_motion)
        cut = revealed.area.slices(Box.from_size(self._working.width, self._working.height))
        answer, confidence = self._answer(full, revealed)
        self._monitor.check_cancelled()
        linear = encoding.decode(answer)
        wanted = full.wanted[cut]
        picture[cut][wanted] = linear[wanted]
        whole = np.ones(full.hidden.shape, np.float32)
        whole[cut] = confidence
        return CleanFrame(number, picture, whole)

    def _by_one_motion(self, number: int) -> Revealed:
        # With nothing to take, a neighbour still tells grain from texture around the hole.
        chosen = self._plan.sources(number) or self._neighbour(number)
        return self._revealer.reveal(number, chosen, [])

    def _neighbour(self, number: int) -> list[int]:
        segment = self._track.segment(number)
        return [other for other in (number - 1, number + 1) if other in segment][:1]

    def _answer(self, full: FullFrame, revealed: Revealed) -> tuple[Float32Array, Float32Array]:
        """Encoded pixels and confidence on the revealed area."""
        cut = revealed.area.slices(Box.from_size(self._working.width, self._working.height))
        plate, hole, alpha = encoded_plate(full, revealed.area), full.hidden[cut], full.alpha[cut]
        unseen = hole & ~revealed.seen
        known = revealed.seen & ~hole
        answer = np.where((hole & revealed.seen)[:, :, None], revealed.values, plate).astype(np.float32)
        self._monitor.check_cancelled()
        answer = edges.close_seam(answer, revealed.values, plate, hole, known)
        if unseen.any() or self._carrier.is_key(full.number):
            self._monitor.check_cancelled()
            answer = self._carrier.complete(full, revealed.area, answer, hole, unseen)
            answer = _keep_shadowed_texture(answer, plate, full, cut, unseen)
        self._monitor.check_cancelled()
        joined = thin_structures.blend(answer, revealed.values, plate, hole, known)
        answer = joined.values
        self._monitor.check_cancelled()
        seen_doubt = 1.0 + 3.0 * (1.0 - revealed.certainty)
        doubt = np.where(unseen, np.float32(_UNSEEN_ERROR / revealed.noise), seen_doubt).astype(np.float32)
        thin_doubt = joined.deviation * np.float32(_THIN_DOUBT / revealed.noise)
        doubt = np.where(joined.deviation > 0, thin_doubt, doubt).astype(np.float32)
        unmixed = edges.unmix(answer, full.plate[cut], alpha, revealed.noise, doubt)
        self._monitor.check_cancelled()
        thin_variance = unmixed.variance * (joined.deviation > 0) / np.float32(_THIN_DOUBT**2)
        answer = detail_clamp.hold(unmixed.values, hole, thin_variance)
        self._monitor.check_cancelled()
        answer = self._with_grain(full, revealed, answer, hole)
        self._monitor.check_cancelled()
        confidence = np.where(revealed.seen, 0.5 + 0.5 * revealed.certainty, np.float32(0.0))
        confidence = np.where(hole, confidence, np.float32(1.0)).astype(np.float32)
        return np.nan_to_num(answer, nan=0.0, posinf=0.0, neginf=0.0), confidence

    def _with_grain(
        self, full: FullFrame, revealed: Revealed, answer: Float32Array, hole: BoolArray
    ) -> Float32Array:
        frame = Box.from_size(self._working.width, self._working.height)
        around = revealed.area.grown(_GRAIN_CONTEXT_PX).intersection(frame)
        visible = ~near(full.hidden[around.slices(frame)], 2)
        model = grain.measure(encoded_plate(full, around), visible)
        if model is None:
            return answer
        self._monitor.check_cancelled()
        cut = revealed.area.slices(frame)
        known = revealed.seen & ~full.hidden[cut]
        weight = known.astype(np.float32)
        difference = (encoded_plate(full, revealed.area) - revealed.values) * weight[:, :, None]
        slow, _ = pyramid.smooth(difference, weight, 1.6)
        high = (difference - slow) * weight[:, :, None]
        brightness = np.asarray(revealed.values.mean(axis=2), np.float32)
        model = grain.refined(model, high, brightness, known, revealed.kept_variance)
        kept = np.where(revealed.seen, revealed.kept_variance, np.float32(KEPT_GRAIN))
        return grain.restore(answer, model, kept, hole, (self._seed, abs(full.number)), self._grain_strength)


def _keep_shadowed_texture(
    answer: Float32Array, plate: Float32Array, full: FullFrame, cut: tuple[slice, slice], unseen: BoolArray
) -> Float32Array:
    """Where the object only changed the light, the texture is still the plate's: take the slow part of the
    fill and the fast part of the plate."""
    affected = full.affected[cut]
    lit = unseen & (affected > 0) & (full.removed[cut] <= 0)
    if not lit.any():
        return answer
    weight = lit.astype(np.float32)
    fast = plate - pyramid.smooth(plate, weight, _SLOW_PX)[0]
    slow, _ = pyramid.smooth(answer, weight, _SLOW_PX)
    inner = opencv.box_blur(lit.astype(np.float32), 9) * lit
    return np.asarray(answer + inner[:, :, None] * (slow + fast - answer), np.float32)
