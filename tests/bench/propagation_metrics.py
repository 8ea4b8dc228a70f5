"""Metrics of how far a clean plate is from the truth, inside the matte. All are of display-encoded values."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from void_engine.arrays import BoolArray, Float32Array
from void_engine.colour import srgb

_FINE_SIGMA = 2.0
"""What a Gaussian of this many pixels takes out is fine."""
_THIN_DEPTH_PX = 8.5
"""A part of the matte is thin where no point of it is deeper than this: 17 pixels across."""
_CORNER = 1.45
"""A right-angled corner of a wide part is no further than this, in depths, from where that part is deep."""
_RIM_PX = 2.5
_FLICKER_SIGMA = 1.5


def display(linear: Float32Array) -> Float32Array:
    """Encode for display: the sRGB curve up to 1, and 1 + 0.44 ln x above."""
    x = np.maximum(np.nan_to_num(linear), 0)
    return np.where(x <= 1, srgb.encode(x), 1 + 0.44 * np.log(np.maximum(x, 1))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Score:
    psnr_db: float
    worst_psnr_db: float
    """The 5th percentile of the PSNR over the frames."""
    ssim: float
    detail: float
    """The standard deviation of the Laplacian over that of the truth; 1 is ideal."""
    temporal: float
    """The root mean square change of the error along the truth's motion, x 100."""
    seam: float
    leak: float
    """The largest change where nothing was to be replaced."""
    p99: float
    """The 99th percentile of the error of single pixels (root mean square of the channels)."""
    rim: float
    """The root mean square of the fine part of the error along the outline, on both its sides, x 100."""
    thin: float
    """The same where the matte is at most 17 pixels across; 0 where nothing is."""
    flicker: float
    """The root mean square of half the step of a smoothed error from frame to frame, in place, x 100."""


def _gray(picture: Float32Array) -> Float32Array:
    return np.asarray(picture @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def true_flows(truth: Float32Array) -> list[Float32Array]:
    """Measure the flow, in pixels, from each frame of the truth (display-encoded) to the next."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [np.clip(_gray(f) * 255, 0, 255).astype(np.uint8) for f in truth]
    return [dis.calc(gray[t], gray[t + 1], None) for t in range(len(gray) - 1)]


def _thin(mask: BoolArray, depth: Float32Array) -> BoolArray:
    """Where the mask is thin: it is far from every point of more than the largest thin depth."""
    core = (depth > _THIN_DEPTH_PX).astype(np.uint8)
    if not core.any():
        return mask
    beside = cv2.distanceTransform(1 - core, cv2.DIST_L2, 5)
    return mask & (beside > _CORNER * _THIN_DEPTH_PX)


def _rms(squares: float, count: int) -> float:
    return 100 * float(np.sqrt(squares / count)) if count else 0.0


def score(
    plate: Float32Array,
    matte: Float32Array,
    truth: Float32Array,
    clean: Float32Array,
    flows: list[Float32Array],
    region: BoolArray | None = None,
) -> Score:
    """Compute all metrics; ``flows`` are the :func:`true_flows` of the encoded truth.

    ``region`` (T, H, W) is where the answer is measured; by default where the matte is above 0.
    """
    first, second = display(truth), display(clean)
    error = second - first
    inside = matte > 0 if region is None else region
    frame_psnr, similar, ratio_clean, ratio_truth, temporal, seam = [], [], 0.0, 0.0, [], []
    squares, count = 0.0, 0
    rim_squares, rim_count, thin_squares, thin_count, pixels = 0.0, 0, 0.0, 0, []
    rows, columns = matte.shape[1:]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    for t in range(len(plate)):
        mask = inside[t]
        if not mask.any():
            continue
        square = np.square(error[t]).mean(axis=2)
        frame_psnr.append(-10 * np.log10(max(float(square[mask].mean()), 1e-10)))
        squares += float(square[mask].sum())
        count += int(mask.sum())
        pixels.append(np.sqrt(square[mask]))
        gray_truth, gray_clean = _gray(first[t]), _gray(second[t])
        if min(rows, columns) >= 11:
            span = max(1.0, float(gray_truth.max()))
            _, full = structural_similarity(
                gray_truth, gray_clean, data_range=span, gaussian_weights=True, full=True
            )
            similar.append(float(full[mask].mean()))
        ratio_clean += float(np.square(cv2.Laplacian(gray_clean, cv2.CV_32F)[mask]).sum())
        ratio_truth += float(np.square(cv2.Laplacian(gray_truth, cv2.CV_32F)[mask]).sum())
        depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
        edge = mask & (depth <= 4)
        low = cv2.GaussianBlur(error[t], (0, 0), 2.0)
        seam.append(float(np.abs(low[edge]).mean()))
        fine = np.square(error[t] - cv2.GaussianBlur(error[t], (0, 0), _FINE_SIGMA)).mean(axis=2)
        outer = cv2.distanceTransform(1 - mask.astype(np.uint8), cv2.DIST_L2, 3)
        rim = np.where(mask, depth, outer) <= _RIM_PX
        rim_squares, rim_count = rim_squares + float(fine[rim].sum()), rim_count + int(rim.sum())
        thin = _thin(mask, np.asarray(depth, np.float32))
        thin_squares, thin_count = thin_squares + float(fine[thin].sum()), thin_count + int(thin.sum())
        if t + 1 < len(plate):
            flow = flows[t]
            later = cv2.remap(error[t + 1], x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
            temporal.append(float(np.square(error[t] - later)[mask].mean()))
    changed = ~(inside | (matte > 0))
    leak = (
        float(np.abs(np.nan_to_num(clean[changed]) - np.nan_to_num(plate[changed])).max())
        if changed.any()
        else 0.0
    )
    return Score(
        psnr_db=-10 * np.log10(max(squares / max(count, 1), 1e-10)),
        worst_psnr_db=float(np.percentile(frame_psnr, 5)),
        ssim=float(np.mean(similar)) if similar else 1.0,
        detail=float(np.sqrt(ratio_clean / max(ratio_truth, 1e-12))),
        temporal=100 * float(np.sqrt(np.mean(temporal))) if temporal else 0.0,
        seam=100 * float(np.mean(seam)),
        leak=leak,
        p99=float(np.percentile(np.concatenate(pixels), 99)) if pixels else 0.0,
        rim=_rms(rim_squares, rim_count),
        thin=_rms(thin_squares, thin_count),
        flicker=_flicker(error, inside),
    )


def _flicker(error: Float32Array, inside: BoolArray) -> float:
    """Measure half of how far the smoothed errors of two frames in a row differ, where both are replaced."""
    smooth = [cv2.GaussianBlur(frame, (0, 0), _FLICKER_SIGMA) for frame in error]
    squares, count = 0.0, 0
    for t in range(len(error) - 1):
        mask = inside[t] & inside[t + 1]
        jump = 0.5 * (smooth[t + 1] - smooth[t])
        squares += float(np.square(jump[mask]).mean(axis=1).sum())
        count += int(mask.sum())
    return _rms(squares, count)
