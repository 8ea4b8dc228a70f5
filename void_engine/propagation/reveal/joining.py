"""Joins the answers of a hole by their expected errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box
from void_engine.propagation import pyramid
from void_engine.propagation.reveal import answers, fusion, inner_rim, source_weights, warp
from void_engine.propagation.reveal.answers import Stack

MOVED_ANSWERS = 3
"""The number of answers that are made of moved frames."""
_SCATTER_PX = 2.0
"""Blur radius, in full-size pixels, over which the scatter of sources is averaged."""
_EXACT = 0.5
"""The expected deviation, in tolerances of the sources, up to which an answer is exact."""
_STILL_COST = np.float32(4.0)
"""The factor on the squared error of frames as they are where no moved one shows a pixel: other ways to fill
it are better than the surroundings that they are compared with."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The joined answer at N pixels."""

    values: Float32Array
    """(N, 3) encoded; 0 where nothing was seen."""
    seen: BoolArray
    """(N,): the pixels that at least one source shows."""
    kept_variance: Float32Array
    """(N,) in 0..1: the share of a single frame's grain variance that is left; 1 where not seen."""
    certainty: Float32Array
    """(N,) in 0..1: how well the sources agree; what is continued from the surroundings is not certain."""
    error: Float32Array
    """(N,): the expected squared error, encoded, of a channel."""
    continued: Float32Array
    """(N,) in 0..1: the share of what is continued from the surroundings."""
    parts: inner_rim.Parts | None = None
    """The answer in parts, at the N pixels; None where nothing but the fused answer is asked for."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """The expected errors of all answers, and those that are continued from the surroundings."""

    errors: Float32Array
    """(K + C, h, w) on the analysis box: of the answers from other frames, then of the continued ones."""
    continued: tuple[Float32Array, ...]
    """C pictures (h, w, 3), encoded, on the full-size ``area``."""
    area: Box
    inside_cost: float
    """The factor on the errors of the answers from other frames inside the hole."""

    def continued_at(self, tile: Box, places: Int64Array) -> list[Float32Array]:
        """The continued answers at the pixels ``places`` of a ``tile`` within the area, each (N, 3)."""
        cut = tile.slices(self.area)
        return [picture[cut].reshape(-1, 3)[places] for picture in self.continued]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of the sources of one target: their weights, and the errors of the answers."""

    qualities: Float32Array
    """(S,): how far to trust each source when its errors could not be measured."""
    weights: source_weights.SourceWeights | None
    order: Int64Array
    """(S,): the sources from the nearest in time to the farthest."""
    noise: float
    moves: bool
    """Whether any source has to be moved to fit; under a locked-off camera none has."""
    rivals: Rivals | None
    """None where nothing but the fused answer is asked for."""

    @property
    def wants_still(self) -> bool:
        """Whether frames as they are are among the answers."""
        rivals = self.rivals
        return rivals is not None and len(rivals.errors) > MOVED_ANSWERS + len(rivals.continued)

    def weigh(self, fits: Float32Array) -> Float32Array:
        """The weights for fusion, (S, N), of sources that fit as well as ``fits`` (S, N) tells."""
        if self.weights is None:
            return fits * self.qualities[:, None]
        return fits * self.weights.where(fits > 0)

    def join(
        self,
        stack: Stack,
        box: Box,
        tile: Box,
        places: Int64Array,
        ratio: tuple[float, float],
        cut_off: BoolArray | None = None,
    ) -> Joined:
        """Join the answers at the pixels ``places`` of the full-size ``tile``, counted along its rows.

        The surroundings are not continued to pixels that are ``cut_off``, (h, w), from them.
        """
        if self.rivals is None:
            fused = fusion.fuse(stack.moved, self.weigh(stack.fits), max(self.noise, 0.004))
        else:
            made = answers.answers(
                stack, self.order, self.weigh, max(self.noise, 0.004), scatter=not self.moves
            )
            fused = made.fused
        seen = fused.weight > 0
        agreement = 1.0 / (1.0 + np.square(fused.disagreement / tolerance(self.noise)))
        certainty = np.where(seen, agreement, np.float32(0.0))
        if self.rivals is None:
            kept = np.where(seen, fused.kept_variance, np.float32(1.0))
            error = np.square(fused.disagreement) / np.float32(3.0) + np.float32(self.noise**2)
            nothing = np.zeros(len(seen), np.float32)
            return Joined(
                fused.values, seen, kept, certainty.astype(np.float32), error.astype(np.float32), nothing
            )
        measured = np.stack(
            [warp.upsample(error, box, tile, ratio).reshape(-1)[places] for error in self.rivals.errors]
        )
        others = len(made.values)
        errors = measured.copy()
        errors[:others] *= np.float32(self.rivals.inside_cost)
        if not self.moves:
            errors = self._agreed(errors, made, tile, places)
        # Frames as they are may show what moved ones do not, because motion is never exact.
        still = slice(MOVED_ANSWERS, others)
        likely = made.there[still] & (_STILL_COST * errors[still] <= errors[others:].min(axis=0))
        seen = seen | likely.any(axis=0)
        reached = seen if cut_off is None else seen & ~cut_off.reshape(-1)[places]
        continued = self.rivals.continued_at(tile, places)
        there = np.concatenate([made.there & seen, *([reached[None]] * len(continued))])
        share = answers.shares(errors, there)
        shown = share[:others]
        frames = _weighted(shown, made.values)
        values = frames + _weighted(share[others:], continued)
        frames /= np.maximum(shown.sum(axis=0), np.float32(1e-6))[:, None]
        kept = np.where(seen, (shown * made.kept_variance).sum(axis=0), np.float32(1.0))
        return Joined(
            values.astype(np.float32),
            seen,
            kept.astype(np.float32),
            (certainty * shown.sum(axis=0)).astype(np.float32),
            (share * measured).sum(axis=0),
            share[others:].sum(axis=0),
            inner_rim.Parts(frames, share[others:]),
        )

    def _agreed(
        self, errors: Float32Array, made: answers.Answers, tile: Box, places: Int64Array
    ) -> Float32Array:
        """The expected squared errors, (K + C, N), given how far the frames agree at each pixel."""
        smooth = [_smoothed(one, tile.shape, places) for one in made.scatter]
        others = len(made.values)
        kinds = (errors[:MOVED_ANSWERS], errors[MOVED_ANSWERS:others])
        lowered = [answers.agreed(kind, one) for kind, one in zip(kinds, smooth, strict=False)]
        return np.concatenate([*lowered, errors[others:]])


