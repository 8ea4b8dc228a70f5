"""Grain on what comes from the model, as strong as the plate's and no stronger than what changes with time.

Grain measured on gravel in a single frame would take texture for grain. What repeats in the next frame is
texture, so the difference of two frames along their motion bounds it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.detail.candidates import Place
from void_engine.propagation.finish import grain


def with_grain(
    place: Place,
    flows: Mapping[int, Float32Array],
    result: Float32Array,
    model: Float32Array,
    seed: tuple[int, int],
) -> Float32Array:
    """Give the plate's grain to what comes from the model.

    Args:
        place: the window.
        flows: the answer's own motion; see :meth:`~void_engine.detail.steady.SteadyAnswers.flows`.
        result: (H, W, 3) encoded.
        model: (H, W) in 0..1: how much of a pixel comes from the model.
        seed: the job's and the frame's.
    """
    visible = ~opencv.dilate_by_disc(place.replaced, 2)
    measured = grain.measure(place.plate, visible)
    if measured is None:
        return result
    step = 1 if 1 in flows else -1
    if step in flows:
        difference, both = _change(place, place.number + step, flows[step])
        brightness = np.asarray(place.plate.mean(axis=2), np.float32)
        measured = grain.refined(
            measured, difference, brightness, both & visible, np.ones(visible.shape, np.float32)
        )
    kept = 1.0 - model
    return grain.restore(result, measured, kept, (model > 0.05) & place.replaced, seed)


def _change(place: Place, other: int, flow: Float32Array) -> tuple[Float32Array, BoolArray]:
    """The fine part of what changes from another frame along the motion, and where both show the scene."""
    window, source = place.window, place.source
    down, across = source.canvas.ratio
    large = window.enlarge(flow)
    box = window.plate
    x = np.arange(box.x0, box.x1, dtype=np.float32)[None] + large[..., 0] * np.float32(across)
    y = np.arange(box.y0, box.y1, dtype=np.float32)[:, None] + large[..., 1] * np.float32(down)
    frame = source.plate(other)
    there = opencv.remap(frame.plate, x, y, opencv.CUBIC)
    hidden = opencv.remap(frame.replaced.astype(np.float32), x, y, outside=1.0) > 0
    difference = place.plate - there
    return difference - opencv.gaussian_blur(difference, grain.HIGH_PASS_PX), ~hidden
