"""Moves the borders between candidates to where the composed picture, taken together, fits the answer best.

A candidate that is judged alone is judged wrongly near a border, because a model's blur mixes in what lies
beyond it. So the misfit of the whole composition is made smaller, a canvas pixel at a time: what changes in a
pixel, seen through the model's blur, changes the squared misfit by a quadratic that two filters give for all
pixels at once. Pixels that are changed together lie apart, so that they hardly see each other.
"""

from __future__ import annotations

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Int64Array
from void_engine.detail.candidates import Place

_APART = 3
"""How far apart pixels lie that are changed together."""
_SWEEPS = 4
_REACH = 2
"""How far a border may move in a sweep, in canvas pixels."""
_PLATE_GAIN = 0.7
"""How much misfit is accepted where plate comes in from outside in place of the answer."""
_COHERENCE, _COHERENCE_PX = 1.2, 1.2
"""What a pixel pays when all around it take another candidate, and the radius of that."""


def refined(
    place: Place, labels: Int64Array, pictures: Float32Array, costs: Float32Array, own: list[int]
) -> Int64Array:
    """Move the borders of ``labels``.

    Args:
        place: the window.
        labels: (h, w): the candidate of each canvas pixel.
        pictures: (n, h, w, 3) encoded: every candidate, reduced, as it would be put into the plate. The last
            one is the answer itself.
        costs: (n, h, w): what taking a candidate costs beside its misfit.
        own: the candidates that are made of this frame's plate. The first one is the plate as it is, of which
            everything outside consists: it may grow inwards.

    Returns:
        (h, w): the labels, changed nowhere but within ``place.inside``.
    """
    labels = labels.copy()
    current = np.take_along_axis(pictures, labels[None, :, :, None], axis=0)[0]
    sensitivity = _Sensitivity(place)
    rim = own[0]
    count = len(pictures)
    labels[~place.inside] = rim
    # Mattes are drawn wider than what goes, so the plate may come in from outside, but only so far: in a
    # smooth answer some of what goes would fit by chance.
    plate_allowed = _near(~place.inside) | (labels == rim)
    for _ in range(_SWEEPS):
        place.check()
        near = np.stack([_near(labels == label) for label in range(count)]) & place.inside
        near[rim] &= plate_allowed
        near &= near.sum(axis=0) > 1
        shares = np.stack(
            [
                opencv.gaussian_blur((labels == label).astype(np.float32), _COHERENCE_PX)
                for label in range(count)
            ]
        )
        fixed = costs - np.float32(_COHERENCE) * shares
        # The answer always fits. Plate that takes its place must fit too, however fine it is.
        dearer = np.maximum(fixed[own], fixed[-1] - np.float32(_PLATE_GAIN))
        fixed[own] = np.where(labels == count - 1, dearer, fixed[own])
        fixed = np.where(near, fixed, np.float32(np.inf))
        changed = 0
        for phase in range(_APART * _APART):
            cells = (slice(phase // _APART, None, _APART), slice(phase % _APART, None, _APART))
            at = np.asarray(near[(slice(None), *cells)].any(axis=0), np.bool_)
            if not at.any():
                continue
            change = sensitivity.change(current, pictures[(slice(None), *cells)][:, at], cells, at)
            total = change + fixed[(slice(None), *cells)][:, at]
            best = total.argmin(axis=0)
            before = labels[cells][at]
            here = labels[cells]
            here[at] = best
            shown = current[cells]
            shown[at] = pictures[(slice(None), *cells)][:, at][best, np.arange(len(best))]
            changed += int((best != before).sum())
        if not changed:
            break
    return _continued(labels, place.inside)


def _continued(labels: Int64Array, inside: BoolArray) -> Int64Array:
    """The labels, those outside taken from the nearest pixel inside: the matte ends there, not a label."""
    if not inside.any():
        return labels
    nearest = opencv.nearest_labels(inside)
    table = np.zeros(int(nearest.max()) + 1, np.int64)
    table[nearest[inside]] = labels[inside]
    return np.asarray(table[nearest], np.int64)


def _near(where: BoolArray) -> BoolArray:
    return opencv.dilate(where, opencv.square(2 * _REACH + 1))


class _Sensitivity:
    """How the squared misfit changes when one canvas pixel does."""

    def __init__(self, place: Place) -> None:
        self._place = place
        calibration = place.calibration
        # A filter is a correlation, so what a pixel does to its neighbours is the turned kernel.
        self._luma = np.ascontiguousarray(calibration.luma[::-1, ::-1])
        self._chroma = np.ascontiguousarray(calibration.chroma[::-1, ::-1])
        self._weight = (1.0 / place.steady.variance).astype(np.float32)
        self._luma_square = _filtered(self._weight, np.square(self._luma))
        self._chroma_square = _filtered(self._weight, np.square(self._chroma))

    def change(
        self,
        current: Float32Array,
        pictures: Float32Array,
        cells: tuple[slice, slice],
        at: BoolArray,
    ) -> Float32Array:
        """The growth (n, m) of the misfit for ``pictures`` (n, m, 3) in pixels ``at`` of ``cells``."""
        error = self._place.steady.picture - self._place.calibration.degrade(current)
        error *= self._weight[:, :, None]
        grey = error.mean(axis=2)
        pull = _filtered(np.ascontiguousarray(grey), self._luma)[cells][at]
        colour_pull = _filtered(error - grey[:, :, None], self._chroma)[cells][at]
        step = pictures - current[cells][at]
        step_grey = step.mean(axis=2)
        step_colour = step - step_grey[:, :, None]
        growth = np.square(step_grey) * self._luma_square[cells][at] - 2 * step_grey * pull
        colour = np.square(step_colour).sum(axis=2) * self._chroma_square[cells][at]
        colour -= 2 * (step_colour * colour_pull).sum(axis=2)
        return np.asarray(growth + colour / 3, np.float32)


def _filtered(picture: Float32Array, kernel: Float32Array) -> Float32Array:
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.float32)
