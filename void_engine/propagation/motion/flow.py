"""Optical flow: the dense residual motion that a homography leaves over, with a confidence for each pixel."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.geometry import Box
from void_engine.propagation.motion.homography import Homography, from_box
from void_engine.propagation.working_set import AnalysisFrame

_FORWARD_BACKWARD_PX = 0.8
"""Disagreement of forward and backward flow at which confidence falls by the factor e."""
_NOISE_STEPS = 2.0
"""A misfit this small, in 8-bit steps, is noise and neither proves nor disproves a flow."""
LEAST_SIDE = 16
"""The least side of a picture in which flow can be measured."""


@dataclass(frozen=True, slots=True)
class FlowView:
    """A source frame warped by a homography onto a box of the target's analysis pixels."""

    homography: Homography
    gray: Uint8Array
    visible: BoolArray
    """(h, w): where the source shows background, inside its picture and not hidden there."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured residual motion between a target and a view. All arrays cover the target's box."""

    flow: Float32Array
    """(h, w, 2): the target's pixel x shows what the view shows at x + flow."""
    confidence: Float32Array
    """(h, w) in 0..1; 0 where either side is hidden."""
    misfit: Float32Array
    """(h, w): local mean difference, in 8-bit steps, that remains under the flow."""


def view_through(source: AnalysisFrame, homography: Homography, box: Box) -> FlowView:
    """Warp ``source`` by ``homography`` (target to source) onto the target's ``box`` of analysis pixels."""
    moved = from_box(homography, box)
    gray = opencv.warp_perspective(source.gray, moved, box.shape)
    blocked = opencv.warp_perspective(source.hidden.astype(np.uint8) * np.uint8(255), moved, box.shape, 255.0)
    return FlowView(homography, np.ascontiguousarray(gray), blocked < 8)


class FlowMeter:
    """Measures Dense Inverse Search flow (Kroeger et al., ECCV 2016) on filled, normalised 8-bit pictures."""

    def raw(self, first: Uint8Array, second: Uint8Array) -> Float32Array:
        """The flow from ``first`` to ``second``, (h, w, 2) pixels; zeros for pictures that are too small."""
        if min(first.shape) < LEAST_SIDE:
            return np.zeros((*first.shape, 2), np.float32)
        start = np.zeros((*first.shape, 2), np.float32)
        # A fresh object is made each time, because it keeps buffers whose borders leak from one call into the
        # next, and a frame's flow would depend on what was measured before it.
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        flow = np.asarray(
            dis.calc(np.ascontiguousarray(first), np.ascontiguousarray(second), start), np.float32
        )
        if not np.isfinite(flow).all():
            flow = np.nan_to_num(flow, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(flow, np.float32)

    def measure(self, target: Uint8Array, shown: BoolArray, view: FlowView) -> Measured:
        """Measure the motion from ``target`` (visible where ``shown``) to ``view``, and keep what helps.

        Confidence falls with the disagreement of forward and backward flow and with the misfit that is left.
        Where the flow does not lower the local misfit it is drawn towards zero, so that noise does not
        disturb what the homography already explains.
        """
        forward = self.raw(target, view.gray)
        backward = self.raw(view.gray, target)
        x, y = grid(target.shape)
        forward_x, forward_y = cv2.split(forward)
        map_x, map_y = x + forward_x, y + forward_y
        returned_x, returned_y = cv2.split(opencv.remap(backward, map_x, map_y))
        disagreement = np.square(forward_x + returned_x) + np.square(forward_y + returned_y)
        blocked = opencv.remap((~view.visible).astype(np.float32), map_x, map_y, outside=1.0)
        moved = opencv.remap(view.gray, map_x, map_y)
        both, shared = shown & (blocked < 0.02), shown & view.visible
        misfit = local_misfit(target, moved, both)
        still = local_misfit(target, view.gray, shared)
        # This gate passes the full flow where it clearly explains more than no flow, and none elsewhere.
        helps = np.clip((still - misfit) / (np.float32(0.15) * still + np.float32(0.35)), 0.0, 1.0)
        helps = np.where(shared, helps, np.float32(1.0)).astype(np.float32, copy=False)
        helps = opencv.box_blur(helps, 9)
        confidence = np.exp(-disagreement / _FORWARD_BACKWARD_PX**2) / (
            1.0 + np.square(misfit / (3.0 * _NOISE_STEPS))
        )
        confidence = np.where(both, confidence, 0.0).astype(np.float32)
        gated = opencv.merge([forward_x * helps, forward_y * helps])
        misfit = np.where(shared, np.minimum(misfit, still), misfit)
        return Measured(gated, confidence, misfit.astype(np.float32))


def unmoved(target: Uint8Array, shown: BoolArray, view: FlowView) -> Measured:
    """What :meth:`FlowMeter.measure` would tell of a view that needs no further motion."""
    both = shown & view.visible
    misfit = local_misfit(target, view.gray, both)
    confidence = both / (1.0 + np.square(misfit / np.float32(3.0 * _NOISE_STEPS)))
    return Measured(np.zeros((*target.shape, 2), np.float32), confidence.astype(np.float32), misfit)


@functools.lru_cache(maxsize=4)
def grid(shape: tuple[int, ...]) -> tuple[Float32Array, Float32Array]:
    """The x and y of every pixel centre, each (h, w). The arrays are shared and must not be written to."""
    rows, columns = shape[:2]
    x = np.ascontiguousarray(np.broadcast_to(np.arange(columns, dtype=np.float32), (rows, columns)))
    y = np.ascontiguousarray(np.broadcast_to(np.arange(rows, dtype=np.float32)[:, None], (rows, columns)))
    x.setflags(write=False)
    y.setflags(write=False)
    return x, y


def local_misfit(first: Uint8Array, second: Uint8Array, both: BoolArray) -> Float32Array:
    """The mean absolute difference around each pixel, (h, w), without its low frequencies (light changes)."""
    weight = both.astype(np.float32)
    difference = (first.astype(np.float32) - second) * weight
    # Box means suffice: Gaussians would cost many times more and judge no better.
    slow = opencv.box_blur(difference, 31) / np.maximum(opencv.box_blur(weight, 31), np.float32(1e-3))
    left = opencv.box_blur(np.abs(difference - slow) * weight, 7)
    return np.asarray(left / np.maximum(opencv.box_blur(weight, 7), np.float32(1e-2)), np.float32)
