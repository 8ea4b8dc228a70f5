"""Reveals a frame's hidden pixels: registers source frames to it, matches their light and fuses them.

Registration and judging happen at the analysis size, the final sampling at full size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.geometry import Box
from void_engine.propagation import encoding, pyramid
from void_engine.propagation.motion import flow_completion
from void_engine.propagation.motion.flow import FlowMeter, grid, unmoved, view_through
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import gain_match, inner_rim, warp
from void_engine.propagation.reveal.answers import Stack, squared_error
from void_engine.propagation.reveal.joining import exact, tolerance
from void_engine.propagation.reveal.judging import Judge
from void_engine.propagation.reveal.sources import (
    HoleSurround,
    MeasuredSource,
    RegisteredSource,
    Source,
    temporal_weight,
)
from void_engine.propagation.reveal.visible import BAND_PX, VisiblePlate
from void_engine.propagation.working_set import FullFrame

_MARGIN_PX = 56
"""The least width of a hole's surroundings, in analysis pixels."""
_TILE_PIXELS = 150_000
"""About how many full-size pixels are fused at a time."""
_TRIALS_PX = (3, 6, 12)
"""Depths, in analysis pixels, by which parts of the hole are grown to tell how well motion is predicted in
them."""
_QUALITY_POWER = 1.5
"""The exponent on a source's quality. Above 1, well aligned sources outweigh many poor ones, as parallax
demands."""
_SLOPE_ROWS = 4
_FEWEST_AT_RIM = 30
"""The least number of pixels right beside holes of sources that tell whether they are clean."""
_MOSTLY = 0.9
"""The fraction of them that must be clean: an outline that shows in parts is seen too."""
_SOILED, _SEEN = 2.0, 1e-4
"""The squared error of such pixels, relative to that of others, and at least, encoded, from which the object
is seen in them."""
_LEAST_FROM_FRAMES = 0.2
"""The least share of other frames from which it can be told what they show."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """The revealed pixels on ``area`` (full size), valid on hidden pixels and a narrow band around them."""

    area: Box
    values: Float32Array
    """(h, w, 3) encoded; 0 where nothing was seen."""
    seen: BoolArray
    """(h, w): the pixels that at least one source shows."""
    kept_variance: Float32Array
    """(h, w) in 0..1: the share of a single frame's grain variance left after fusion; 1 where not seen."""
    certainty: Float32Array
    """(h, w) in 0..1: how well the sources' motion and colours agree."""
    error: Float32Array
    """(h, w): the expected squared error, encoded, of a channel where seen."""
    continued: Float32Array
    """(h, w) in 0..1: the share of the values that is continued from the plate around the hole. In the band
    beside the hole that is the plate itself."""
    noise: float
    """Standard deviation, encoded, between target and sources around the hole: grain and misfit together."""

    def from_frames(self, plate: Float32Array) -> tuple[Float32Array, BoolArray]:
        """What other frames alone show beside the hole, (h, w, 3), and where they can be told, (h, w).

        Args:
            plate: (h, w, 3) encoded.
        """
        own = self.continued[:, :, None]
        values = (self.values - own * plate) / np.maximum(1.0 - own, _LEAST_FROM_FRAMES)
        return values.astype(np.float32), self.continued <= 1.0 - _LEAST_FROM_FRAMES

    @property
    def scatter(self) -> Float32Array:
        """(h, w): the mean squared distance, encoded, of a channel, of the sources from each other."""
        least = np.maximum(self.certainty, np.float32(0.01))
        return (tolerance(self.noise) ** 2 / 3.0 * (1.0 / least - 1.0)).astype(np.float32)


