"""Typed wrappers of the OpenCV functions that several modules use.

OpenCV's stubs promise no more than "some array", and its functions take masks as bytes and sizes as (width,
height). Here masks are bool, sizes are (rows, columns) as in numpy, and results have the declared type,
without a copy. Functions that only one module calls (tracking, inpainting, text) are called there directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar, cast

import cv2
import numpy as np

from void_engine.arrays import BoolArray, Float32Array, Float64Array, Int32Array, Uint8Array
from void_engine.geometry import Box

AREA: Final = cv2.INTER_AREA
"""The interpolation for shrinking: the mean over each new pixel's area."""
LINEAR: Final = cv2.INTER_LINEAR
CUBIC: Final = cv2.INTER_CUBIC
NEAREST: Final = cv2.INTER_NEAREST
LANCZOS: Final = cv2.INTER_LANCZOS4
"""The sharpest interpolation, a Lanczos kernel of 8 x 8 pixels."""

FAST: Final = cv2.DIST_MASK_3
CLOSE: Final = cv2.DIST_MASK_5
EXACT: Final = cv2.DIST_MASK_PRECISE
"""The accuracy of distances: ``FAST`` and ``CLOSE`` add up steps within 3 x 3 or 5 x 5 pixels, ``EXACT`` is
Euclidean."""

_Picture = TypeVar("_Picture", Float32Array, Uint8Array)


def resize(picture: Float32Array, shape: Sequence[int], interpolation: int = LINEAR) -> Float32Array:
    """Resize ``picture`` (H, W[, C]) to the rows and columns of ``shape``, (rows, columns, ...)."""
    size = (shape[1], shape[0])
    return cast(Float32Array, cv2.resize(picture, size, interpolation=interpolation))


