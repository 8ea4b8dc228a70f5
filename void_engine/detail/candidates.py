"""Candidates for the pixels of a window: the frame's own plate, propagation, and what lies elsewhere.

Each is a sharp picture at the plate's resolution, sampled once, and the same picture as an answer would show
it, by which it is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.detail.calibration import Calibration
from void_engine.detail.canvas import Window
from void_engine.detail.flow import as_bytes, fine_flow
from void_engine.detail.models import Model, ModelFinder, mapped
from void_engine.detail.origins import Origin
from void_engine.detail.source import DetailSource
from void_engine.detail.steady import SteadyAnswer
from void_engine.propagation import encoding
from void_engine.propagation.motion.flow import LEAST_SIDE

_TRUSTED = 0.5
"""How much misfit propagation is forgiven where it is sure: what need not be imagined stays real."""
_NO_DOUBT = 0.2
_FEWEST_SURE = 60
_SLOW_PX, _SLOW_SHARE, _FINE_FORGIVEN = 2.5, 0.25, 3.0
"""Radius, in canvas pixels, over which sure propagation is compared by its mean, the share of the variance
that the mean may have, and the factor by which its fine misfit may be larger."""
_CONTRADICTED_FROM, _MOST_CONTRADICTED = 4.0, 0.03
"""The misfit of the mean from which the answer means something else than sure propagation, and the share of
what is sure that may be so where it is right everywhere."""
_SLOW_SHARE_RIGHT, _FINE_FORGIVEN_RIGHT, _NO_DOUBT_RIGHT = 0.5, 12.0, 0.35
"""Share, factor and doubt where propagation is right everywhere."""
_DOUBTED_FROM = 2.0
"""The misfit of the mean from which the answer may mean something else. Where hardly anything is doubted,
nothing that is not contradicted counts as a misfit: the model alone made up the difference."""
_MOST_MODELS = 6
"""The most models of a frame that are sampled at full size."""
_LEAST_WORTH = 12.0
"""How many canvas pixels a further model must explain that no other candidate does."""
_HOPELESS = 5.0
"""A larger misfit of what is known so far is no reason to look at one more model."""
_FLOWED_MODELS = 2
"""The number of models that a flow is measured on top of."""
_MOST_FLOW_PX = 2.0
_FLOW_SMOOTH_PX = 1.5
_LEAST_LIGHT, _MOST_GAIN = 0.002, 8.0
_LIGHT_PX = 2.0
"""Radius, in canvas pixels, over which the light of a candidate may differ from the answer's."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate for a window."""

    origin: Origin
    picture: Float32Array
    """(H, W, 3) encoded, over the plate's box."""
    reduced: Float32Array
    """(h, w, 3) encoded: the picture in the plate, averaged over each canvas pixel."""
    shown: Float32Array
    """(h, w, 3) encoded: the same as an answer would show it."""
    misfit: Float32Array
    """(h, w): how far :attr:`shown` is from the answer; see :meth:`SteadyAnswer.misfit`."""
    bias: Float32Array
    """(h, w): what is added to the misfit when candidates are compared."""
    fine: Float32Array
    """(h, w): the energy of the picture's band that an answer cannot show, in units of the answer's
    variance: what would be missing where the answer were taken instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """A frame's window, and all that its candidates are judged by."""

    number: int
    window: Window
    plate: Float32Array
    """(H, W, 3) encoded."""
    replaced: BoolArray
    """(H, W)."""
    inside: BoolArray
    """(h, w): the canvas pixels that hold something replaced."""
    steady: SteadyAnswer
    calibration: Calibration
    source: DetailSource
    check: Callable[[], None]
    """Is called every fraction of a second, and may raise to stop the work."""

    def candidate(self, origin: Origin, picture: Float32Array, bias: Float32Array | float) -> Candidate:
        """Judge a picture; outside of what is replaced the plate stays and is judged with it."""
        self.check()
        composed = self.composed(picture)
        reduced = self.source.reduce(composed, self.window)
        shown = self.calibration.degrade(reduced)
        misfit = self.steady.misfit(shown)
        band = composed - self.window.enlarge(self.calibration.sharpened(shown))
        energy = self.window.reduce(np.asarray(np.square(band).mean(axis=2), np.float32))
        fine = opencv.gaussian_blur(energy, 1.5) / self.steady.variance
        biases = np.broadcast_to(np.asarray(bias, np.float32), misfit.shape)
        return Candidate(origin, composed, reduced, shown, misfit, biases, fine)

    def composed(self, picture: Float32Array) -> Float32Array:
        """A picture where something is replaced, and the plate elsewhere."""
        return np.where(self.replaced[:, :, None], picture, self.plate)

    def shown(self, picture: Float32Array) -> Float32Array:
        """A picture of the plate's box as an answer would show it."""
        return self.calibration.degrade(self.source.reduce(picture, self.window))


