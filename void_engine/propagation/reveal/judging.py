"""Judges sources, and the answers made of them, by their errors where the plate is known.

Points in a ring around the hole are compared with the plate, each as if it lay as deep in the hole as it lies
outside: only those sources count that also show its mirror image inside. So a frame that shows the ring but
never the inside does not flatter an answer. How well the surroundings predict the inside is tried on the
nearest sources, which show both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box
from void_engine.propagation import encoding, inpainting, pyramid
from void_engine.propagation.motion import flow_completion
from void_engine.propagation.motion.homography import from_box
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import answers, fusion, shadow_holes, soiling, source_weights, warp
from void_engine.propagation.reveal.answers import Stack
from void_engine.propagation.reveal.ring_points import RIM_PX, points_beside
from void_engine.propagation.reveal.sources import HoleSurround, RegisteredSource
from void_engine.propagation.working_set import FullFrame

_MOVED_ANSWERS = 3
"""The number of answers that are made of moved frames."""
_SCATTER_PX = 2.0
"""Blur radius, in full-size pixels, over which the scatter of sources is averaged."""
_MOST_TRIED = 4
"""The most sources that are joined to try how well the surroundings predict the inside."""
_ENOUGH_SHOWN = 0.97
"""The fraction of the hole that is enough for that trial."""
_INSIDE_COST, _TRIED_BESIDE_COST = 2.0, 1.4
"""How many times as large the squared error of what other frames show is inside the hole as it is beside it:
what moves by itself and what is predicted show more there. The second one counts where the continued
surroundings were tried on shadow holes, too, and look no worse than they are. Found on real shots."""
_CONTEXT_PX = 24
"""The width, in full-size pixels, of the surroundings that are continued into the hole."""
_FINE_RIM_PX = 12
"""Pixels of the hole as near to its rim as this, at full size, are continued from full-size pixels."""


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


@dataclass(frozen=True, slots=True)
class _Rivals:
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
    rivals: _Rivals | None
    """None where nothing but the fused answer is asked for."""

    @property
    def wants_still(self) -> bool:
        """Whether frames as they are are among the answers."""
        rivals = self.rivals
        return rivals is not None and len(rivals.errors) > _MOVED_ANSWERS + len(rivals.continued)

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
        reached = seen if cut_off is None else seen & ~cut_off.reshape(-1)[places]
        continued = self.rivals.continued_at(tile, places)
        there = np.concatenate([made.there & seen, *([reached[None]] * len(continued))])
        share = answers.shares(errors, there)
        values = np.zeros_like(fused.values)
        # They are added one by one, because a sum by einsum may differ in its last bit from run to run.
        for part, answer in zip(share, (*made.values, *continued), strict=True):
            values += part[:, None] * answer
        shown = share[:others]
        kept = np.where(seen, (shown * made.kept_variance).sum(axis=0), np.float32(1.0))
        return Joined(
            values.astype(np.float32),
            seen,
            kept.astype(np.float32),
            (certainty * shown.sum(axis=0)).astype(np.float32),
            (share * measured).sum(axis=0),
            share[others:].sum(axis=0),
        )

    def _agreed(
        self, errors: Float32Array, made: answers.Answers, tile: Box, places: Int64Array
    ) -> Float32Array:
        """The expected squared errors, (K + C, N), given how far the frames agree at each pixel."""
        smooth = [_smoothed(one, tile.shape, places) for one in made.scatter]
        others = len(made.values)
        kinds = (errors[:_MOVED_ANSWERS], errors[_MOVED_ANSWERS:others])
        lowered = [answers.agreed(kind, one) for kind, one in zip(kinds, smooth, strict=False)]
        return np.concatenate([*lowered, errors[others:]])


_CONTINUATIONS = (inpainting.inpaint, inpainting.pushed)
"""The ways to continue the surroundings into a hole: one continues lines, the other slow colours."""


def tolerance(noise: float) -> float:
    """The disagreement of sources, encoded, at which their answer is half certain."""
    return 2.5 * noise + 0.01


class Judge:
    """Judges the sources of a target by their errors in the ring around its hole."""

    def __init__(self, motion: ShotMotion) -> None:
        self._working = motion.working
        self._monitor = motion.monitor

    def judge(
        self,
        full: FullFrame,
        surround: HoleSurround,
        sources: list[RegisteredSource],
        noise: float,
        comparable: Float32Array | None = None,
        *,
        rivals: bool = True,
    ) -> Judged:
        """Judge ``sources``, which are registered to ``full``.

        Args:
            full: the target frame.
            surround: the surroundings of its hole.
            sources: the registered sources.
            noise: standard deviation, encoded, within which sources agree.
            comparable: (h, w) on the analysis box; sources are judged only where it is above one half. None
                judges them everywhere around the hole.
            rivals: whether other answers than the fused one are judged too.
        """
        qualities = np.array([item.quality for item in sources], np.float32)
        away = [abs(item.source.full.number - full.number) for item in sources]
        order = np.argsort(np.array(away, np.int64), kind="stable")
        moves = any(item.motion.moves for item in sources)
        alone = Judged(qualities, None, order, noise, moves, None)
        if not sources or (len(sources) == 1 and not rivals):
            return alone
        box, ratio = surround.box, self._working.ratio
        points, mirrored, outside = points_beside(full.hidden)
        if comparable is not None and len(points):
            judged = warp.read_at(comparable, box, points, ratio)[:, 0] > 0.5
            points, mirrored, outside = points[judged], mirrored[judged], outside[judged]
        if len(points) < source_weights.FEWEST_POINTS:
            return alone
        rows, columns = points[:, 1].astype(np.intp), points[:, 0].astype(np.intp)
        plate = encoding.encode(full.plate[rows, columns])
        tried = [replace(item, motion=item.trial) for item in sources]
        stack, inside = self._sampled(box, tried, points, mirrored if rivals else None)
        weights = None
        if len(sources) > 1:
            measured = source_weights.covariance(stack.moved - plate, stack.fits > 0)
            if measured is not None:
                blur = np.diag([item.blur for item in sources])
                weights = source_weights.SourceWeights(measured + blur)
        alone = Judged(qualities, weights, order, noise, moves, None)
        if not rivals:
            return alone
        shown = stack.only(*inside)
        beside_too = comparable is None
        return self._with_rivals(
            alone, full, surround, sources, shown, points, outside, plate, beside_too=beside_too
        )

    def _sampled(
        self, box: Box, sources: list[RegisteredSource], points: Float32Array, mirrored: Float32Array | None
    ) -> tuple[Stack, tuple[BoolArray, BoolArray]]:
        """Sample the sources at ``points``, and tell which of them show the ``mirrored`` points, moved and
        as they are; without these, only moved sources are sampled."""
        ratio = self._working.ratio
        shape = (len(sources), len(points))
        moved = np.empty((*shape, 3), np.float32)
        corrected = any(item.motion.moves or item.gain.changes for item in sources)
        still = np.empty((*shape, 3), np.float32) if corrected and mirrored is not None else None
        fits = np.zeros(shape, np.float32)
        still_seen, inside_moved, inside_still = (np.zeros(shape, bool) for _ in range(3))
        rows, columns = points[:, 1].astype(np.intp), points[:, 0].astype(np.intp)
        for index, item in enumerate(sources):
            self._monitor.check_cancelled()
            frame = item.source.full
            map_x, map_y = warp.point_positions(item.motion, box, points, ratio)
            seen, valid = warp.sample_points(frame, item.gain.gain, map_x, map_y)
            moved[index] = seen + warp.read_at(item.gain.offset, box, points, ratio)
            fits[index] = np.where(valid, warp.read_at(item.local, box, points, ratio)[:, 0], np.float32(0.0))
            if mirrored is None:
                continue
            if still is not None:
                still[index] = encoding.encode(frame.plate[rows, columns])
            still_seen[index] = ~frame.hidden[rows, columns]
            there_x, there_y = warp.point_positions(item.motion, box, mirrored, ratio)
            inside_moved[index] = _shown(frame, there_x[:, 0], there_y[:, 0])
            inside_still[index] = _shown(frame, mirrored[:, 0], mirrored[:, 1])
        # A source that fits badly still shows the point, so its error counts.
        fits = np.where(fits > 0, np.maximum(fits, np.float32(1e-3)), fits)
        return Stack(moved, fits, still, still_seen), (inside_moved, inside_still)

    def _with_rivals(
        self,
        alone: Judged,
        full: FullFrame,
        surround: HoleSurround,
        sources: list[RegisteredSource],
        stack: Stack,
        points: Float32Array,
        outside: Float32Array,
        plate: Float32Array,
        *,
        beside_too: bool,
    ) -> Judged:
        box, ratio = surround.box, self._working.ratio
        made = answers.answers(stack, alone.order, alone.weigh, max(alone.noise, 0.004), scatter=False)
        step = grid_step(box)
        shape = surround.hole[::step, ::step].shape
        x = ((points[:, 0] + 0.5) * ratio[1] - box.x0) / step
        y = ((points[:, 1] + 0.5) * ratio[0] - box.y0) / step
        cells = np.clip(y.astype(np.int64), 0, shape[0] - 1) * shape[1] + np.clip(
            x.astype(np.int64), 0, shape[1] - 1
        )
        squares, judged = answers.squared_error(made.values, plate), made.there
        smeared = 0.0 if alone.moves else soiling.smeared(squares, judged, outside)
        if smeared:
            judged = judged & (outside >= soiling.SMEARED_PX)
        errors = answers.spread(squares, judged, cells, shape)
        self._monitor.check_cancelled()
        tried = self._prediction_error(surround, sources, alone.order, step)
        self._monitor.check_cancelled()
        beside = self._tried_beside(full.number, box, step) if alone.moves and beside_too else None
        if beside is not None:
            tried = [np.minimum(*pair) for pair in zip(tried, beside, strict=True)]
            self._monitor.check_cancelled()
        # What the plate beside the hole holds of the object would be continued into it.
        tried = [error + np.float32(smeared) for error in tried]
        area, continued = self._continued(full, surround, step)
        whole = [opencv.resize(error, box.shape) for error in (*errors, *tried)]
        cost = _INSIDE_COST if beside is None else _TRIED_BESIDE_COST
        return replace(alone, rivals=_Rivals(np.stack(whole), continued, area, cost))

    def _tried_beside(self, number: int, box: Box, step: int) -> list[Float32Array] | None:
        """The squared errors, as :meth:`_prediction_error` has them, tried on the hole laid beside itself."""
        frame = self._working.analysis(number)
        errors = shadow_holes.prediction_errors(frame.encoded, frame.hidden, _CONTINUATIONS)
        if errors is None:
            return None
        cut = box.slices(Box.from_shape(frame.hidden.shape))
        return [error[cut][::step, ::step] for error in errors]

    def _continued(
        self, full: FullFrame, surround: HoleSurround, step: int
    ) -> tuple[Box, tuple[Float32Array, ...]]:
        """The surroundings of the hole continued into it: the part of the frame, and on it pictures,
        (h, w, 3), as :data:`_CONTINUATIONS` has them.

        Deep inside they are smooth, so the grid suffices; near the rim they are made from full-size pixels,
        because in a thin hole a pixel more makes a difference.
        """
        box, ratio = surround.box, self._working.ratio
        hole = surround.hole[::step, ::step]
        picture = np.ascontiguousarray(surround.encoded[::step, ::step])
        area = Box.around(full.hidden).grown(_CONTEXT_PX).intersection(full.box)
        plate, hidden = full.encoded(area), full.hidden[area.slices(full.box)]
        if soiling.is_soiled(plate, hidden):
            hidden = opencv.dilate_by_disc(hidden, RIM_PX)
        depth = opencv.depth_inside(hidden)
        rim = hidden & (depth <= _FINE_RIM_PX)
        found = []
        for continuation in _CONTINUATIONS:
            whole = plate
            if not np.array_equal(rim, hidden):
                coarse = opencv.resize(continuation(picture, hole), box.shape)
                deep = warp.upsample(coarse, box, area, ratio)
                whole = opencv.copy_where(plate.copy(), hidden, deep)
            self._monitor.check_cancelled()
            found.append(continuation(whole, rim))
        return area, tuple(found)

    def _prediction_error(
        self, surround: HoleSurround, sources: list[RegisteredSource], order: Int64Array, step: int
    ) -> list[Float32Array]:
        """The squared errors, each (h, w) on the grid, with which the surroundings predict what the hole
        hides, one for each of :data:`_CONTINUATIONS`.

        The nearest sources, laid over each other, show both; what they show inside is predicted from what
        they show outside.
        """
        hole = surround.hole[::step, ::step]
        picture = surround.encoded[::step, ::step].copy()
        shown = np.zeros(hole.shape, bool)
        for index in order[:_MOST_TRIED]:
            item = sources[int(index)]
            moved = from_box(item.motion.homography, surround.box) @ np.diag([step, step, 1.0])
            blocked = opencv.warp_perspective(
                item.source.analysis.hidden.astype(np.uint8) * np.uint8(255), moved, hole.shape, 255.0
            )
            seen = opencv.warp_perspective(item.source.analysis.encoded, moved, hole.shape)
            new = (blocked < 8) & ~shown
            opencv.copy_where(picture, new, seen)
            shown |= new
            if float(shown[hole].mean()) > _ENOUGH_SHOWN:
                break
        # Analysis masks are a pixel wider than the hole, which is a lot for a thin one.
        core = opencv.erode(surround.hole, opencv.square(3))[::step, ::step]
        tried = core | (hole & ~shown)
        return [
            answers.spread_picture(answers.squared_error(predict(picture, tried), picture), core & shown)
            for predict in _CONTINUATIONS
        ]


def _smoothed(scatter: Float32Array, shape: tuple[int, int], places: Int64Array) -> Float32Array:
    """Average the scatter at the pixels ``places`` of a tile over their neighbours, (N,)."""
    known = np.isfinite(scatter)
    picture, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    picture.reshape(-1)[places] = np.where(known, scatter, np.float32(0.0))
    weight.reshape(-1)[places] = known
    mean, _ = pyramid.weighted_blur(picture, weight, _SCATTER_PX)
    return np.where(known, mean.reshape(-1)[places], np.float32(np.inf)).astype(np.float32)


def grid_step(box: Box) -> int:
    """Every how many analysis pixels errors are mapped; they vary slowly, so on a large box fewer suffice."""
    step = 1
    while box.width * box.height >= flow_completion.LARGE_BOX_PIXELS * step * step:
        step *= 2
    return step


def _shown(frame: FullFrame, x: Float32Array, y: Float32Array) -> BoolArray:
    """Whether ``frame`` shows the pixels at x and y, each (N,); False outside it."""
    rows, columns = frame.hidden.shape
    inside = (x >= 0) & (x <= columns - 1) & (y >= 0) & (y <= rows - 1)
    column = np.rint(np.where(inside, x, np.float32(0.0))).astype(np.intp)
    row = np.rint(np.where(inside, y, np.float32(0.0))).astype(np.intp)
    return np.asarray(inside & ~frame.hidden[row, column], bool)