def exact(noise: float) -> float:
    """The expected squared error, encoded, up to which an answer is no farther from the truth than sources
    are from each other."""
    return (_EXACT * tolerance(noise)) ** 2


def _weighted(shares: Float32Array, values: Sequence[Float32Array] | Float32Array) -> Float32Array:
    """The sum, (N, 3), of K answers, (N, 3) each, times their shares, (K, N)."""
    total = np.zeros_like(values[0])
    # They are added one by one, because a sum by einsum may differ in its last bit from run to run.
    for share, answer in zip(shares, values, strict=True):
        total += share[:, None] * answer
    return total


def tolerance(noise: float) -> float:
    """The disagreement of sources, encoded, at which their answer is half certain."""
    return 2.5 * noise + 0.01


def _smoothed(scatter: Float32Array, shape: tuple[int, int], places: Int64Array) -> Float32Array:
    """Average the scatter at the pixels ``places`` of a tile over their neighbours, (N,)."""
    known = np.isfinite(scatter)
    picture, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    picture.reshape(-1)[places] = np.where(known, scatter, np.float32(0.0))
    weight.reshape(-1)[places] = known
    mean, _ = pyramid.weighted_blur(picture, weight, _SCATTER_PX)
    return np.where(known, mean.reshape(-1)[places], np.float32(np.inf)).astype(np.float32)