def gather(
    place: Place,
    finder: ModelFinder,
    flows: Mapping[int, Float32Array],
    frames: list[int],
    propagated: tuple[Float32Array, Float32Array],
) -> list[Candidate]:
    """All candidates for a window that are worth a look.

    Args:
        place: the window.
        finder: finds models in the shot.
        flows: the answer's own motion; see :meth:`SteadyAnswers.flows`.
        frames: the frames in which models are looked for.
        propagated: propagation's picture (H, W, 3), encoded, and its confidence (H, W), over the plate's box.
    """
    picture, confidence = propagated
    doubt = np.clip(1.0 - place.window.reduce(confidence) * 1.05, 0, 1)
    known = place.candidate(Origin.PROPAGATED, picture, 2.0 * doubt - _TRUSTED)
    found = [
        place.candidate(Origin.OWN, place.plate, 0.3),
        replace(known, misfit=_slow_misfit_too(place, known, doubt)),
    ]
    found += [lit for one in found for lit in _in_its_light(place, one)]
    found += _followed(place, flows)
    box = place.window.canvas
    models = finder.find(place.number, frames, place.steady, box, place.inside)
    best = np.minimum.reduce([one.misfit + one.bias for one in found])
    chosen = _worth_sampling(models, finder, place, np.minimum(best, _HOPELESS))
    for rank, model in enumerate(chosen):
        found += _sampled(place, model, None)
        left = _flow(place, finder, model) if rank < _FLOWED_MODELS else None
        if left is not None:
            found += _sampled(place, model, left)
    return found


def _slow_misfit_too(place: Place, one: Candidate, doubt: Float32Array) -> Float32Array:
    """The misfit of propagation, smaller where it is sure and differs from the answer only in fine structure.

    A model makes up texture. What means something else also differs in the mean over some pixels. Where the
    answer hardly anywhere contradicts what is sure, it shows the same scene, and more is forgiven.
    """
    slow = opencv.gaussian_blur(one.shown - place.steady.picture, _SLOW_PX)
    misfit = np.square(slow).mean(axis=2) / place.steady.variance
    sure, share, forgiven = doubt < _NO_DOUBT, _SLOW_SHARE, _FINE_FORGIVEN
    known = sure & place.inside
    enough = int(known.sum()) >= _FEWEST_SURE
    if enough and float((misfit > _CONTRADICTED_FROM)[known].mean()) < _MOST_CONTRADICTED:
        sure, share, forgiven = doubt < _NO_DOUBT_RIGHT, _SLOW_SHARE_RIGHT, _FINE_FORGIVEN_RIGHT
    fairer = np.minimum(one.misfit, np.maximum(misfit / share, one.misfit / forgiven))
    if enough and float((misfit > _DOUBTED_FROM)[known].mean()) < _MOST_CONTRADICTED:
        fairer = np.where(misfit > _CONTRADICTED_FROM, fairer, np.float32(0))
    return np.asarray(np.where(sure, fairer, one.misfit), np.float32)


def _in_its_light(place: Place, one: Candidate) -> list[Candidate]:
    """The candidate brought to the answer's slow light, where that helps: a shadow's texture without it.

    The light is a gain that varies slowly. The freedom must pay for itself by the bias.
    """
    window = place.window

    def slow(encoded: Float32Array) -> Float32Array:
        light = np.maximum(encoding.decode(encoded), 0)
        return opencv.gaussian_blur(light, _LIGHT_PX) + np.float32(_LEAST_LIGHT)

    gain = np.clip(slow(place.steady.picture) / slow(one.shown), 1 / _MOST_GAIN, _MOST_GAIN)
    light = encoding.decode(one.picture) * window.enlarge(gain)
    lit = encoding.encode(light)
    candidate = place.candidate(one.origin, lit, one.bias + np.float32(1.0))
    helps = place.inside & (candidate.misfit + candidate.bias < one.misfit + one.bias)
    return [candidate] if int(helps.sum()) >= _LEAST_WORTH else []


