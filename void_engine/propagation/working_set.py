"""The working set: the few frames that propagation holds in memory at a time.

Every frame exists twice: at full size for the final sampling, and as a small *analysis frame* on which motion
and light are measured. Both are kept in caches bounded by bytes, so memory does not depend on the length of
the shot; a frame that was dropped is read again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.engines.interface import Monitor, ShotSource
from void_engine.errors import PlateError
from void_engine.geometry import Box
from void_engine.morphology import MATTE_EPSILON
from void_engine.propagation import encoding, pyramid
from void_engine.propagation.memo import Memo

ANALYSIS_WIDTH = 960
"""The largest width, in pixels, at which motion is measured. Larger pictures cost time and gain little."""
FULL_SIZE_BYTES = 640 * 2**20
"""How much memory the full-size frames may hold."""
ANALYSIS_BYTES = 256 * 2**20
"""How much memory the analysis frames may hold."""
FEWEST_FRAMES = 4
"""The least number of frames of each size that are held, however large they are."""
MOST_FULL, MOST_ANALYSED = 64, 128
"""The largest number of full-size and of analysis frames that are held, however small they are."""


@dataclass(frozen=True, slots=True)
class FullFrame:
    """A frame at the size of the shot."""

    number: int
    original: Float32Array
    """(H, W, 3): the plate as the shot gave it; read-only."""
    plate: Float32Array
    """(H, W, 3) scene-linear, finite everywhere; pixels that were not finite are 0 and hidden."""
    hidden: BoolArray
    """(H, W): pixels whose background is not visible: removed or right beside that where the object reaches
    beyond its matte, affected by the object, or not finite."""
    alpha: Float32Array
    """(H, W) in 0..1: how far the object covers a pixel; 1 where nothing of the plate may be used."""
    removed: Float32Array
    """(H, W) in 0..1: the shot's matte of the object that is removed."""
    affected: Float32Array
    """(H, W) in 0..1: the shot's matte of pixels whose light the object changed, but not their texture."""
    wanted: BoolArray
    """(H, W): pixels that the merge will take from the engine."""
    anchor: bool
    """Whether the artist cleaned this frame already: ``plate`` is then the artist's picture."""

    @property
    def box(self) -> Box:
        """The whole frame."""
        return Box.from_shape(self.hidden.shape)

    def encoded(self, area: Box) -> Float32Array:
        """The encoded plate on ``area``, (h, w, 3)."""
        return encoding.encode(self.plate[area.slices(self.box)])

    @property
    def bytes_held(self) -> int:
        held = (self.original, self.hidden, self.alpha, self.removed, self.affected, self.wanted)
        extra = 0 if self.plate is self.original else self.plate.nbytes
        return extra + sum(array.nbytes for array in held)


@dataclass(frozen=True, slots=True)
class AnalysisFrame:
    """A frame at the analysis size, on which motion and light are measured."""

    number: int
    encoded: Float32Array
    """(h, w, 3) in the encoding; 0 where a full-size pixel below is hidden."""
    gray: Uint8Array
    """(h, w): normalised 8-bit brightness, filled smoothly where hidden, on which flow is measured."""
    hidden: BoolArray
    """(h, w): pixels below which any full-size pixel is hidden, grown by one pixel."""

    @property
    def bytes_held(self) -> int:
        return self.encoded.nbytes + self.gray.nbytes + self.hidden.nbytes


