"""Composes each clean frame: revealed pixels, synthesis of what no frame shows, edges and grain.

This is where the steps of the method come together for one frame; each step is a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame
from void_engine.propagation import encoding, pyramid
from void_engine.propagation.fill.key_frames import KEPT_GRAIN, KeyFrameFill, SynthesisedPixels
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.finish import affected, detail_clamp, edges, grain, thin_structures
from void_engine.propagation.finish.hole import Hole
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.options import PropagationOptions
from void_engine.propagation.reveal import unaligned
from void_engine.propagation.reveal.layered import LayeredRevealer
from void_engine.propagation.reveal.reveal import BAND_PX, Revealed, Revealer
from void_engine.propagation.working_set import FullFrame

_GRAIN_CONTEXT_PX = 48
"""Width of the surroundings in which the plate's grain is measured."""
_SLOW_PX = 6.0
"""Blur radius that divides light (low frequencies) from texture (high frequencies) in affected areas."""
_THIN_DOUBT = 4.0
"""The factor on the error of blended thin structures, for un-mixing: it was measured beside the hole, where
it is smaller than inside."""
_UNSEEN_ERROR = 0.1
"""The expected deviation, encoded, of a synthesised pixel from the truth; un-mixing weighs the plate against
it."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A frame that is being cleaned, and the pixels of it that other frames revealed."""

    full: FullFrame
    revealed: Revealed
    hole: Hole
    """The hole within the revealed area."""
    cut: tuple[slice, slice]
    """The slices of the revealed area in arrays of the whole frame."""
    change: affected.Change | None
    """What the object changed in affected pixels; None where there are none or nothing can be told."""

    @classmethod
    def of(cls, motion: ShotMotion, full: FullFrame, revealed: Revealed) -> _Target:
        """Find the hole of a frame: what is hidden, but for affected pixels that the object left alone."""
        cut = revealed.area.slices(full.box)
        plate, hidden = full.encoded(revealed.area), full.hidden[cut]
        zone = affected.zone_of(hidden, full.affected[cut], full.removed[cut])
        if not zone.any():
            return cls(full, revealed, Hole(plate, revealed.values, hidden, revealed.seen), cut, None)
        values, seen = revealed.values, revealed.seen
        near = opencv.dilate_by_disc(zone, BAND_PX) & (zone | ~hidden)
        there = unaligned.unaligned(motion, full.number, revealed.area, near)
        if there is not None:
            better = affected.nearer_unaligned(plate, values, near & seen, there[0], near & there[1])
            values, seen = np.where(better[:, :, None], there[0], values), seen | better
        change = affected.measure_change(plate, values, seen, zone, near & seen & ~hidden)
        # Unchanged pixels are the plate's own, so they are no hole, and tell about the hole as others do.
        mask = hidden if change is None else hidden & ~change.unchanged
        values = np.where(zone[:, :, None], values, revealed.values)
        seen = np.where(zone, seen, revealed.seen)
        return cls(full, revealed, Hole(plate, values, mask, seen), cut, change)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A frame that is being cleaned, and its encoded pixels so far, (h, w, 3) on the revealed area."""

    target: _Target
    answer: Float32Array


Stage = CleanFrame | _Begun
"""A frame between two stages of the work on it; one that needs no work is clean from the beginning."""


class FrameCleaner:
    """Cleans the frames of one shot, each in three stages.

    Only the second must be called in the order of the frames, because it continues what was synthesised in
    earlier ones. The others may run for several frames at a time, in any thread.
    """

    def __init__(
        self,
        motion: ShotMotion,
        plan: KeyPlan,
        seed: int,
        options: PropagationOptions,
        on_key: Callable[[SynthesisedPixels], None] | None = None,
    ) -> None:
        """Prepare to complete frames.

        Args:
            motion: the shot's frames and their motion.
            plan: says which frames become key frames, and which frames each one takes its pixels from.
            seed: the seed of texture synthesis and grain.
            options: the job's options.
            on_key: called with each key frame once it is made.
        """
        self._motion = motion
        self._plan = plan
        self._seed = seed
        self._options = options
        self._revealer = Revealer(motion)
        self._layered = LayeredRevealer(motion, self._revealer, options.motion)
        self._key_frames = KeyFrameFill(motion, self._revealer, plan, seed, on_key, options.fill)

    def add_key(self, pixels: SynthesisedPixels) -> None:
        """Use a key frame that was synthesised in another run."""
        self._key_frames.add_key(pixels)

    def clean(self, number: int) -> CleanFrame:
        """Clean frame ``number``; its picture is the plate's own wherever nothing is to be replaced."""
        return self.finish(self.fill(self.begin(number)))

    def begin(self, number: int) -> Stage:
        """Reveal what other frames show of frame ``number``."""
        full = self._motion.working.full(number)
        if not full.wanted.any():
            return CleanFrame(number, full.original, np.ones(full.hidden.shape, np.float32))
        if full.anchor:
            picture = full.original.copy()
            picture[full.wanted] = full.plate[full.wanted]
            return CleanFrame(number, picture, np.ones(full.hidden.shape, np.float32))
        revealed = self._layered.reveal(number, self._plan.anchors, self._by_one_motion)
        target = _Target.of(self._motion, full, revealed)
        answer = target.hole.with_revealed()
        self._motion.monitor.check_cancelled()
        return _Begun(target, self._close_seam(target, answer))

    def fill(self, frame: Stage) -> Stage:
        """Fill what no other frame shows; frames must come in order."""
        if isinstance(frame, CleanFrame):
            return frame
        self._motion.monitor.check_cancelled()
        return _Begun(frame.target, self._fill_unseen(frame.target, frame.answer))

    def finish(self, frame: Stage) -> CleanFrame:
        """Finish edges and grain; the picture is the plate's own wherever nothing is to be replaced."""
        if isinstance(frame, CleanFrame):
            return frame
        target, full = frame.target, frame.target.full
        linear = encoding.decode(self._finished(target, frame.answer))
        picture, confidence = full.original.copy(), np.ones(full.hidden.shape, np.float32)
        wanted = full.wanted[target.cut] & target.hole.mask
        picture[target.cut][wanted] = linear[wanted]
        confidence[target.cut] = _confidence(target)
        return CleanFrame(full.number, picture, confidence)

    def _by_one_motion(self, number: int) -> Revealed:
        # Without any source, a neighbour still distinguishes grain from texture around the hole.
        chosen = self._plan.sources(number) or self._neighbour(number)
        return self._revealer.reveal(number, chosen, [])

    def _neighbour(self, number: int) -> list[int]:
        segment = self._motion.track.segment(number)
        return [other for other in (number - 1, number + 1) if other in segment][:1]

    def _finished(self, target: _Target, answer: Float32Array) -> Float32Array:
        """The encoded clean pixels of the revealed area, (h, w, 3), finite everywhere."""
        for step in (self._finish_edges, self._take_change_away, self._restore_grain):
            self._motion.monitor.check_cancelled()
            answer = step(target, answer)
        self._motion.monitor.check_cancelled()
        return np.nan_to_num(answer, nan=0.0, posinf=0.0, neginf=0.0)

    def _close_seam(self, target: _Target, answer: Float32Array) -> Float32Array:
        return edges.close_seam(answer, target.hole)

    def _fill_unseen(self, target: _Target, answer: Float32Array) -> Float32Array:
        """Fill what no source shows, by synthesis or from an earlier key frame."""
        full, hole = target.full, target.hole
        if not (hole.unseen.any() or self._key_frames.is_key(full.number)):
            return answer
        filled = self._key_frames.complete(full, target.revealed.area, answer, hole.mask, hole.unseen)
        return _keep_shadowed_texture(target, filled)

    def _finish_edges(self, target: _Target, answer: Float32Array) -> Float32Array:
        """Finish the rim: blend thin structures with their sides, un-mix partly covered pixels, and clamp the
        detail of thin fills."""
        full, revealed, hole = target.full, target.revealed, target.hole
        thin = thin_structures.blend(answer, hole, revealed.error)
        self._motion.monitor.check_cancelled()
        doubt = _doubt(target, thin.deviation)
        alpha = full.alpha[target.cut]
        if edges.is_tight(hole, full.removed[target.cut]):
            alpha = (alpha > 0).astype(np.float32)
        unmixed = edges.unmix(thin.values, full.plate[target.cut], alpha, revealed.noise, doubt)
        self._motion.monitor.check_cancelled()
        thin_variance = unmixed.variance * (thin.deviation > 0) / np.float32(_THIN_DOUBT**2)
        return detail_clamp.clamp_detail(unmixed.values, hole.mask, thin_variance)

    def _take_change_away(self, target: _Target, answer: Float32Array) -> Float32Array:
        """Take only what the object changed from affected pixels, which else are the plate's."""
        if target.change is None:
            return answer
        return target.change.taken_away(target.hole.plate, answer, target.hole.known)

    def _restore_grain(self, target: _Target, answer: Float32Array) -> Float32Array:
        """Put back the grain that fusing several frames took away."""
        full, revealed, hole = target.full, target.revealed, target.hole
        around = revealed.area.grown(_GRAIN_CONTEXT_PX).intersection(full.box)
        visible = ~opencv.dilate_by_disc(full.hidden[around.slices(full.box)], 2)
        model = grain.measure(full.encoded(around), visible)
        if model is None:
            return answer
        self._motion.monitor.check_cancelled()
        weight = hole.known.astype(np.float32)
        difference = (hole.plate - hole.revealed) * weight[:, :, None]
        slow, _ = pyramid.weighted_blur(difference, weight, 1.6)
        high = (difference - slow) * weight[:, :, None]
        brightness = np.asarray(hole.revealed.mean(axis=2), np.float32)
        model = grain.refined(model, high, brightness, hole.known, revealed.kept_variance)
        kept = np.where(hole.seen, revealed.kept_variance, np.float32(KEPT_GRAIN))
        if target.change is not None:
            kept = target.change.kept_grain(kept)
        seed = (self._seed, abs(full.number))
        return grain.restore(answer, model, kept, hole.mask, seed, self._options.grain)


