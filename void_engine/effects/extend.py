"""Extends what evidence shows to what VOID needs to be told: the touched thing whole, and where it would be.

VOID's grey is counterfactual space: where a thing would stand, fall or roll on if the object were not there,
not only what differs visibly. Each function takes masks (T, H, W) of one thing and gives new ones; the grid
of the quadmask comes last and elsewhere.
"""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array, Uint8Array
from void_engine.colour import srgb

_ITERATIONS = 3
_REACH = 1.0
"""How far around what is known of a thing its rest may lie, in the size of the known part."""
_LEAST_SEED = 12
"""Fewer pixels tell no colours."""
_LIKE = 0.08
"""Colours this near those of the known part, and twice their spread, begin as the thing's; display values."""
_SUPPORT_STRENGTH = 0.5
"""A horizontal edge this strong, of the strongest below the thing, supports it."""
_STEADY_FRAMES = 6
"""The speed of a thing is taken from this many frames."""


def whole_thing(plate: Float32Array, mask: BoolArray, keep_out: BoolArray) -> BoolArray:
    """The whole of the thing of which ``mask`` shows a part, found by its colours (GrabCut, Rother 2004).

    Args:
        plate: (T, H, W, 3) scene-linear.
        mask: (T, H, W): the part that is known.
        keep_out: (T, H, W): the object itself, which is never part of the answer.

    Returns:
        (T, H, W), at least ``mask``.
    """
    found = mask.copy()
    for t, seed in enumerate(mask):
        if seed.sum() < _LEAST_SEED:
            continue
        rows, columns = np.nonzero(seed)
        reach = max(8, int(_REACH * max(np.ptp(rows), np.ptp(columns))))
        cut = np.s_[
            max(0, rows.min() - 2 * reach) : rows.max() + 2 * reach,
            max(0, columns.min() - 2 * reach) : columns.max() + 2 * reach,
        ]
        near = opencv.dilate_by_disc(seed[cut], reach) & ~keep_out[t][cut]
        labels = np.full(near.shape, cv2.GC_BGD, np.uint8)
        labels[near] = cv2.GC_PR_BGD
        labels[seed[cut]] = cv2.GC_FGD
        if not (labels == cv2.GC_BGD).any() or not near.any():
            continue
        shown = srgb.encode(np.clip(np.nan_to_num(plate[t][cut]), 0, 1))
        picture = np.ascontiguousarray(np.round(shown * 255), np.uint8)
        known = shown[seed[cut]]
        tolerance = _LIKE + 2 * known.std(axis=0)
        alike = (np.abs(shown - np.median(known, axis=0)) < tolerance).all(axis=2)
        labels[near & alike & ~seed[cut]] = cv2.GC_PR_FGD
        models = np.zeros((1, 65), np.float64), np.zeros((1, 65), np.float64)
        cv2.setRNGSeed(1)
        cv2.grabCut(picture, labels, (0, 0, 0, 0), *models, _ITERATIONS, cv2.GC_INIT_WITH_MASK)
        thing = _touching((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), seed[cut])
        found[t][cut] |= thing & near
    return found


def _touching(mask: BoolArray, seed: BoolArray) -> BoolArray:
    """The components of ``mask`` that touch ``seed``."""
    labels, _ = opencv.connected_components(mask)
    wanted = np.unique(labels[seed & mask])
    return np.asarray(np.isin(labels, wanted[wanted > 0]), bool)


def where_it_would_stand(mask: BoolArray, camera: Float64Array, since: int) -> BoolArray:
    """The place of a thing at the frame ``since``, the last before it was touched, kept from there on.

    Args:
        mask: (T, H, W): the thing, at least at ``since``.
        camera: (T, 3, 3): homographies from the pixels of the first frame to those of each.
        since: the frame's index.
    """
    found = mask.copy()
    shape = mask.shape[1:]
    stood = mask[since].astype(np.uint8) * np.uint8(255)
    for t in range(since, len(mask)):
        back = camera[since] @ np.linalg.inv(camera[t])
        found[t] |= opencv.warp_perspective(stood, back / back[2, 2], shape, 0.0) > 127
    return found


def down_to_the_next_support(plate: Float32Array, mask: BoolArray) -> BoolArray:
    """The thing, and the way down from it to what would stop its fall: the next strong horizontal edge.

    Where there is none, it is the lower edge of the picture.

    Args:
        plate: (T, H, W, 3) scene-linear.
        mask: (T, H, W): the thing, which something holds up.
    """
    found = mask.copy()
    for t, thing in enumerate(mask):
        rows, columns = np.nonzero(thing)
        if not len(rows):
            continue
        low, left, right = int(rows.max()), int(columns.min()), int(columns.max()) + 1
        tall = low - int(rows.min()) + 1
        support = _support(plate[t], low, left, right)
        for down in range(0, max(0, support - low) + 1, max(1, tall // 4)):
            fallen = np.zeros_like(thing)
            if down < thing.shape[0]:
                fallen[down:] = thing[: thing.shape[0] - down]
            found[t] |= fallen
        found[t, support + 1 :, left:right] &= thing[support + 1 :, left:right]
    return found


def _support(picture: Float32Array, low: int, left: int, right: int) -> int:
    """The row of the first strong horizontal edge below the row ``low``, between two columns."""
    rows = len(picture)
    below = srgb.encode(np.clip(np.nan_to_num(picture[low:, left:right]), 0, 1)).mean(axis=(1, 2))
    if len(below) < 6:
        return rows - 1
    edges = np.abs(np.diff(np.convolve(below, np.ones(3) / 3, "valid")))
    # Right below the thing its own lower edge and its shadow are no support.
    skip = 3
    if len(edges) <= skip or edges[skip:].max() < 0.01:
        return rows - 1
    strong = np.nonzero(edges[skip:] >= _SUPPORT_STRENGTH * edges[skip:].max())[0]
    return min(rows - 1, low + skip + int(strong[0]) + 2)


def its_path_on(mask: BoolArray, camera: Float64Array, since: int) -> BoolArray:
    """The path of a thing from the frame ``since`` on, if it kept the speed that it had until then.

    Args:
        mask: (T, H, W): the thing, at least in a few frames up to ``since``.
        camera: (T, 3, 3): homographies from the pixels of the first frame to those of each.
        since: the index of the last frame in which the object had not yet changed its way.

    Returns:
        (T, H, W): ``mask``, and in every later frame the thing where it would be.
    """
    found = mask.copy()
    places, times = [], []
    for t in range(max(0, since - _STEADY_FRAMES), since + 1):
        rows, columns = np.nonzero(mask[t])
        if len(rows):
            there = np.linalg.inv(camera[t]) @ np.array([columns.mean(), rows.mean(), 1.0])
            places.append(there[:2] / there[2])
            times.append(t)
    if len(places) < 2 or not mask[since].any():
        return found
    speed = np.polyfit(times, np.array(places), 1)[0]
    thing: Uint8Array = mask[since].astype(np.uint8) * np.uint8(255)
    for t in range(since + 1, len(mask)):
        move = np.eye(3)
        move[:2, 2] = speed * (t - since)
        there = camera[since] @ np.linalg.inv(camera[t] @ move)
        found[t] |= opencv.warp_perspective(thing, there / there[2, 2], mask.shape[1:], 0.0) > 127
    return found
