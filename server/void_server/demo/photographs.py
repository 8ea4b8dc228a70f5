"""Reads the photographs that the demo is made of. They come inside scikit-image's wheel; nothing is
downloaded.

The garage is the *Motorcycle* scene of the Middlebury 2014 stereo benchmark (Scharstein et al.,
"High-resolution stereo datasets with subpixel-accurate ground truth", GCPR 2014), with its disparity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage import data

from void_engine import opencv
from void_engine.arrays import Float32Array

_FOCAL_PX = 994.978
_BASELINE_M = 0.193001
_DISPARITY_OFFSET_PX = 31.086
_PRINCIPAL_POINT_PX = (311.193, 254.877)


@dataclass(frozen=True, slots=True)
class Garage:
    """A photograph of a garage, with its geometry."""

    picture: Float32Array
    """(500, 741, 3) RGB in 0..1, sRGB-encoded as photographed."""
    disparity: Float32Array
    """(500, 741) how many pixels further left each point lies in the right eye's picture. Pixels that were
    not measured take their nearest neighbour's value."""
    focal_px: float = _FOCAL_PX
    principal_point_px: tuple[float, float] = _PRINCIPAL_POINT_PX


def read_garage() -> Garage:
    """Read the garage's photograph and its disparity."""
    left, _, disparity = data.stereo_motorcycle()  # type: ignore[no-untyped-call]
    picture = np.asarray(left[..., :3], dtype=np.float32) / np.float32(255)
    return Garage(picture, _filled(np.asarray(disparity, dtype=np.float32)))


def read_pebbles() -> Float32Array:
    """Read a photograph of gravel, (512, 512), scaled to mean 0 and standard deviation 1."""
    gravel = data.gravel()  # type: ignore[no-untyped-call]
    # The picture is made half as sharp, because the demo shows it smaller than it was photographed.
    grey = opencv.gaussian_blur(np.asarray(gravel, dtype=np.float32), 1.5)
    return np.asarray((grey - grey.mean()) / grey.std(), dtype=np.float32)


def depth_from_disparity(disparity: Float32Array) -> Float32Array:
    """Return the distance from the camera in metres, from the benchmark's calibration, to the millimetre."""
    depth = _FOCAL_PX * _BASELINE_M / (disparity + _DISPARITY_OFFSET_PX)
    return np.asarray(np.round(depth, 3), dtype=np.float32)


def _filled(disparity: Float32Array) -> Float32Array:
    known = np.isfinite(disparity)
    labels = opencv.nearest_labels(known)
    by_label = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    by_label[labels[known]] = disparity[known]
    return np.asarray(by_label[labels], dtype=np.float32)
