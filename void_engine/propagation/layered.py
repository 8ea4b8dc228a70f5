"""Revealing what is behind the object where two layers of motion cross it."""

from __future__ import annotations

import numpy as np

from void_engine.engines.interface import Float32Array, Monitor
from void_engine.geometry import Box
from void_engine.propagation import sampling
from void_engine.propagation.flow import Measured, local_misfit, see
from void_engine.propagation.layer_masks import LayerEvidence, Ownership, ownership, seen_evidence
from void_engine.propagation.motion_layers import LAYERS
from void_engine.propagation.registration import PairRegistration
from void_engine.propagation.reveal import Revealed, Revealer, Setting, Source, SourcePath, encoded_plate
from void_engine.propagation.sources import choose
from void_engine.propagation.track import ShotTrack
from void_engine.propagation.working_set import FullFrame, WorkingSet

_MOST_SOURCES = 8
_ADVANTAGE = 0.9
"""Two layers must bring the error beside the hole below this part of what one motion leaves."""
_FEWEST_POINTS = 150
_LARGEST_ERROR = 0.2
_MISFIT_STEPS = 6.0
_LEAST_WEIGHT = 0.02
_ABSTAINING = 0.05
_DENIED = -0.3
"""A source whose own evidence is below this shows the other layer there, however alone it is."""


class LayeredRevealer:
    """Takes each layer from the frames that show it along its own motion, where a shot has two."""

    def __init__(
        self,
        working: WorkingSet,
        track: ShotTrack,
        registration: PairRegistration,
        revealer: Revealer,
        monitor: Monitor,
    ) -> None:
        self._working = working
        self._track = track
        self._registration = registration
        self._revealer = revealer
        self._monitor = monitor
        self._evidence = LayerEvidence(working, track)

    def better(self, target: int, preferred: frozenset[int], single: Revealed) -> Revealed:
        """``single``, or what two layers make of frame ``target`` where that is nearer the plate beside the
        hole."""
        numbers = [choose(self._track, target, preferred, _MOST_SOURCES, layer) for layer in range(LAYERS)]
        if not all(numbers):
            return single
        layered = self._reveal(target, numbers)
        if layered is None:
            return single
        full = self._working.full(target)
        before, after = _error(full, single, layered), _error(full, layered, single)
        if before is None or after is None or after > _ADVANTAGE * before:
            return single
        return layered

    def _reveal(self, target: int, numbers: list[list[int]]) -> Revealed | None:
        setting = self._revealer.setting(target)
        sources = [self._sources(target, layer, numbers[layer]) for layer in range(LAYERS)]
        seen = [
            [seen_evidence(self._evidence.of(s.full.number), s.guess, setting.box) for s in sources[layer]]
            for layer in range(LAYERS)
        ]
        nearness = [[1.0 / (1.0 + abs(n - target) / 10.0) for n in numbers[layer]] for layer in range(LAYERS)]
        own = self._evidence.of(target)[
            setting.box.slices(Box.from_size(*self._working.analysis_shape[::-1]))
        ]
        owned = ownership(own, seen, nearness)
        if owned is None:
            return None
        front = self._fuse(target, setting, sources[owned.front], seen[owned.front], owned, owned.front)
        behind = 1 - owned.front
        back = self._fuse(target, setting, sources[behind], seen[behind], owned, behind)
        share = sampling.upsample(owned.share, setting.box, front.area, self._working.ratio)
        return _joined(front, back, share)

    def _sources(self, target: int, layer: int, numbers: list[int]) -> list[Source]:
        sources = []
        for number in numbers:
            self._monitor.check_cancelled()
            guess = self._track.layer_chained(target, number, layer)
            assert guess is not None
            analysis = self._working.analysis(number)
            refined = self._registration.refine_layer(target, analysis, guess)
            sources.append(Source(self._working.full(number), analysis, refined))
        return sources

    def _fuse(
        self,
        target: int,
        setting: Setting,
        sources: list[Source],
        seen: list[Float32Array],
        owned: Ownership,
        layer: int,
    ) -> Revealed:
        """What the ``sources`` show of one layer."""
        mine = np.asarray(owned.share if layer == owned.front else 1.0 - owned.share, np.float32)
        sign = np.float32(1.0 if layer else -1.0)
        paths: list[SourcePath] = []
        for source, evidence in zip(sources, seen, strict=True):
            self._monitor.check_cancelled()
            view = see(source.analysis, source.guess, setting.box)
            both = ~setting.hole & view.visible
            misfit = local_misfit(setting.gray, view.gray, both)
            fits = both * mine / (1.0 + np.square(misfit / _MISFIT_STEPS))
            nothing = np.zeros((*setting.hole.shape, 2), np.float32)
            measured = Measured(nothing, fits.astype(np.float32), misfit)
            claim = np.where(np.isfinite(evidence), evidence * sign, np.float32(0.0))
            shows = np.clip(_ABSTAINING + claim, _LEAST_WEIGHT, 1.0)
            shows = np.where(claim < _DENIED, 0.0, shows).astype(np.float32)
            paths.append(self._revealer.path(target, setting, source, view.homography, measured, shows))
        return self._revealer.fuse(self._working.full(target), setting, paths, mine)


def _error(full: FullFrame, one: Revealed, other: Revealed) -> float | None:
    """Mean difference of ``one`` from the plate where both compare with it; None when too little does."""
    frame = Box.from_size(full.hidden.shape[1], full.hidden.shape[0])
    known = one.seen & other.seen & ~full.hidden[one.area.slices(frame)]
    if int(known.sum()) < _FEWEST_POINTS:
        return None
    away = np.abs(one.values - encoded_plate(full, one.area))[known]
    return float(np.minimum(away, _LARGEST_ERROR).mean())


def _joined(front: Revealed, back: Revealed, share: Float32Array) -> Revealed:
    """Both layers in one, the front's part of each pixel being ``share`` (h, w)."""
    part = np.where(front.seen & back.seen, share, front.seen.astype(np.float32)).astype(np.float32)
    values = part[:, :, None] * front.values + (1.0 - part[:, :, None]) * back.values
    return Revealed(
        front.area,
        values.astype(np.float32),
        front.seen | back.seen,
        (part * front.kept_variance + (1.0 - part) * back.kept_variance).astype(np.float32),
        (part * front.certainty + (1.0 - part) * back.certainty).astype(np.float32),
        max(front.noise, back.noise),
    )
