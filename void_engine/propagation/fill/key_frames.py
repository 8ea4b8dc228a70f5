"""Fills pixels that no frame shows: they are synthesised once in a key frame, then warped along the motion.

Synthesising every frame by itself would make the texture boil.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.geometry import Box
from void_engine.propagation import cross_validation, encoding, inpainting, pyramid
from void_engine.propagation.fill import synthesis
from void_engine.propagation.fill.key_plan import KeyPlan
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.reveal import answers
from void_engine.propagation.reveal.reveal import Revealer
from void_engine.propagation.reveal.sources import Source
from void_engine.propagation.working_set import AnalysisFrame, FullFrame, analyse

SLIVER_PX = 9
"""Unseen areas thinner than this many pixels are inpainted in each frame by itself."""
_FIT_PX = 6
"""The width of the band beside unseen pixels in which what is carried to them is compared."""
_BLOCK_PX = 8
"""Side of the blocks of the cross-validation."""
_INVENTED_COST = 4.0
"""How many times as large the squared error of what is carried counts as it is beside the hole: there it is
the key frame's plate, but inside it was invented."""
_REACH_PX = 32
"""How far into affected pixels something may reach that passes in front of the object."""
_FEWEST_TO_FIT = 60
"""The least number of pixels on which that is compared."""
MOST_KEYS = 2
"""The most key frames that are held in memory."""
_CONTEXT_PX = 80
"""The least width of the surroundings from which texture is copied."""
KEPT_GRAIN = 0.6
"""The fraction of the grain's variance that synthesised pixels have: copied patches bring their grain, and
warping softens it."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A completed frame whose synthesised pixels other frames take."""

    full: FullFrame
    analysis: AnalysisFrame


@dataclass(frozen=True, slots=True)
class SynthesisedPixels:
    """The pixels that complete a key frame, apart from its plate."""

    number: int
    area: Box
    hole: BoolArray
    """(h, w) on ``area``: the pixels that are replaced, whether revealed or synthesised."""
    values: Float32Array
    """(N, 3) scene-linear, in row order of the hole's pixels."""