def _doubt(target: _Target, thin_deviation: Float32Array) -> Float32Array:
    """How far off the answer may be, (h, w), as a factor on the noise of revealed pixels; for un-mixing."""
    noise, hole = target.revealed.noise, target.hole
    seen_doubt = 1.0 + 3.0 * (1.0 - target.revealed.certainty)
    doubt = np.where(hole.unseen, np.float32(_UNSEEN_ERROR / noise), seen_doubt).astype(np.float32)
    thin_doubt = thin_deviation * np.float32(_THIN_DOUBT / noise)
    return np.where(thin_deviation > 0, thin_doubt, doubt).astype(np.float32)


def _confidence(target: _Target) -> Float32Array:
    """The confidence, (h, w): 1 outside the hole, at least 0.5 where sources show a pixel, else 0."""
    hole = target.hole
    confidence = np.where(hole.seen, 0.5 + 0.5 * target.revealed.certainty, np.float32(0.0))
    return np.where(hole.mask, confidence, np.float32(1.0)).astype(np.float32)


def _keep_shadowed_texture(target: _Target, answer: Float32Array) -> Float32Array:
    """Keep the plate's texture where the object only changed the light.

    There the low frequencies are taken from the fill and the high ones from the plate.
    """
    plate = target.hole.plate
    affected = target.full.affected[target.cut]
    lit = target.hole.unseen & (affected > 0) & (target.full.removed[target.cut] <= 0)
    if not lit.any():
        return answer
    weight = lit.astype(np.float32)
    fast = plate - pyramid.weighted_blur(plate, weight, _SLOW_PX)[0]
    slow, _ = pyramid.weighted_blur(answer, weight, _SLOW_PX)
    inner = opencv.box_blur(lit.astype(np.float32), 9) * lit
    return np.asarray(answer + inner[:, :, None] * (slow + fast - answer), np.float32)
