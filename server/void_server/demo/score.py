"""Measures how good a removal is where the truth is known.

Pictures are compared after an encoding close to how they are looked at: the sRGB curve up to 1 and
``1 + 0.44 ln x`` above, so that a highlight of 20 counts, but not twenty times as much as diffuse white. The
peak for PSNR and the data range for SSIM are 1. Only the matte's pixels count: those where the result's
``matte`` layer is above 0. Everything is measured frame by frame.

PSNR rewards blur, so the detail ratio stands beside it: the amount of fine structure (grain included), as a
share of the truth's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.colour import srgb
from void_engine.geometry import Box
from void_engine.plates.frame.frame import Frame
from void_server.errors import ServiceError

RESULT = "result"
NOTHING = "doing nothing"
TELEA = "OpenCV Telea"

_MATTE_CHANNEL = "matte.A"
_TELEA_RADIUS_PX = 3
_CONTEXT_PX = 16
"""How far around the matte Telea and the windows of SSIM see, in pixels."""
_SSIM_SIGMA_PX = 1.5
_DETAIL_SIGMA_PX = 1.0


class ScoreError(ServiceError):
    """The pictures cannot be compared. The message says why."""


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one way to fill the matte, judged against the truth."""

    psnr_db: float
    """PSNR over all the matte's pixels of the shot together; infinite when they equal the truth."""
    worst_psnr_db: float
    """PSNR of the worst frame."""
    ssim: float
    """SSIM, mean over the matte's pixels (Wang et al. 2004, Gaussian window of 1.5 pixels)."""
    detail: float
    """Fine structure as a share of the truth's: below 1 is too soft, above 1 too busy."""


@dataclass(frozen=True, slots=True)
class ShotScore:
    """The figures of the whole shot."""

    scores: Mapping[str, Score]
    """By method: the result, the plate as it was, and OpenCV's Telea inpainting frame by frame."""
    frames: int
    matte_pixels: int
    changed_outside: int
    """How many pixels have a matte of 0, and yet a channel that does not keep the plate's bits in the
    result."""

    @property
    def bit_exact_outside(self) -> bool:
        return self.changed_outside == 0

    def sentences(self) -> list[str]:
        """Return the figures in sentences, for lettering in which digits do not line up."""
        return [
            f"{name}: PSNR {score.psnr_db:.1f} dB (worst frame {score.worst_psnr_db:.1f} dB), "
            f"SSIM {score.ssim:.3f}, detail {score.detail:.2f}"
            for name, score in self.scores.items()
        ]

    def table(self) -> str:
        """Return the figures as a table for a terminal of 80 columns."""
        lines = [f"{'inside the matte':<18}{'PSNR':>9}{'worst':>10}{'SSIM':>8}{'detail':>9}"]
        for name, score in self.scores.items():
            lines.append(
                f"{name:<18}{score.psnr_db:>6.1f} dB{score.worst_psnr_db:>7.1f} dB"
                f"{score.ssim:>8.3f}{score.detail:>9.2f}"
            )
        return "\n".join([*lines, self.outside])

    @property
    def outside(self) -> str:
        """What became of the pixels outside the matte, in one line."""
        exact = "yes" if self.bit_exact_outside else f"NO, {self.changed_outside} pixels differ"
        return f"bit-exact outside: {exact}"


class Scorer:
    """Collects the figures of a shot, one frame at a time, in any order."""

    def __init__(self) -> None:
        self._sums = {name: _Sums() for name in (RESULT, NOTHING, TELEA)}
        self._frames = 0
        self._matte_pixels = 0
        self._changed_outside = 0

    def add(self, truth: Frame, plate: Frame, result: Frame) -> None:
        """Judge one frame. ``result`` carries the layer ``matte``.

        Raises:
            ScoreError: when the three are not the same frame of the same size, or the layer is missing.
        """
        box = plate.data_window
        for name, other in (("truth", truth), ("result", result)):
            if other.display_size != plate.display_size or not other.data_window.contains(box):
                raise ScoreError(
                    f"frame {plate.number}: the {name} is {other.display_size}, {other.data_window}, but the "
                    f"plate {plate.display_size}, {box}; they must be the same shot at full size"
                )
        if _MATTE_CHANNEL not in result.channel_names:
            raise ScoreError(
                f"frame {plate.number}: the result has no {_MATTE_CHANNEL}; put 'matte' among its layers"
            )
        matte = result.plane(_MATTE_CHANNEL, box)
        self._changed_outside += changed_outside(plate, result, matte)
        self.add_pictures(truth.read_rgb(box), plate.read_rgb(box), result.read_rgb(box), matte)

    def add_pictures(
        self, truth: Float32Array, plate: Float32Array, result: Float32Array, matte: Float32Array
    ) -> None:
        """Judge one frame from (H, W, 3) scene-linear pictures and its (H, W) matte. Pixels outside the matte
        are not compared."""
        self._frames += 1
        inside = matte > 0
        if not inside.any():
            return
        self._matte_pixels += int(inside.sum())
        window = _surroundings(inside)
        hole = inside[window]
        wanted = encoded(truth[window])
        before = encoded(plate[window])
        pictures = {RESULT: encoded(result[window]), NOTHING: before, TELEA: telea(before, hole)}
        for name, picture in pictures.items():
            self._sums[name].add(wanted, picture, hole)

    def score(self) -> ShotScore:
        """Return the figures of all frames so far.

        Raises:
            ScoreError: when no frame had anything in its matte.
        """
        if not self._matte_pixels:
            raise ScoreError("no frame has anything in its matte, so there is nothing to judge")
        scores = {name: sums.score() for name, sums in self._sums.items()}
        return ShotScore(scores, self._frames, self._matte_pixels, self._changed_outside)


