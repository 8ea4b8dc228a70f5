"""Reveals what is behind the object where two motion layers cross it, such as a fence before a wall."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation.memo import Memo
from void_engine.propagation.motion.flow import Measured, local_misfit, view_through
from void_engine.propagation.motion.homography import Homography
from void_engine.propagation.motion.layer_masks import LayerEvidence, Ownership, ownership, seen_evidence
from void_engine.propagation.motion.motion_layers import LAYERS
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import answers, warp
from void_engine.propagation.reveal.reveal import Revealed, Revealer
from void_engine.propagation.reveal.source_choice import choose_sources
from void_engine.propagation.reveal.sources import (
    HoleSurround,
    MeasuredSource,
    RegisteredSource,
    temporal_weight,
)

_MOST_SOURCES = 8
"""The most sources of each layer."""
_ADVANTAGE = 0.9
"""Two layers are tried on all frames of a segment when, in a frame that was tried first, they bring the error
beside the hole below this fraction of one motion's error."""
_BIAS = 1.5
"""The factor on the squared error of two layers when they compete with one motion: without a clear advantage
the simpler answer stays."""
_SEGMENTS_HELD = 1 << 20
"""The most segments of which it is known whether two layers help."""
_PROBES = 2
"""How many frames of a segment are tried with two layers before all of them are."""
_FEWEST_POINTS = 150
"""The least number of pixels beside the hole on which errors are compared."""
_LARGEST_ERROR = 0.2
"""Errors, encoded, beyond this count as this much."""
_MISFIT_STEPS = 6.0
"""Misfit, in 8-bit steps, at which a source counts half."""
_LEAST_WEIGHT = 0.02
"""The least weight of a source whose evidence speaks against a layer."""
_ABSTAINING = 0.05
"""The weight of a source without evidence."""
_DENIED = -0.3
"""Evidence below which a source is taken to show the other layer at a pixel, even if no other agrees."""


