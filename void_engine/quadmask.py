"""The quadmask: four grey levels that tell the diffusion model what to do with each pixel.

This module alone knows the levels and every threshold that leads to or from them.

Levels, cut points and the grid of affected regions are those that VOID (Netflix, *Video Object and
Interaction Deletion*) was trained with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.errors import MatteError

REMOVE = 0
"""The level of pixels that only the removed object covers."""
OVERLAP = 63
"""The level of pixels that the object covers and that it also affects."""
AFFECTED = 127
"""The level of pixels that the object changed without covering them (shadow, reflection, contact)."""
KEEP = 255
"""The level of all other pixels, which stay as they are."""

ROLE_THRESHOLD = 0.05
"""A pixel has a role when the role's matte covers more than this of it. The threshold is low, because a pixel
that holds even a little of the object would lead the model to keep a fringe of it; it is above zero, because
a keyer leaves noise in its matte."""

# The published loader's cut points, midway between two levels: a movie's compression and an area average give
# values between the levels.
_REMOVE_UP_TO = 31
_OVERLAP_UP_TO = 95
_AFFECTED_UP_TO = 191

_LEVEL_OF_VALUE: Uint8Array = np.full(256, KEEP, np.uint8)
_LEVEL_OF_VALUE[: _AFFECTED_UP_TO + 1] = AFFECTED
_LEVEL_OF_VALUE[: _OVERLAP_UP_TO + 1] = OVERLAP
_LEVEL_OF_VALUE[: _REMOVE_UP_TO + 1] = REMOVE
_LEVEL_OF_VALUE.setflags(write=False)

# The published program's thresholds on the removal mask (:func:`removal_mask`), whose four values are 1 for
# remove, 192/255 = 0.753 for overlap, 128/255 = 0.502 for affected and 0 for keep.
REMOVED_ABOVE = 0.75
"""The removal mask above which a pixel counts as removed; the level *overlap* is just above it."""
AFFECTED_FROM = 0.25
"""The removal mask from which on, up to :data:`REMOVED_ABOVE`, a pixel counts as affected."""
AFFECTED_SHARE = AFFECTED / KEEP
"""The value of *affected* in the model's training, 127/255, unlike the removal mask's 128/255."""
BINARY_ABOVE = 0.5
"""The removal mask above which a pixel counts as removed in a mask of two levels; *affected* is just above
it."""

_GRID_CELLS = 8
"""Cells along the shorter side of the picture."""

_OVERLAY_COLOURS = {
    REMOVE: (0.92, 0.10, 0.12),
    OVERLAP: (1.00, 0.72, 0.05),
    AFFECTED: (0.10, 0.55, 1.00),
}


def quadmask_from_roles(remove: Float32Array, affected: Float32Array) -> Uint8Array:
    """The quadmask of two role mattes, pixel by pixel.

    Args:
        remove: (H, W) in 0..1, coverage by what goes.
        affected: (H, W) in 0..1, coverage by what the object changed.

    Returns:
        (H, W) uint8 with the four levels. A matte counts where it is above :data:`ROLE_THRESHOLD`; NaN
        does not.

    Raises:
        MatteError: when the mattes are not two pictures of one size.
    """
    _check_same_size(remove, affected)
    return _levels(remove > ROLE_THRESHOLD, affected > ROLE_THRESHOLD)


def roles_from_levels(levels: Uint8Array) -> tuple[Float32Array, Float32Array]:
    """Recover the two role mattes from a stored quadmask.

    Args:
        levels: (H, W) uint8 with the four levels, or values near them, as a compressed movie has.

    Returns:
        ``(remove, affected)``, each (H, W) float32 of zeros and ones; an overlap has both.

    Raises:
        MatteError: when ``levels`` are not 8-bit values.
    """
    level = quantise_levels(levels)
    remove = (level == REMOVE) | (level == OVERLAP)
    affected = (level == AFFECTED) | (level == OVERLAP)
    return remove.astype(np.float32), affected.astype(np.float32)


def quantise_levels(values: Uint8Array | Float32Array) -> Uint8Array:
    """Move every value to its level: up to 31 is remove, up to 95 overlap, up to 191 affected, else keep.

    Args:
        values: any shape; uint8, or float in 0..255 (as an area average gives).

    Returns:
        uint8 of the same shape, holding only the four levels.

    Raises:
        MatteError: for another type, or floats outside 0..255 or not finite.
    """
    if values.dtype == np.uint8:
        return _LEVEL_OF_VALUE[values]
    if not np.issubdtype(values.dtype, np.floating):
        raise MatteError(f"a quadmask holds 8-bit values 0..255, not {values.dtype}; convert it first")
    # Half a code value of slack is allowed, because an area average of 255s may come out just above 255.
    if values.size and not (float(values.min()) >= -0.5 and float(values.max()) <= 255.5):
        raise MatteError("a quadmask holds values 0..255; this one has values outside that range")
    # An average just above a cut point belongs to the level above it, so fractions round up.
    return _LEVEL_OF_VALUE[np.clip(np.ceil(values), 0, 255).astype(np.uint8)]


def removal_mask(values: Uint8Array | Float32Array) -> Float32Array:
    """Turn quadmask values into the removal mask: the four values that published VOID's loader makes of them.

    Args:
        values: any shape; uint8, or float in 0..255 (as an area average gives).

    Returns:
        float32 of the same shape: 1 remove, 192/255 overlap, 128/255 affected, 0 keep.

    Raises:
        MatteError: for another type, or floats outside 0..255 or not finite.
    """
    return (np.float32(KEEP) - quantise_levels(values)) / np.float32(KEEP)


def grid_shape(height: int, width: int, pixel_aspect: float = 1.0) -> tuple[int, int]:
    """The ``(rows, columns)`` of the grid that VOID's affected regions were trained on.

    The shorter side of the picture has 8 cells and the longer one as many as make the cells square.
    ``pixel_aspect`` is the width of a pixel over its height.
    """
    aspect = width * pixel_aspect / height
    if aspect >= 1.0:
        rows, columns = _GRID_CELLS, round(_GRID_CELLS * aspect)
    else:
        rows, columns = round(_GRID_CELLS / aspect), _GRID_CELLS
    return min(rows, height), min(columns, width)


def snap_to_grid(affected: BoolArray, pixel_aspect: float = 1.0) -> BoolArray:
    """Extend the affected region to whole cells of the training grid; one pixel is enough to take a cell.

    Args:
        affected: (H, W) bool on the picture the model sees (the region of interest or its canvas), not on the
            whole plate: the grid is a division of that picture.
        pixel_aspect: width of a pixel over its height.

    Returns:
        (H, W) bool.
    """
    height, width = affected.shape
    if not affected.any():
        return affected.copy()
    rows, columns = grid_shape(height, width, pixel_aspect)
    tops = np.arange(rows) * height // rows
    lefts = np.arange(columns) * width // columns
    touched = np.logical_or.reduceat(np.logical_or.reduceat(affected, tops, axis=0), lefts, axis=1)
    tall = np.repeat(touched, np.diff(tops, append=height), axis=0)
    whole: BoolArray = np.repeat(tall, np.diff(lefts, append=width), axis=1)
    return whole


def build_quadmask(
    remove: Float32Array,
    affected: Float32Array,
    *,
    is_first_frame: bool,
    snap: bool = True,
    clear_first: bool = True,
    pixel_aspect: float = 1.0,
) -> Uint8Array:
    """Build the quadmask of one frame in the form that the model was trained on.

    Args:
        remove: (H, W) in 0..1 on the picture the model sees.
        affected: (H, W) in 0..1 on the same picture.
        is_first_frame: whether this is the shot's first frame.
        snap: whether affected regions are extended to whole cells of the training grid.
        clear_first: whether the first frame goes without the affected level, as in training.
        pixel_aspect: width of a pixel over its height.

    Returns:
        (H, W) uint8 with the four levels.

    Raises:
        MatteError: when the mattes are not two pictures of one size.
    """
    _check_same_size(remove, affected)
    is_affected = affected > ROLE_THRESHOLD
    if is_first_frame and clear_first:
        is_affected = np.zeros_like(is_affected)
    elif snap:
        is_affected = snap_to_grid(is_affected, pixel_aspect)
    return _levels(remove > ROLE_THRESHOLD, is_affected)


def overlay(picture: Float32Array, quadmask: Uint8Array, opacity: float = 0.5) -> Float32Array:
    """Tint a picture by its quadmask for people to look at: remove red, overlap amber, affected blue.

    Args:
        picture: (H, W, 3) display-referred RGB, 0..1.
        quadmask: (H, W) uint8.
        opacity: opacity of the tint, 0..1.

    Returns:
        A new (H, W, 3) float32; pixels of the level *keep* have the picture's own values.

    Raises:
        MatteError: when the sizes differ.
    """
    if picture.shape[:2] != quadmask.shape:
        raise MatteError(
            f"the quadmask is {_size(quadmask)} but its picture {_size(picture)}; they must have one size"
        )
    tinted = picture.astype(np.float32)
    level = quantise_levels(quadmask)
    for value, colour in _OVERLAY_COLOURS.items():
        here = level == value
        tinted[here] = (1.0 - opacity) * tinted[here] + np.float32(opacity) * np.asarray(colour, np.float32)
    return tinted


def _levels(remove: BoolArray, affected: BoolArray) -> Uint8Array:
    levels = np.full(remove.shape, KEEP, np.uint8)
    levels[affected] = AFFECTED
    levels[remove] = REMOVE
    levels[remove & affected] = OVERLAP
    return levels


def _check_same_size(remove: Float32Array, affected: Float32Array) -> None:
    if remove.ndim != 2 or remove.shape != affected.shape:
        raise MatteError(
            f"the remove matte is {_size(remove)} but the affected matte {_size(affected)}; "
            "render both at the plate's size, one channel each"
        )


def _size(array: NDArray[np.generic]) -> str:
    return "x".join(str(side) for side in array.shape[1::-1] + array.shape[2:])