class Revealer:
    """Registers sources to a target and fuses what they show."""

    def __init__(self, motion: ShotMotion) -> None:
        self._working = motion.working
        self._track = motion.track
        self._registration = motion.registration
        self._monitor = motion.monitor
        self._meter = FlowMeter()
        self._judge = Judge(motion)

    def shot_source(self, target: int, number: int) -> Source:
        """Make a frame of the shot a source for ``target``; both must be in one segment."""
        full, analysis = self._working.full(number), self._working.analysis(number)
        withheld = self._track.withheld(number)
        if withheld is not None:
            wide = opencv.resize(withheld.astype(np.float32), full.hidden.shape) > 0
            full = replace(full, hidden=full.hidden | wide)
            analysis = replace(analysis, hidden=analysis.hidden | withheld)
        return Source(full, analysis, self._track.chained(target, number))

    def reveal(self, target: int, numbers: list[int], extra: list[Source]) -> Revealed:
        """Reveal the hidden pixels of ``target`` from the frames ``numbers`` and the ``extra`` sources."""
        surround = self.surround(target)
        sources = self._register(target, surround, numbers, extra)
        # What is carried from a key frame was decided when that was made.
        return self.fuse(self._working.full(target), surround, sources, rivals=not extra)

    # --- on the analysis box

    def surround(self, target: int) -> HoleSurround:
        """The part of the analysis frame ``target`` in which it is compared with its sources."""
        analysis = self._working.analysis(target)
        box = self._box(analysis.hidden)
        cut = box.slices(Box.from_shape(analysis.hidden.shape))
        hole = analysis.hidden[cut]
        gray = np.ascontiguousarray(analysis.gray[cut])
        return HoleSurround(box, gray, analysis.encoded[cut], hole, flow_completion.ring_weight(hole))

    def _box(self, hidden: BoolArray) -> Box:
        hole = Box.around(hidden)
        margin = max(_MARGIN_PX, min(hole.width, hole.height) // 2)
        return hole.grown(margin).intersection(Box.from_shape(hidden.shape))

    def _register(
        self, target: int, surround: HoleSurround, numbers: list[int], extra: list[Source]
    ) -> list[RegisteredSource]:
        gray, hole, ring = surround.gray, surround.hole, surround.ring
        texture = flow_completion.texture_weight(gray)
        views: list[MeasuredSource] = []
        tests: list[flow_completion.FlowTest | None] = []
        for source in (*(self.shot_source(target, number) for number in numbers), *extra):
            self._monitor.check_cancelled()
            if self._track.is_locked_off(target):
                view = view_through(source.analysis, source.guess, surround.box)
                views.append(MeasuredSource(source, view, unmoved(gray, ~hole, view)))
                tests.append(None)
                continue
            homography = self._registration.refine(target, source.analysis, source.guess)
            view = view_through(source.analysis, homography, surround.box)
            measured = self._meter.measure(gray, ~hole, view)
            test = flow_completion.FlowTest(gray, view.gray, ~hole & view.visible, ring, hole)
            views.append(MeasuredSource(source, view, measured))
            tests.append(test if test.improves(measured.flow) else None)
        structure = self._structure(views, hole, ring, texture) if any(tests) else None
        grown = _doubled(hole) if any(tests) else hole
        sources = []
        for seen, useful in zip(views, tests, strict=True):
            self._monitor.check_cancelled()
            flow, weight = seen.measured.flow, seen.measured.confidence * texture
            completed = tried = None
            if useful is not None and useful.predicts(flow, weight, ring, structure):
                completed = flow_completion.complete_flow(flow, weight, ring, hole, structure)
                tried = flow_completion.complete_flow(flow, weight, ring, grown, structure).flow
            sources.append(self.registered(target, surround, seen, completed=completed, tried=tried))
        return sources

    def _structure(
        self,
        views: list[MeasuredSource],
        hole: BoolArray,
        ring: Float32Array,
        texture: Float32Array,
    ) -> Float32Array | None:
        """The motion, (h, w, 2), between two views that both see the hidden background; None without such."""
        if len(views) < 2 or not hole.any():
            return None
        best: tuple[float, int, int] | None = None
        for first in range(len(views)):
            for second in range(len(views)):
                apart = abs(views[first].source.full.number - views[second].source.full.number)
                if first == second or apart == 0:
                    continue
                shared = views[first].view.visible & views[second].view.visible & hole
                both = float(shared.sum()) / hole.sum()
                score = both * min(apart, 12) / 12.0
                if best is None or score > best[0]:
                    best = (score, first, second)
        if best is None or best[0] < 0.05:
            return None
        view, measured = views[best[1]].view, views[best[1]].measured
        flow = self._meter.measure(view.gray, view.visible, views[best[2]].view)
        known = flow.confidence * (0.3 + 0.7 * texture)
        seen_from_first = pyramid.push_pull(flow.flow, np.minimum(known * 2.0, 1.0).astype(np.float32))
        weight = measured.confidence * texture
        guess = flow_completion.complete_flow(measured.flow, weight, ring, hole, None).flow
        x, y = grid(hole.shape)
        structure = opencv.remap(seen_from_first, x + guess[:, :, 0], y + guess[:, :, 1])
        # The position of the structure depends on the very motion that it predicts, so it is measured once
        # more from the better guess.
        guess = flow_completion.complete_flow(measured.flow, weight, ring, hole, structure).flow
        return opencv.remap(seen_from_first, x + guess[:, :, 0], y + guess[:, :, 1])

    def registered(
        self,
        target: int,
        surround: HoleSurround,
        seen: MeasuredSource,
        shows: Float32Array | None = None,
        completed: flow_completion.CompletedFlow | None = None,
        tried: Float32Array | None = None,
    ) -> RegisteredSource:
        """Register a source to ``target``: its motion, its gain match, and how far to trust it.

        Args:
            target: the number of the target frame.
            surround: the surroundings of the target's hole.
            seen: the source and its measured motion.
            shows: (h, w) in 0..1, where the source shows the wanted layer; None for everywhere.
            completed: the residual motion inside the hole; None adds none to the homography.
            tried: (h, w, 2), that motion as it would be if the hole were larger; None for the motion itself.
        """
        source, measured = seen.source, seen.measured
        box, hole, ring, encoded = surround.box, surround.hole, surround.ring, surround.encoded
        if completed is None:
            completed = flow_completion.CompletedFlow(np.zeros((*hole.shape, 2), np.float32), 0.0)
        motion = warp.Warp(source.full.number, seen.view.homography, completed.flow)
        # Gain and misfit vary slowly, so on a large box every other pixel of every other row suffices.
        step = 2 if hole.size >= flow_completion.LARGE_BOX_PIXELS else 1
        thinned = (slice(None, None, step), slice(None, None, step))
        map_x, map_y = warp.positions(motion, box, box, (1.0, 1.0), step)
        warped = opencv.remap(source.analysis.encoded, map_x, map_y)
        blocked = opencv.remap(source.analysis.hidden.astype(np.float32), map_x, map_y, outside=1.0)
        confidence = np.where(hole, np.float32(0.0), measured.confidence)[thinned]
        near_hole = confidence * (np.float32(0.1) + np.float32(0.9) * ring[thinned])
        weight = np.where(blocked < 0.02, near_hole, np.float32(0.0))
        matched = gain_match.match_gain(encoded[thinned], warped, weight, box.shape)
        doubt = (matched.noise + 0.001) ** 2 * 1e4 + completed.spread_px**2 + 0.05
        quality = temporal_weight(source.full.number, target) / doubt**_QUALITY_POWER
        if shows is None:
            shows = _fit_in_places(measured.misfit[thinned], confidence)
            if step > 1:
                shows = opencv.pyramid_up(shows, box.shape)
        rows = slice(None, None, _SLOPE_ROWS)
        steep = np.square(np.diff(encoded[rows], axis=1))[~(hole[rows, 1:] | hole[rows, :-1])]
        slope = float(steep.mean()) if steep.size else 0.0
        return RegisteredSource(
            source,
            motion,
            matched,
            quality,
            slope * completed.spread_px**2,
            shows.astype(np.float32),
            motion if tried is None else warp.Warp(source.full.number, seen.view.homography, tried),
        )

    # --- at full size

    def fuse(
        self,
        full: FullFrame,
        surround: HoleSurround,
        sources: list[RegisteredSource],
        comparable: Float32Array | None = None,
        *,
        rivals: bool = True,
    ) -> Revealed:
        """Fuse what ``sources`` show of the hidden pixels of ``full`` and of a band around them.

        Args:
            full: the target frame.
            surround: the surroundings of its hole.
            sources: the registered sources.
            comparable: (h, w) on the analysis box; sources are judged by their errors only where it is above
                one half. None judges them everywhere around the hole.
            rivals: whether the fused answer is joined with others by their errors nearby.
        """
        box, ratio = surround.box, self._working.ratio
        area = Box.around(full.hidden).grown(BAND_PX + 2).intersection(full.box)
        region = opencv.dilate_by_disc(full.hidden[area.slices(full.box)], BAND_PX)
        values = np.zeros((*region.shape, 3), np.float32)
        seen = np.zeros(region.shape, bool)
        kept = np.ones(region.shape, np.float32)
        certainty, error, continued = (np.zeros(region.shape, np.float32) for _ in range(3))
        noise = float(np.median([p.gain.noise for p in sources])) if sources else 0.02
        judged = self._judge.judge(full, surround, sources, noise, comparable, rivals=rivals)
        visible = VisiblePlate.of(full, area) if rivals else None
        parts = inner_rim.Parts.empty(region.shape) if rivals else None
        height = max(8, _TILE_PIXELS // max(1, area.width))
        for top in range(area.y0, area.y1, height):
            tile = Box(area.x0, top, area.x1, min(top + height, area.y1))
            inside = tile.slices(area)
            wanted = region[inside]
            if not sources or not wanted.any():
                continue
            places = np.flatnonzero(wanted)
            beside = (~full.hidden[tile.slices(full.box)], full.encoded(tile)) if rivals else None
            stack = self._sampled(sources, box, tile, places, still=judged.wants_still, beside=beside)
            cut_off = visible.cut_off[inside] if visible else None
            joined = judged.join(stack, box, tile, places, ratio, cut_off)
            found = visible.matched(joined, stack, judged.order, inside, places) if visible else joined.values
            values[inside][wanted] = found
            seen[inside][wanted] = joined.seen
            kept[inside][wanted] = joined.kept_variance
            certainty[inside][wanted] = joined.certainty
            error[inside][wanted] = joined.error
            continued[inside][wanted] = joined.continued
            if parts is not None and joined.parts is not None:
                parts.put(inside, wanted, joined.parts)
        self._monitor.check_cancelled()
        nearer = None
        if parts is not None and judged.rivals is not None:
            hidden, plate = full.hidden[area.slices(full.box)], full.encoded(area)
            nearer = inner_rim.continue_revealed(parts, plate, hidden, seen, error <= exact(noise))
        if nearer is not None:
            taken = nearer.pixels if visible is None else nearer.pixels & ~visible.near & ~visible.cut_off
            values[taken] = nearer.values[taken]
            left = (1.0 - nearer.continued[taken]) / np.maximum(1.0 - continued[taken], np.float32(1e-6))
            for share in (kept, certainty):
                share[taken] *= np.minimum(left, np.float32(1.0))
            continued[taken] = nearer.continued[taken]
            error[taken] *= nearer.ratio[taken]
        return Revealed(area, values, seen, kept, certainty, error, continued, noise)

    def _sampled(
        self,
        sources: list[RegisteredSource],
        box: Box,
        tile: Box,
        places: Int64Array,
        *,
        still: bool,
        beside: tuple[BoolArray, Float32Array] | None,
    ) -> Stack:
        """Sample the sources at the pixels ``places`` of the full-size ``tile``, counted along its rows.

        ``still`` asks for the frames as they are, too. ``beside``, which pixels of the tile are visible in
        the target, (h, w), and the target encoded, (h, w, 3), asks for pixels right beside the sources'
        holes where no source shows a better one, if those that can be compared are right.
        """
        ratio = self._working.ratio
        shape = (len(sources), len(places))
        moved, fits = np.empty((*shape, 3), np.float32), np.zeros(shape, np.float32)
        unmoved = np.empty((*shape, 3), np.float32) if still else None
        shown, near_rim = np.zeros(shape, bool), np.zeros(shape, np.float32)
        for index, item in enumerate(sources):
            self._monitor.check_cancelled()
            map_x, map_y = warp.positions(item.motion, box, tile, ratio)
            map_x, map_y = map_x.reshape(-1)[places], map_y.reshape(-1)[places]
            moved[index], clear, visible = warp.sample_some(item.source.full, item.gain.gain, map_x, map_y)
            offset = warp.upsample(item.gain.offset, box, tile, ratio)
            moved[index] += offset.reshape(-1, 3)[places]
            local = warp.upsample(item.local, box, tile, ratio).reshape(-1)[places]
            fits[index] = np.where(clear, local, np.float32(0.0))
            near_rim[index] = np.where(visible, local, np.float32(0.0))
            if unmoved is not None:
                cut = tile.slices(item.source.full.box)
                unmoved[index] = encoding.encode(item.source.full.plate[cut].reshape(-1, 3)[places])
                shown[index] = ~item.source.full.hidden[cut].reshape(-1)[places]
        # The object may still be seen right beside its hole.
        if beside is not None and _is_clean(moved, fits, near_rim, beside, places):
            fits = np.where((fits > 0).any(axis=0), fits, near_rim)
        return Stack(moved, fits, unmoved, shown)


def _is_clean(
    moved: Float32Array,
    clear: Float32Array,
    shown: Float32Array,
    beside: tuple[BoolArray, Float32Array],
    places: Int64Array,
) -> bool:
    """Whether sources are as right beside their own holes as they are elsewhere.

    Args:
        moved: (S, N, 3) encoded.
        clear: (S, N), above 0 where a source shows a pixel away from its hole.
        shown: (S, N), above 0 where it shows a pixel.
        beside: which pixels, (h, w), are visible in the target, and the target encoded, (h, w, 3).
        places: (N,) the pixels among these, counted along their rows.
    """
    visible = beside[0].reshape(-1)[places]
    plate = beside[1].reshape(-1, 3)[places[visible]]
    far = clear[:, visible] > 0
    rim = (shown[:, visible] > 0) & ~far
    if int(rim.sum()) < _FEWEST_AT_RIM or not far.any():
        return False
    error = squared_error(moved[:, visible], plate)
    worst, usual = (float(np.quantile(error[side], _MOSTLY)) for side in (rim, far))
    return worst < _SOILED * usual + _SEEN


def _doubled(hole: BoolArray) -> BoolArray:
    """The hole, (h, w), with each part of it grown by about its own depth, up to a limit."""
    grown = opencv.dilate_by_disc(hole, _TRIALS_PX[0])
    for depth in _TRIALS_PX[1:]:
        deep = opencv.erode(hole, opencv.disc(depth))
        if deep.any():
            grown |= opencv.dilate_by_disc(deep, 2 * depth)
    return grown


def _fit_in_places(misfit: Float32Array, confidence: Float32Array) -> Float32Array:
    """How well a source fits in each place, (h, w) in 0..1, continued to where it was not measured."""
    whole = pyramid.push_pull(np.ascontiguousarray(misfit), confidence)
    steps = max(1.0, float(np.median(whole)))
    return np.asarray(1.0 / (1.0 + np.square(whole / np.float32(1.5 * steps))), np.float32)