class WorkingSet:
    """The full-size and analysis frames of a shot, made on demand. Several threads may ask for them."""

    def __init__(self, shot: ShotSource, monitor: Monitor, rim_px: int = 0) -> None:
        """Prepare to read a shot.

        Args:
            shot: the shot.
            monitor: the monitor of the job.
            rim_px: how far the object reaches beyond its matte. What lies there is hidden, though the merge
                leaves it as it is.
        """
        self._shot = shot
        self.rim_px = rim_px
        """How far, in pixels, the object reaches beyond its matte."""
        self._monitor = monitor
        self.height, self.width = shot.height, shot.width
        self.scale = analysis_scale(self.width, self.height)
        """Analysis pixels for each full-size pixel, nominally; the exact ratios are :attr:`ratio`."""
        self.analysis_shape = (
            max(1, round(self.height * self.scale)),
            max(1, round(self.width * self.scale)),
        )
        self.ratio = (self.analysis_shape[0] / self.height, self.analysis_shape[1] / self.width)
        """(rows, columns) of analysis pixels for each full-size pixel."""
        self._full: Memo[FullFrame] = Memo(
            FULL_SIZE_BYTES,
            lambda frame: max(frame.bytes_held, FULL_SIZE_BYTES // MOST_FULL),
            FEWEST_FRAMES,
        )
        self._analysis: Memo[AnalysisFrame] = Memo(
            ANALYSIS_BYTES,
            lambda frame: max(frame.bytes_held, ANALYSIS_BYTES // MOST_ANALYSED),
            FEWEST_FRAMES,
        )
        self._reading = threading.Lock()

    def full(self, number: int) -> FullFrame:
        """The frame at the size of the shot.

        Raises:
            PlateError: when the frame cannot be read or has another size.
        """
        return self._full.get(number, self._read_full)

    def analysis(self, number: int) -> AnalysisFrame:
        """The frame at the analysis size.

        Raises:
            PlateError: when the frame cannot be read or has another size.
        """
        return self._analysis.get(number, lambda n: analyse(self.full(n), self.analysis_shape, self._monitor))

    def _read_full(self, number: int) -> FullFrame:
        self._monitor.check_cancelled()
        # A shot source need not bear several threads.
        with self._reading:
            frame = self._shot.frame(number)
            anchor = self._shot.anchor(number)
        plate = frame.plate if anchor is None else anchor
        if plate.shape != (self.height, self.width, 3):
            raise PlateError(
                f"Frame {number}: the picture is {plate.shape[1]} x {plate.shape[0]}, the shot is "
                f"{self.width} x {self.height}. Give plates and anchors of one size."
            )
        self._monitor.check_cancelled()
        broken: BoolArray = np.asarray(~np.isfinite(plate).all(axis=2), bool)
        if broken.any():
            plate = np.where(broken[:, :, None], np.float32(0.0), plate)
        self._monitor.check_cancelled()
        wanted = frame.replaced > 0
        if anchor is None:
            marked = np.maximum(frame.remove, frame.affected)
            hidden = wanted | (marked > 0) | broken
            if self.rim_px:
                hidden |= opencv.dilate_by_disc(frame.remove > MATTE_EPSILON, self.rim_px)
            # If the artist grew the matte beyond what was drawn, its edge is not trusted and counts as fully
            # covered.
            alpha = np.where(marked > 0, marked, hidden.astype(np.float32))
            alpha = np.where(broken, np.float32(1.0), alpha).astype(np.float32)
        else:
            hidden, alpha = broken, broken.astype(np.float32)
        self._monitor.check_cancelled()
        return FullFrame(
            number=number,
            original=frame.plate,
            plate=np.ascontiguousarray(plate, dtype=np.float32),
            hidden=hidden,
            alpha=alpha,
            removed=frame.remove,
            affected=frame.affected,
            wanted=wanted,
            anchor=anchor is not None,
        )


def analysis_scale(width: int, height: int) -> float:
    """Analysis pixels for each full-size pixel of a frame of ``width`` by ``height`` pixels."""
    return min(1.0, ANALYSIS_WIDTH / max(1, width, height))


def analyse(full: FullFrame, shape: tuple[int, int], monitor: Monitor) -> AnalysisFrame:
    """Make the analysis frame of ``shape``, (rows, columns), from a full-size frame."""
    if shape == full.hidden.shape:
        linear, hidden = full.plate, full.hidden
    else:
        linear = opencv.resize(full.plate, shape, opencv.AREA)
        hidden = opencv.resize(full.hidden.astype(np.float32), shape, opencv.AREA) > 1e-4
    if hidden.any():
        hidden = opencv.dilate(hidden, opencv.square(3))
    monitor.check_cancelled()
    encoded = encoding.encode(linear)
    encoded[hidden] = 0.0
    gray = encoding.eight_bit(encoding.luma(encoded), ~hidden)
    if hidden.any() and not hidden.all():
        filled = pyramid.push_pull(gray.astype(np.float32), (~hidden).astype(np.float32))
        gray = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
    return AnalysisFrame(full.number, encoded, np.ascontiguousarray(gray), hidden)