def encoded(linear: Float32Array) -> Float32Array:
    """Encode a picture for comparison: sRGB's curve up to 1, ``1 + 0.44 ln x`` above it. Below 0 sRGB's
    straight part goes on."""
    above = 1.0 + 0.44 * np.log(np.maximum(linear, 1.0))
    code = np.where(linear > 1.0, above, srgb.encode(np.minimum(linear, 1.0)))
    return np.asarray(code, dtype=np.float32)


def decoded(code: Float32Array) -> Float32Array:
    """The inverse of :func:`encoded` at and above 0; what is below becomes 0."""
    above = np.exp(np.maximum(code - 1, 0) / 0.44)
    return np.where(code <= 1, srgb.decode(np.clip(code, 0, 1)), above).astype(np.float32)


def telea(picture: Float32Array, hole: BoolArray) -> Float32Array:
    """Fill a hole with OpenCV's inpainting after Telea 2004 ("An image inpainting technique based on the fast
    marching method"), which sees only this one frame.

    Args:
        picture: (H, W, 3) encoded RGB.
        hole: (H, W), true where to fill.
    """
    # OpenCV's float version strays far outside the range of its surroundings (OpenCV 5.0), so this uses 8
    # bits, as is usual. White cut at 1 serves it better than a scale with room for the highlights.
    codes = np.asarray(np.clip(picture, 0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)
    filled = cv2.inpaint(codes, hole.astype(np.uint8), _TELEA_RADIUS_PX, cv2.INPAINT_TELEA)
    return np.where(hole[..., None], filled / np.float32(255.0), picture).astype(np.float32)


def bit_exact_outside(plate: Frame, result: Frame, matte: Float32Array) -> bool:
    """Return whether every channel of ``plate`` has the same bits in ``result`` wherever ``matte`` is 0."""
    return changed_outside(plate, result, matte) == 0


def changed_outside(plate: Frame, result: Frame, matte: Float32Array) -> int:
    """Count the pixels that are 0 in ``matte`` and yet not the plate's own in ``result``.

    Args:
        plate: the original frame.
        result: the written frame. A channel that it lacks, or holds in another data type, counts as changed
            everywhere.
        matte: (H, W) over the plate's data window: what was replaced.

    Raises:
        ScoreError: when the matte has another size, or the result does not cover the plate's data window.
    """
    box = plate.data_window
    if matte.shape != box.shape:
        raise ScoreError(f"the matte has {matte.shape} rows and columns, the data window {box.shape}")
    if not result.data_window.contains(box):
        raise ScoreError(f"the result covers {result.data_window}, which is less than the plate's {box}")
    changed = np.zeros(box.shape, dtype=np.bool_)
    part = box.slices(result.data_window)
    for name in plate.channel_names:
        ours = plate.native(name)
        if name not in result.channel_names or result.native(name).dtype != ours.dtype:
            changed[:] = True
            break
        # The values are compared as integers: NaN must equal NaN here, and -0.0 must not equal 0.0.
        bits = np.dtype(f"u{ours.dtype.itemsize}")
        theirs = np.ascontiguousarray(result.native(name)[part])
        changed |= np.ascontiguousarray(ours).view(bits) != theirs.view(bits)
    return int((changed & (matte == 0)).sum())


class _Sums:
    """The sums of which a score is made."""

    def __init__(self) -> None:
        self._squares = 0.0
        self._values = 0
        self._worst = 0.0
        self._similarity = 0.0
        self._detail = 0.0
        self._detail_of_truth = 0.0

    def add(self, truth: Float32Array, picture: Float32Array, hole: BoolArray) -> None:
        squares = np.square(picture[hole] - truth[hole], dtype=np.float64)
        self._squares += float(squares.sum())
        self._values += squares.size
        self._worst = max(self._worst, float(squares.mean()))
        self._similarity += float(_similarity(truth, picture)[hole].sum(dtype=np.float64))
        self._detail += _fine_energy(picture, hole)
        self._detail_of_truth += _fine_energy(truth, hole)

    def score(self) -> Score:
        return Score(
            psnr_db=_decibels(self._squares / self._values),
            worst_psnr_db=_decibels(self._worst),
            ssim=self._similarity / self._values,
            detail=math.sqrt(self._detail / max(self._detail_of_truth, 1e-12)),
        )


def _similarity(truth: Float32Array, picture: Float32Array) -> Float32Array:
    """Return the SSIM of each value, (H, W, 3)."""
    _, values = structural_similarity(  # type: ignore[no-untyped-call]
        truth,
        picture,
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=_SSIM_SIGMA_PX,
        use_sample_covariance=False,
        full=True,
    )
    return np.asarray(values, dtype=np.float32)


def _fine_energy(picture: Float32Array, hole: BoolArray) -> float:
    fine = picture - opencv.gaussian_blur(picture, _DETAIL_SIGMA_PX)
    return float(np.square(fine[hole], dtype=np.float64).sum())


def _decibels(mean_square: float) -> float:
    return math.inf if mean_square == 0.0 else -10.0 * math.log10(mean_square)


def _surroundings(inside: BoolArray) -> tuple[slice, slice]:
    everything = Box.from_shape(inside.shape)
    return Box.around(inside).grown(_CONTEXT_PX).intersection(everything).slices(everything)