class KeyFrameFill:
    """Fills unseen pixels from key frames, so that synthesised texture does not boil.

    Key frames must be completed in order. All other frames depend on a key frame only, which
    :meth:`latest` gives, so they may be completed at any time and in any thread.
    """

    def __init__(
        self,
        motion: ShotMotion,
        revealer: Revealer,
        plan: KeyPlan,
        seed: int,
        on_key: Callable[[SynthesisedPixels], None] | None = None,
        fill: str = "texture",
    ) -> None:
        """Prepare to fill key frames.

        Args:
            motion: the shot's frames and their motion.
            revealer: registers key frames to other frames.
            plan: says which frames become key frames.
            seed: the seed of the texture synthesis.
            on_key: called with each key frame once it is made.
            fill: the option of that name: ``texture`` or ``smooth``.
        """
        self._working = motion.working
        self._track = motion.track
        self._monitor = motion.monitor
        self._revealer = revealer
        self._seed = seed
        self._keys: list[KeyFrame] = []
        self._plan = plan
        self._on_key = on_key
        self._smooth = fill == "smooth"

    def is_key(self, number: int) -> bool:
        """Whether other frames take the pixels that frame ``number`` is completed with."""
        return self._plan.is_key(number)

    def add_key(self, pixels: SynthesisedPixels) -> None:
        """Add a key frame that was synthesised in another run, as the newest one."""
        full = self._working.full(pixels.number)
        plate = full.plate.copy()
        plate[pixels.area.slices(full.box)][pixels.hole] = pixels.values
        self._keep(pixels.number, plate)

    def complete(
        self,
        full: FullFrame,
        area: Box,
        answer: Float32Array,
        unseen: BoolArray,
        wires: BoolArray,
        key: KeyFrame | None,
    ) -> Float32Array:
        """Fill the ``unseen`` pixels of ``answer``.

        Args:
            full: the frame.
            area: the pixels of the frame that the arrays cover.
            answer: (h, w, 3) encoded.
            unseen: (h, w) the pixels that are to be filled.
            wires: (h, w) the pixels of long and thin holes, which are filled from both sides.
            key: the frame's key frame.
        """
        if full.hidden.all() and unseen.all():
            # Neither this frame nor another shows anything to start from; the plate is better than black.
            return full.encoded(area)
        square = opencv.square(SLIVER_PX)
        core = opencv.erode(unseen, square)
        thick = opencv.dilate_by_disc(core, SLIVER_PX) & unseen & ~wires
        thin = unseen & ~thick
        self._monitor.check_cancelled()
        if thick.any():
            carried, there = self._carried(full, key, thick)
            if there.any():
                passing, check = self._passing(full, area), self._monitor.check_cancelled
                fitted = _where_it_fits(answer, unseen, carried, there, passing, check)
                answer = np.where((thick & there)[:, :, None], fitted, answer)
            left = thick & ~there
            if opencv.erode(left, square).any():
                answer = self._synthesise(full, area, answer, left, thin)
            else:
                thin = thin | left
        if not thin.any():
            return answer
        return inpainting.smooth_fill(answer, thin, self._monitor.check_cancelled)

    def latest(self, number: int) -> KeyFrame | None:
        """The newest key frame that frame ``number`` may take pixels from."""
        segment = self._track.segment(number)
        return next((key for key in reversed(self._keys) if key.full.number in segment), None)

    def _carried(
        self, full: FullFrame, key: KeyFrame | None, thick: BoolArray
    ) -> tuple[Float32Array, BoolArray]:
        if key is None:
            return np.zeros((*thick.shape, 3), np.float32), np.zeros(thick.shape, bool)
        source = Source(key.full, key.analysis, self._track.chained(full.number, key.full.number))
        carried = self._revealer.reveal(full.number, [], [source])
        return carried.values, carried.seen

    def _passing(self, full: FullFrame, area: Box) -> BoolArray:
        """The pixels of ``area``, (h, w), where something passes in front of the object."""
        in_front = self._track.in_front(full.number)
        if in_front is None:
            return np.zeros((area.height, area.width), bool)
        wide = opencv.resize(in_front.astype(np.float32), full.hidden.shape) > 0
        cut = area.slices(full.box)
        # What passes may reach on into affected pixels, of which the plate is shown.
        reached = (full.affected[cut] > 0) & opencv.dilate_by_disc(wide[cut], _REACH_PX)
        return opencv.dilate_by_disc(wide[cut] | reached, _FIT_PX)

    def _synthesise(
        self, full: FullFrame, area: Box, answer: Float32Array, hole: BoolArray, forbidden: BoolArray
    ) -> Float32Array:
        """Synthesise the hole from patches, on a crop with room around it to take texture from."""
        room = area.grown(max(_CONTEXT_PX, min(area.width, area.height) // 2)).intersection(full.box)
        picture = full.encoded(room)
        inside = area.slices(room)
        picture[inside] = answer
        wide_hole, wide_forbidden = np.zeros(room.shape, bool), full.hidden[room.slices(full.box)].copy()
        wide_hole[inside] = hole
        # Patches may copy revealed pixels, but not hidden ones that are not filled yet.
        wide_forbidden[inside] = forbidden
        self._monitor.check_cancelled()
        if self._smooth:
            made = inpainting.smooth_fill(picture, wide_hole | wide_forbidden, self._monitor.check_cancelled)
        else:
            made = synthesis.patch_fill(picture, wide_hole, wide_forbidden, self._seed, self._monitor)
        return np.where(hole[:, :, None], made[inside], answer).astype(np.float32)

    def remember(self, full: FullFrame, area: Box, answer: Float32Array, hole: BoolArray) -> None:
        """Make a completed frame the newest key frame.

        Args:
            full: the frame.
            area: the pixels of the frame that the arrays cover.
            answer: (h, w, 3) encoded, complete.
            hole: (h, w) the pixels of it that may differ from the plate.
        """
        self._monitor.check_cancelled()
        pixels = SynthesisedPixels(full.number, area, hole, encoding.decode(answer)[hole])
        self.add_key(pixels)
        if self._on_key is not None:
            self._on_key(pixels)

    def _keep(self, number: int, plate: Float32Array) -> None:
        nothing = np.zeros(plate.shape[:2], np.float32)
        clear = np.zeros(plate.shape[:2], bool)
        completed = FullFrame(number, plate, plate, clear, nothing, nothing, nothing, clear, anchor=False)
        self._keys.append(
            KeyFrame(completed, analyse(completed, self._working.analysis_shape, self._monitor))
        )
        del self._keys[:-MOST_KEYS]


def _where_it_fits(
    answer: Float32Array,
    unseen: BoolArray,
    carried: Float32Array,
    there: BoolArray,
    passing: BoolArray,
    check: Callable[[], None],
) -> Float32Array:
    """What is carried from a key frame where it fits to the surroundings, and else their continuation.

    A key frame was made for its own surroundings. When those have changed since, because something moved by
    itself, what was invented for them stands out. Both are tried in the band beside the hole.

    Args:
        answer: (h, w, 3) encoded, valid where not ``unseen``.
        unseen: (h, w) the pixels that no source shows.
        carried: (h, w, 3) encoded, valid where ``there``.
        there: (h, w).
        passing: (h, w) where something passes in front of the object, which tells nothing of what is behind.
        check: is called often, and may raise to stop the work.
    """
    unseen = unseen | passing
    band = opencv.dilate_by_disc(unseen, _FIT_PX) & ~unseen
    known = band & there
    if int(known.sum()) < _FEWEST_TO_FIT:
        return carried
    trial = inpainting.smooth_fill(answer, unseen | band, check)
    adapted, tried = _adapted(answer, carried, unseen, band, there)
    errors = [answers.squared_error(one, answer) for one in (tried, trial)]
    expected = np.stack([answers.spread_picture(error, known) for error in errors])
    expected[0] *= np.float32(_INVENTED_COST)
    share = answers.shares(expected.reshape(2, -1), np.ones((2, unseen.size), bool))[0]
    continued = inpainting.smooth_fill(answer, unseen, check)
    part = share.reshape(unseen.shape)[:, :, None]
    return np.asarray(continued + part * (adapted - continued), np.float32)


def _adapted(
    answer: Float32Array, carried: Float32Array, unseen: BoolArray, band: BoolArray, there: BoolArray
) -> tuple[Float32Array, Float32Array]:
    """What is carried with the colours of its surroundings as they are now, (h, w, 3), and the same as it is
    in the ``band``, (h, w), when it is adapted to what lies beyond that.

    Differences from the surroundings are continued into the hole as far as one half of them tells the other.
    """
    around = opencv.dilate_by_disc(unseen, 2 * _FIT_PX) & ~unseen & there
    difference, weight = answer - carried, around.astype(np.float32)
    predict = pyramid.push_pull
    factor = np.float32(cross_validation.shrinkage_factor(difference, weight, _BLOCK_PX, predict))
    if not factor:
        return carried, carried
    beyond = np.where(band, np.float32(0.0), weight)
    return carried + factor * predict(difference, weight), carried + factor * predict(difference, beyond)
