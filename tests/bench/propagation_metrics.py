"""Metrics of how far a clean plate is from the truth, inside the matte."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from void_engine.arrays import Float32Array
from void_engine.colour import srgb


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
    seam: float
    leak: float
    """The largest change where the matte is 0."""


def _gray(picture: Float32Array) -> Float32Array:
    return np.asarray(picture @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def true_flows(truth: Float32Array) -> list[Float32Array]:
    """Measure the flow, in pixels, from each frame of the truth (display-encoded) to the next."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [np.clip(_gray(f) * 255, 0, 255).astype(np.uint8) for f in truth]
    return [dis.calc(gray[t], gray[t + 1], None) for t in range(len(gray) - 1)]


def score(
    plate: Float32Array,
    matte: Float32Array,
    truth: Float32Array,
    clean: Float32Array,
    flows: list[Float32Array],
) -> Score:
    """Compute all metrics; ``flows`` are the :func:`true_flows` of the encoded truth."""
    first, second = display(truth), display(clean)
    error = second - first
    inside = matte > 0
    frame_psnr, similar, ratio_clean, ratio_truth, temporal, seam = [], [], 0.0, 0.0, [], []
    squares, count = 0.0, 0
    rows, columns = matte.shape[1:]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    for t in range(len(plate)):
        mask = inside[t]
        if not mask.any():
            continue
        square = float(np.square(error[t][mask]).mean())
        frame_psnr.append(-10 * np.log10(max(square, 1e-10)))
        squares += square * int(mask.sum())
        count += int(mask.sum())
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
        if t + 1 < len(plate):
            flow = flows[t]
            later = cv2.remap(error[t + 1], x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
            temporal.append(float(np.square(error[t] - later)[mask].mean()))
    outside = ~inside
    leak = (
        float(np.abs(np.nan_to_num(clean[outside]) - np.nan_to_num(plate[outside])).max())
        if outside.any()
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
    )
