"""A band along a contour, unrolled: means by distance from the contour, for each piece of it.

A fault of a removal follows the edge of the matte; the scene does not. So a measure at the contour is
compared with the same measure at other distances from it, where only the scene is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Float64Array, Int64Array

REACH = 20
"""How many pixels the band reaches to either side of the contour."""
PIECE = 12
"""The length of a piece of the contour, in pixels."""
_LEAST_BORDER = 10


@dataclass(frozen=True)
class Band:
    """The pixels along a contour."""

    pixels: Int64Array
    """Indices of the pixels in the flat picture."""
    pieces: Int64Array
    """The piece of the contour that each pixel is next to."""
    steps: Int64Array
    """The distance of each pixel, whole, plus :data:`REACH`: less than it outside, from it on inside."""
    count: int
    """How many pieces there are."""
    border: int
    """How many pixels the contour has."""

    def means(self, values: Float32Array) -> tuple[Float64Array, Float64Array]:
        """Means of ``values`` (h, w) by piece and distance, and how many pixels each is of, both (pieces,
        2 * REACH); NaN where there is none."""
        wide = 2 * REACH
        index = self.pieces * wide + self.steps
        held = np.bincount(index, minlength=self.count * wide).astype(np.float64)
        total = np.bincount(index, values.reshape(-1)[self.pixels], minlength=self.count * wide)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / held
        return mean.reshape(self.count, wide), held.reshape(self.count, wide)


def band_along(inside: BoolArray, usable: BoolArray | None = None) -> Band | None:
    """The band along the contour of ``inside``, (h, w). The picture's own edge is no contour.

    Args:
        inside: the mask whose contour is meant.
        usable: the pixels that may be in the band; None for all.

    Returns:
        The band; None where the contour is too short to say anything.
    """
    height, width = inside.shape
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    label = np.full((height, width), -1, np.int64)
    count = 0
    for contour in contours:
        x, y = contour[:, 0, 0], contour[:, 0, 1]
        free = (x > 0) & (y > 0) & (x < width - 1) & (y < height - 1)
        pieces = np.arange(len(x)) * max(1, round(len(x) / PIECE)) // len(x)
        label[y[free], x[free]] = count + pieces[free]
        count += int(pieces[-1]) + 1
    border = label >= 0
    length = int(border.sum())
    if length < _LEAST_BORDER:
        return None
    away, nearest = cv2.distanceTransformWithLabels(
        (~border).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    near = away < REACH - 0.5
    if usable is not None:
        near &= usable
    pixels = np.flatnonzero(near)
    of_label = np.zeros(int(nearest.max()) + 1, np.int64)
    of_label[nearest[border]] = label[border]
    distance = np.rint(away.reshape(-1)[pixels]).astype(np.int64)
    within = inside.reshape(-1)[pixels]
    # A pixel of the border has the distance 0 and is inside; its neighbours outside have 1.
    steps = np.where(within, REACH + distance, REACH - distance)
    return Band(
        pixels, of_label[nearest.reshape(-1)[pixels]], np.clip(steps, 0, 2 * REACH - 1), count, length
    )