def _followed(place: Place, flows: Mapping[int, Float32Array]) -> list[Candidate]:
    """What near frames of the plate show where the answer's own motion leads: things that bend and turn."""
    found = []
    for step, flow in flows.items():
        found += _sampled(place, Model(place.number + step, np.eye(2, 3), 1.0, 0.0), flow)
    return found


def _worth_sampling(
    models: list[Model], finder: ModelFinder, place: Place, best: Float32Array
) -> list[Model]:
    """Greedily the models that explain most of what nothing before them does."""
    inside = place.inside
    rest = [
        (model, finder.misfit(model, place.steady, place.window.canvas) + np.float32(0.5)) for model in models
    ]
    chosen: list[Model] = []
    while rest and len(chosen) < _MOST_MODELS:
        worth = [float(np.minimum(np.maximum(best - misfit, 0), 3.0)[inside].sum()) for _, misfit in rest]
        index = int(np.argmax(worth))
        if worth[index] < _LEAST_WORTH:
            break
        model, misfit = rest.pop(index)
        chosen.append(model)
        best = np.minimum(best, misfit)
    return chosen


def _flow(place: Place, finder: ModelFinder, model: Model) -> Float32Array | None:
    """What the model leaves over, (h, w, 2) in canvas pixels: objects are not quite rigid."""
    x, y = mapped(model.matrix, place.window.canvas)
    there = opencv.remap(finder.degraded(model.frame), x, y, opencv.CUBIC)
    there = there * np.float32(model.gain) + np.float32(model.offset)
    if min(there.shape[:2]) < LEAST_SIDE:
        return None
    both = as_bytes(np.concatenate([place.steady.picture, there], axis=0))
    rows = len(there)
    flow = fine_flow(both[:rows], both[rows:], _FLOW_SMOOTH_PX)
    return np.clip(flow, -_MOST_FLOW_PX, _MOST_FLOW_PX)


def _sampled(place: Place, model: Model, flow: Float32Array | None) -> list[Candidate]:
    """A model's source frame sampled once at full size where the window's pixels lie in it, if any do."""
    window, source, canvas = place.window, place.source, place.source.canvas
    down, across = canvas.ratio
    plate_box = window.plate
    # From the plate's pixel centres to the canvas', through the model, and back in the source.
    x = (np.arange(plate_box.x0, plate_box.x1, dtype=np.float64) + 0.5) / across - 0.5
    y = (np.arange(plate_box.y0, plate_box.y1, dtype=np.float64)[:, None] + 0.5) / down - 0.5
    if flow is None:
        fx, fy = x[None], y
    else:
        large = window.enlarge(flow)
        fx, fy = x[None] + large[:, :, 0], y + large[:, :, 1]
    matrix = model.matrix
    u = matrix[0, 0] * fx + matrix[0, 1] * fy + matrix[0, 2]
    v = matrix[1, 0] * fx + matrix[1, 1] * fy + matrix[1, 2]
    map_x = ((u + 0.5) * across - 0.5).astype(np.float32)
    map_y = ((v + 0.5) * down - 0.5).astype(np.float32)
    frame = source.plate(model.frame).plate
    visible = (
        (map_x > -0.5) & (map_y > -0.5) & (map_x < frame.shape[1] - 0.5) & (map_y < frame.shape[0] - 0.5)
    )
    if not (visible & place.replaced).any():
        return []
    picture = opencv.remap(frame, map_x, map_y, opencv.LANCZOS)
    picture *= np.float32(model.gain)
    picture += np.float32(model.offset)
    bias = np.where(window.reduce(visible.astype(np.float32)) > 0.999, 0.5, 1e3).astype(np.float32)
    return [place.candidate(Origin.MOVED, picture, bias if flow is None else bias + np.float32(0.4))]