class LayeredRevealer:
    """Reveals hidden pixels layer by layer, each along its own motion, where a shot has two layers."""

    def __init__(self, motion: ShotMotion, revealer: Revealer, choice: str = "auto") -> None:
        """Prepare to reveal by layers; ``choice`` is the option ``motion``."""
        self._choice = choice
        self._working = motion.working
        self._track = motion.track
        self._registration = motion.registration
        self._monitor = motion.monitor
        self._revealer = revealer
        self._evidence = LayerEvidence(motion.working, motion.track)
        self._helping: Memo[bool] = Memo(_SEGMENTS_HELD)
        """Whether two layers help in a segment, by the segment's first frame."""

    def reveal(self, target: int, preferred: frozenset[int], single: Callable[[int], Revealed]) -> Revealed:
        """Reveal frame ``target`` by two layers where they fit better nearby, and elsewhere by one motion.

        Args:
            target: the frame's number.
            preferred: frames that the artist has cleaned; they are taken as sources first.
            single: reveals a frame by one motion.
        """
        once = functools.cache(single)
        layered = self._layered(target, preferred) if self._helps(target, preferred, once) else None
        if layered is None or self._choice == "two-layers":
            return once(target) if layered is None else layered
        return _chosen_locally(once(target), layered, *self._compared(target, layered))

    def _helps(self, target: int, preferred: frozenset[int], single: Callable[[int], Revealed]) -> bool:
        """Whether two layers are better anywhere in the segment of ``target``.

        They are tried on a few frames of the segment, always the same ones, because trying them on all would
        double the cost of each frame.
        """
        if self._choice != "auto":
            return self._choice == "two-layers"
        segment = self._track.segment(target)

        def try_probes(_: int) -> bool:
            frames = [n for n in segment if self._track.any_hidden(n) and self._is_layered(n, segment)]
            thirds = [len(frames) * part // (_PROBES + 1) for part in range(1, _PROBES + 1)]
            probes = {frames[index] for index in thirds} if frames else set()
            return any(self._is_better(probe, preferred, single) for probe in sorted(probes))

        return self._helping.get(segment.start, try_probes)

    def _is_layered(self, number: int, segment: range) -> bool:
        beside = [other for other in (number - 1, number + 1) if other in segment]
        return any(self._track.layer_chained(number, other, 0) is not None for other in beside)

    def _is_better(self, target: int, preferred: frozenset[int], single: Callable[[int], Revealed]) -> bool:
        layered = self._layered(target, preferred)
        return layered is not None and (
            _ratio(layered, single(target), *self._compared(target, layered)) < _ADVANTAGE
        )

    def _compared(self, target: int, layered: Revealed) -> tuple[Float32Array, BoolArray]:
        """The encoded plate, (h, w, 3), that answers are compared with, and where it shows background."""
        full = self._working.full(target)
        return full.encoded(layered.area), ~full.hidden[layered.area.slices(full.box)]

    def _layered(self, target: int, preferred: frozenset[int]) -> Revealed | None:
        """The pixels that both layers reveal, joined; None where the frames do not tell them apart."""
        numbers = [
            choose_sources(self._track, target, preferred, _MOST_SOURCES, layer) for layer in range(LAYERS)
        ]
        return self._reveal(target, numbers) if all(numbers) else None

    def _reveal(self, target: int, numbers: list[list[int]]) -> Revealed | None:
        surround = self._revealer.surround(target)
        own = self._evidence.of(target)
        own = own[surround.box.slices(Box.from_shape(own.shape))]
        if not np.isfinite(own).any():
            return None
        motions = [self._motions(target, layer, numbers[layer]) for layer in range(LAYERS)]
        seen = [
            [
                seen_evidence(self._evidence.of(n), through, surround.box)
                for n, through in motions[layer].items()
            ]
            for layer in range(LAYERS)
        ]
        weights = [[temporal_weight(number, target) for number in one] for one in motions]
        owned = ownership(own, seen, weights)
        if owned is None:
            return None
        front = self._fuse(target, surround, motions[owned.front], seen[owned.front], owned, owned.front)
        behind = 1 - owned.front
        back = self._fuse(target, surround, motions[behind], seen[behind], owned, behind)
        share = warp.upsample(owned.share, surround.box, front.area, self._working.ratio)
        return _joined(front, back, share)

    def _motions(self, target: int, layer: int, numbers: list[int]) -> dict[int, Homography]:
        """The motion of ``layer`` from ``target`` to each of its sources."""
        motions = {}
        for number in numbers:
            self._monitor.check_cancelled()
            guess = self._track.layer_chained(target, number, layer)
            assert guess is not None
            motions[number] = self._registration.refine_layer(target, self._working.analysis(number), guess)
        return motions

    def _fuse(
        self,
        target: int,
        surround: HoleSurround,
        motions: dict[int, Homography],
        seen: list[Float32Array],
        owned: Ownership,
        layer: int,
    ) -> Revealed:
        """Fuse what the sources show of one layer along their ``motions``."""
        mine = np.asarray(owned.share if layer == owned.front else 1.0 - owned.share, np.float32)
        sign = np.float32(1.0 if layer else -1.0)
        sources: list[RegisteredSource] = []
        for (number, through), evidence in zip(motions.items(), seen, strict=True):
            self._monitor.check_cancelled()
            # Full frames are large, so they are held only while their layer is fused.
            source = replace(self._revealer.shot_source(target, number), guess=through)
            view = view_through(source.analysis, source.guess, surround.box)
            both = ~surround.hole & view.visible
            misfit = local_misfit(surround.gray, view.gray, both)
            fits = both * mine / (1.0 + np.square(misfit / _MISFIT_STEPS))
            nothing = np.zeros((*surround.hole.shape, 2), np.float32)
            measured = Measured(nothing, fits.astype(np.float32), misfit)
            claim = np.where(np.isfinite(evidence), evidence * sign, np.float32(0.0))
            given = np.clip(_ABSTAINING + claim, _LEAST_WEIGHT, 1.0)
            shows = np.where(claim < _DENIED, 0.0, given).astype(np.float32)
            seen_source = MeasuredSource(source, view, measured)
            sources.append(self._revealer.registered(target, surround, seen_source, shows))
        return self._revealer.fuse(self._working.full(target), surround, sources, mine, rivals=False)


def _ratio(one: Revealed, other: Revealed, plate: Float32Array, shown: BoolArray) -> float:
    """The mean error of ``one`` against the encoded ``plate`` relative to that of ``other``.

    It is measured where the plate is ``shown`` and both have pixels; infinite when there are too few.
    """
    known = one.seen & other.seen & shown
    if int(known.sum()) < _FEWEST_POINTS:
        return float("inf")
    first, second = (
        float(np.minimum(np.abs(revealed.values[known] - plate[known]), _LARGEST_ERROR).mean())
        for revealed in (one, other)
    )
    return first / max(second, 1e-9)


def _joined(front: Revealed, back: Revealed, share: Float32Array) -> Revealed:
    """Mix both layers; ``share`` (h, w) is the weight of the front at each pixel."""
    part = np.where(front.seen & back.seen, share, front.seen.astype(np.float32)).astype(np.float32)
    values = part[:, :, None] * front.values + (1.0 - part[:, :, None]) * back.values
    return Revealed(
        front.area,
        values.astype(np.float32),
        front.seen | back.seen,
        (part * front.kept_variance + (1.0 - part) * back.kept_variance).astype(np.float32),
        (part * front.certainty + (1.0 - part) * back.certainty).astype(np.float32),
        (part * front.error + (1.0 - part) * back.error).astype(np.float32),
        np.zeros_like(front.continued),
        max(front.noise, back.noise),
    )


def _chosen_locally(alone: Revealed, layered: Revealed, plate: Float32Array, shown: BoolArray) -> Revealed:
    """Mix what one motion and what two layers reveal, by their errors nearby.

    What one motion does not show stays unseen: layers that claim more rest on too little.
    """
    known = layered.seen & shown
    if int(known.sum()) < _FEWEST_POINTS:
        return alone
    error = answers.spread_picture(answers.squared_error(layered.values, plate), known) * np.float32(_BIAS)
    expected = np.maximum(alone.error, np.float32(1e-6))
    # Bars and gaps alternate within a few pixels, so local errors are steadied by those of the whole hole.
    inside = alone.seen & ~shown
    if inside.any():
        error = np.sqrt(error * error[inside].mean())
        expected = np.sqrt(expected * expected[inside].mean())
    there = np.stack([alone.seen.reshape(-1), (alone.seen & layered.seen).reshape(-1)])
    errors = np.stack([expected.reshape(-1), error.reshape(-1)])
    share = answers.shares(errors, there)[1].reshape(error.shape)

    def mixed(first: Float32Array, second: Float32Array) -> Float32Array:
        part = share[:, :, None] if first.ndim == 3 else share
        return np.asarray(first + part * (second - first), np.float32)

    return Revealed(
        alone.area,
        mixed(alone.values, layered.values),
        alone.seen,
        mixed(alone.kept_variance, layered.kept_variance),
        mixed(alone.certainty, layered.certainty),
        mixed(alone.error, error),
        mixed(alone.continued, layered.continued),
        alone.noise,
    )
