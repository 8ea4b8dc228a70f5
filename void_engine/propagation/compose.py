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
from void_engine.propagation.fill.key_frames import KEPT_GRAIN, KeyFrame, KeyFrameFill, SynthesisedPixels
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.finish import detail_clamp, edges, grain, thin_structures
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.options import PropagationOptions
from void_engine.propagation.reveal.layered import LayeredRevealer
from void_engine.propagation.reveal.reveal import Revealed, Revealer
from void_engine.propagation.reveal.still_sources import still_sources
from void_engine.propagation.target import Target

_GRAIN_CONTEXT_PX = 48
"""Width of the surroundings in which the plate's grain is measured."""
_THIN_DOUBT = 4.0
"""The factor on the error of blended thin structures, for un-mixing: it was measured beside the hole, where
it is smaller than inside."""
_UNSEEN_ERROR = 0.1
"""The expected deviation, encoded, of a synthesised pixel from the truth; un-mixing weighs the plate against
it."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A frame that is being cleaned, and its encoded pixels so far, (h, w, 3) on the revealed area."""

    target: Target
    answer: Float32Array
    is_filled: bool = False
    key: KeyFrame | None = None
    """The key frame from which it is still to be filled."""


Stage = CleanFrame | _Begun
"""A frame between two stages of the work on it; one that needs no work is clean from the beginning."""


class FrameCleaner:
    """Cleans the frames of one shot, each in three stages.

    Only the second must be called in the order of the frames, because key frames continue what was
    synthesised in earlier ones. The others may run for several frames at a time, in any thread.
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
        target = Target.of(self._motion, full, revealed)
        answer = target.hole.with_revealed()
        self._motion.monitor.check_cancelled()
        return _Begun(target, self._close_seam(target, answer))

    def fill(self, frame: Stage) -> Stage:
        """Complete a key frame, and choose the key frame of any other; frames must come in order."""
        if isinstance(frame, CleanFrame):
            return frame
        target, number = frame.target, frame.target.full.number
        key = self._key_frames.latest(number)
        if not self._key_frames.is_key(number):
            return _Begun(target, frame.answer, key=key)
        self._motion.monitor.check_cancelled()
        answer = self._fill_unseen(target, frame.answer, key)
        self._key_frames.remember(target.full, target.revealed.area, answer, target.replaced)
        return _Begun(target, answer, is_filled=True)

    def finish(self, frame: Stage) -> CleanFrame:
        """Fill what no other frame shows, and finish edges and grain.

        The picture is the plate's own wherever nothing is to be replaced.
        """
        if isinstance(frame, CleanFrame):
            return frame
        target, full, answer = frame.target, frame.target.full, frame.answer
        if not frame.is_filled:
            self._motion.monitor.check_cancelled()
            answer = self._fill_unseen(target, answer, frame.key)
        linear = encoding.decode(self._finished(target, target.with_own_texture(answer)))
        picture, confidence = full.original.copy(), np.ones(full.hidden.shape, np.float32)
        wanted = full.wanted[target.cut] & target.replaced
        picture[target.cut][wanted] = linear[wanted]
        confidence[target.cut][wanted] = target.confidence[wanted]
        return CleanFrame(full.number, picture, confidence)

    def _by_one_motion(self, number: int) -> Revealed:
        # Without any source, a neighbour still distinguishes grain from texture around the hole.
        chosen = self._plan.sources(number) or self._neighbour(number)
        chosen = [*chosen, *still_sources(self._motion, number, chosen)]
        return self._revealer.reveal(number, chosen, [])

    def _neighbour(self, number: int) -> list[int]:
        segment = self._motion.track.segment(number)
        return [other for other in (number - 1, number + 1) if other in segment][:1]

    def _finished(self, target: Target, answer: Float32Array) -> Float32Array:
        """The encoded clean pixels of the revealed area, (h, w, 3), finite everywhere."""
        for step in (self._finish_edges, self._restore_grain):
            self._motion.monitor.check_cancelled()
            answer = step(target, answer)
        self._motion.monitor.check_cancelled()
        return np.nan_to_num(answer, nan=0.0, posinf=0.0, neginf=0.0)

    def _close_seam(self, target: Target, answer: Float32Array) -> Float32Array:
        # Other frames differ from the plate for more reasons than what soils it when the camera moves.
        still = self._motion.track.is_locked_off(target.full.number)
        tight = still and edges.is_tight(target.hole, target.full.removed[target.cut])
        return edges.close_seam(answer, target.hole, tight=tight)

    def _fill_unseen(self, target: Target, answer: Float32Array, key: KeyFrame | None) -> Float32Array:
        """Fill what no source shows, by synthesis or from an earlier key frame."""
        full, hole = target.full, target.hole
        if not hole.unseen.any():
            return answer
        return self._key_frames.complete(full, target.revealed.area, answer, hole.unseen, hole.wires, key)

    def _finish_edges(self, target: Target, answer: Float32Array) -> Float32Array:
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

    def _restore_grain(self, target: Target, answer: Float32Array) -> Float32Array:
        """Put back the grain that fusing several frames took away."""
        full, revealed, hole = target.full, target.revealed, target.hole
        around = revealed.area.grown(_GRAIN_CONTEXT_PX).intersection(full.box)
        visible = ~opencv.dilate_by_disc(full.hidden[around.slices(full.box)], 2)
        model = grain.measure(full.encoded(around), visible)
        if model is None:
            return answer
        self._motion.monitor.check_cancelled()
        shown, told = revealed.from_frames(hole.plate)
        known = hole.known & ~target.taken_over & told
        weight = known.astype(np.float32)
        difference = (hole.plate - shown) * weight[:, :, None]
        slow, _ = pyramid.weighted_blur(difference, weight, grain.HIGH_PASS_PX)
        high = (difference - slow) * weight[:, :, None]
        brightness = np.asarray(hole.revealed.mean(axis=2), np.float32)
        model = grain.refined(model, high, brightness, known, revealed.kept_variance)
        kept = np.where(hole.seen, revealed.kept_variance, np.float32(KEPT_GRAIN))
        if target.mended is not None:
            kept = target.mended.change.kept_grain(kept)
        seed = (self._seed, abs(full.number))
        return grain.restore(answer, model, kept, hole.mask | target.taken_over, seed, self._options.grain)


def _doubt(target: Target, thin_deviation: Float32Array) -> Float32Array:
    """How far off the answer may be, (h, w), as a factor on the noise of revealed pixels; for un-mixing."""
    noise, hole = target.revealed.noise, target.hole
    seen_doubt = 1.0 + 3.0 * (1.0 - target.revealed.certainty)
    doubt = np.where(hole.unseen, np.float32(_UNSEEN_ERROR / noise), seen_doubt).astype(np.float32)
    thin_doubt = thin_deviation * np.float32(_THIN_DOUBT / noise)
    return np.where(thin_deviation > 0, thin_doubt, doubt).astype(np.float32)
