"""Judges sources, and the answers made of them, by their errors where the plate is known.

Points in a ring around the hole are compared with the plate, each as if it lay as deep in the hole as it lies
outside: only those sources count that also show its mirror image inside. So a frame that shows the ring but
never the inside does not flatter an answer. How well the surroundings predict the inside is tried on the
nearest sources, which show both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box
from void_engine.propagation import encoding, inpainting
from void_engine.propagation.motion import flow_completion
from void_engine.propagation.motion.homography import from_box
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import (
    answers,
    inner_rim,
    joining,
    shadow_holes,
    soiling,
    source_weights,
    warp,
)
from void_engine.propagation.reveal.answers import Stack
from void_engine.propagation.reveal.joining import Judged
from void_engine.propagation.reveal.ring_points import RIM_PX, points_beside
from void_engine.propagation.reveal.sources import HoleSurround, RegisteredSource
from void_engine.propagation.working_set import FullFrame

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
        whole = np.stack([opencv.resize(error, box.shape) for error in (*errors, *tried)])
        cost = _INSIDE_COST if beside is None else _TRIED_BESIDE_COST
        return replace(alone, rivals=joining.Rivals(whole, continued, area, cost))

    def _tried_beside(self, number: int, box: Box, step: int) -> list[Float32Array] | None:
        """The squared errors, as :meth:`_prediction_error` has them, tried on the hole laid beside itself."""
        frame = self._working.analysis(number)
        errors = shadow_holes.prediction_errors(frame.encoded, frame.hidden, inner_rim.CONTINUATIONS)
        if errors is None:
            return None
        cut = box.slices(Box.from_shape(frame.hidden.shape))
        return [error[cut][::step, ::step] for error in errors]

    def _continued(
        self, full: FullFrame, surround: HoleSurround, step: int
    ) -> tuple[Box, tuple[Float32Array, ...]]:
        """The surroundings of the hole continued into it: the part of the frame, and on it pictures,
        (h, w, 3), as :data:`~inner_rim.CONTINUATIONS` has them.

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
        rim = inner_rim.fine_rim(hidden)
        found = []

        def deep(way: inpainting.Continuation) -> Float32Array:
            coarse = opencv.resize(way(picture, hole), box.shape)
            self._monitor.check_cancelled()
            return warp.upsample(coarse, box, area, ratio)

        for continuation in inner_rim.CONTINUATIONS:
            self._monitor.check_cancelled()
            found.append(inner_rim.continued_at_rim(continuation, plate, hidden, rim, deep))
        return area, tuple(found)

    def _prediction_error(
        self, surround: HoleSurround, sources: list[RegisteredSource], order: Int64Array, step: int
    ) -> list[Float32Array]:
        """The squared errors, each (h, w) on the grid, with which the surroundings predict what the hole
        hides, one for each of :data:`~inner_rim.CONTINUATIONS`.

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
            for predict in inner_rim.CONTINUATIONS
        ]


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