def remap(
    picture: _Picture,
    x: Float32Array,
    y: Float32Array,
    interpolation: int = LINEAR,
    outside: float | None = None,
) -> _Picture:
    """Read ``picture`` (H, W[, C]) at the positions ``x``, ``y``, each (h, w), in pixels.

    Args:
        picture: the picture to read.
        x, y: positions of pixel centres, counted from 0.
        interpolation: one of the constants of this module.
        outside: the value beyond the picture; None repeats its edge pixels.
    """
    if outside is None:
        read = cv2.remap(picture, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    else:
        border = (outside, outside, outside, outside)
        read = cv2.remap(picture, x, y, interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=border)
    return cast(_Picture, read)


def warp_perspective(
    picture: _Picture, homography: Float64Array, shape: Sequence[int], outside: float | None = None
) -> _Picture:
    """Warp ``picture`` to a view whose pixel x shows the picture's pixel ``homography`` x (bilinear).

    Args:
        picture: (H, W[, C]).
        homography: (3, 3), from the view's pixel centres to the picture's.
        shape: rows and columns of the view.
        outside: the value beyond the picture; None repeats its edge pixels.
    """
    value = 0.0 if outside is None else outside
    seen = cv2.warpPerspective(
        picture,
        homography,
        (shape[1], shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT,
        borderValue=(value, value, value, value),
    )
    return cast(_Picture, seen)


def gaussian_blur(picture: _Picture, sigma: float) -> _Picture:
    """Blur ``picture`` by a Gaussian of standard deviation ``sigma`` pixels; its edge is mirrored."""
    return cast(_Picture, cv2.GaussianBlur(picture, (0, 0), sigma))


def box_blur(picture: Float32Array, side: int) -> Float32Array:
    """Average over the square of ``side`` pixels around each pixel; the picture's edge is mirrored."""
    return cast(Float32Array, cv2.blur(picture, (side, side)))


def laplacian(picture: Float32Array) -> Float32Array:
    """The Laplacian of each channel; edge pixels are repeated."""
    return cast(Float32Array, cv2.Laplacian(picture, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE))


def pyramid_down(picture: Float32Array) -> Float32Array:
    """Blur and keep every other pixel of every other row. A single channel loses its axis."""
    return cast(Float32Array, cv2.pyrDown(picture))


def pyramid_up(picture: Float32Array, shape: Sequence[int]) -> Float32Array:
    """Enlarge to ``shape``, twice the size, by the inverse of :func:`pyramid_down`'s sampling.

    A single channel loses its axis.
    """
    return cast(Float32Array, cv2.pyrUp(picture, dstsize=(shape[1], shape[0])))


def transform(picture: Float32Array, matrix: Float32Array | Float64Array) -> Float32Array:
    """Multiply the channels of ``picture`` (H, W, m) by ``matrix`` (n, m); (n, m + 1) also adds an offset."""
    return cast(Float32Array, cv2.transform(picture, matrix))


def merge(planes: Sequence[Float32Array]) -> Float32Array:
    """Interleave n planes, each (H, W), to (H, W, n)."""
    return cast(Float32Array, cv2.merge(planes))


def copy_where(target: Float32Array, mask: BoolArray, source: Float32Array) -> Float32Array:
    """Copy the pixels of ``source`` to ``target`` where ``mask`` is True, in place, and return ``target``."""
    return cast(Float32Array, cv2.copyTo(source, mask.astype(np.uint8), target))


def square(side: int) -> Uint8Array:
    """A square structuring element of ``side`` pixels, for dilation and erosion."""
    return np.ones((side, side), np.uint8)


def disc(radius: int) -> Uint8Array:
    """A disc-shaped structuring element of ``radius`` pixels, for dilation and erosion."""
    size = (2 * radius + 1, 2 * radius + 1)
    return cast(Uint8Array, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size))


def dilate(mask: BoolArray, shape: Uint8Array) -> BoolArray:
    """Dilate ``mask`` by ``shape``; the picture's border adds nothing."""
    return cast(BoolArray, cv2.dilate(mask.astype(np.uint8), shape).view(np.bool_))


def dilate_by_disc(mask: BoolArray, radius: int) -> BoolArray:
    """Dilate ``mask`` by a disc of ``radius`` pixels; a radius of 0 returns the mask itself."""
    return dilate(mask, disc(radius)) if radius > 0 and mask.any() else mask


def erode(mask: BoolArray, shape: Uint8Array) -> BoolArray:
    """Erode ``mask`` by ``shape``; the picture's border takes nothing."""
    return cast(BoolArray, cv2.erode(mask.astype(np.uint8), shape).view(np.bool_))


def dilate_values(picture: Float32Array, shape: Uint8Array) -> Float32Array:
    """Dilate a grey picture: each pixel takes the largest value under ``shape`` around it."""
    return cast(Float32Array, cv2.dilate(picture, shape))


def depth_inside(mask: BoolArray, accuracy: int = FAST) -> Float32Array:
    """The distance of each True pixel from the nearest False one, in pixels; 0 for False ones.

    When no pixel is False, all distances are the largest that OpenCV has.
    """
    return cast(Float32Array, cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, accuracy))


def nearest_labels(mask: BoolArray) -> Int32Array:
    """The label of the True pixel that is nearest to each pixel, (H, W).

    Every True pixel has a label of its own, counted from 1.
    """
    _, labels = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, CLOSE, labelType=cv2.DIST_LABEL_PIXEL
    )
    return cast(Int32Array, labels)


def connected_components(mask: BoolArray) -> tuple[Int32Array, list[Box]]:
    """Find the connected components of ``mask``; pixels that touch at corners are connected.

    Returns:
        The labels (H, W), 0 where the mask is False and otherwise counted from 1, and the box around each
        label, in order.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    boxes = []
    for label in range(1, count):
        x, y, columns, rows = (int(value) for value in stats[label, :4])
        boxes.append(Box(x, y, x + columns, y + rows))
    return cast(Int32Array, labels), boxes
