"""The outlines of masks as polygons, for overlays, and for roto shapes."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float64Array

_FINER = 4
"""Outlines are drawn on a mask enlarged by this, so that they do not follow its pixels' corners."""
_TOLERANCE_PX = 1.0
"""How far a polygon may pass beside the outline, in pixels of the enlarged mask."""
_LEAST_AREA_PX = 12.0
"""Smaller rings, in square pixels of the enlarged mask, are left out."""


def outlines(mask: BoolArray, size: tuple[int, int]) -> list[Float64Array]:
    """The rings around a mask's regions and their holes.

    Args:
        mask: (h, w), a small copy of the picture.
        size: width and height of the picture, in whose pixels the rings are.

    Returns:
        Rings (N, 2) of x and y, y down, each closed from the last point to the first. Outer ones turn one
        way and those of holes the other, so that both the winding and the even-odd rule fill the mask.
    """
    if not mask.any():
        return []
    rows, columns = mask.shape
    fine = opencv.resize(mask.astype(np.float32), (rows * _FINER, columns * _FINER)) >= 0.5
    found, _ = cv2.findContours(fine.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    scale = np.array([size[0] / (columns * _FINER), size[1] / (rows * _FINER)])
    rings = []
    for contour in found:
        ring = cv2.approxPolyDP(contour, _TOLERANCE_PX, closed=True)
        if len(ring) >= 3 and cv2.contourArea(ring) >= _LEAST_AREA_PX:
            rings.append((ring[:, 0, :].astype(np.float64) + 0.5) * scale)
    return rings
