"""Tells the kinds of effects apart: shadow, reflection, a thing that was moved, a thing that is carried."""

from __future__ import annotations

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.effects.evidence import Evidence
from void_engine.effects.object_frame import Attached
from void_engine.effects.proposal import Kind
from void_engine.geometry import Box

_DARKER = 0.4
"""A change that is darkening for so much of its size, on average, is a shadow's."""
_ANOTHER_TEXTURE = 0.5
"""Where so much of the change is another texture, something else is seen there."""
_STEPPED = 0.3


def kinds(region: BoolArray, evidence: Evidence, before: Attached, after: Attached) -> Uint8Array:
    """The kind of each pixel of the regions (h, w) of one frame; each connected region has one kind."""
    found = np.zeros(region.shape, np.uint8)
    whole = Box.from_shape(region.shape)
    labels, boxes = opencv.connected_components(region)
    for label, box in enumerate(boxes, start=1):
        cut = box.slices(whole)
        inside = labels[cut] == label
        found[cut][inside] = _kind(inside, evidence, before, after, cut)
    return found


def _kind(
    inside: BoolArray, evidence: Evidence, before: Attached, after: Attached, cut: tuple[slice, slice]
) -> Kind:
    def mean(values: Float32Array) -> float:
        return float(values[cut][inside].mean())

    amount = mean(evidence.amount) + 1e-3
    darker = -mean(evidence.change.mean(axis=-1)) / amount
    texture = mean(evidence.texture)
    along = (
        mean(before.strength * np.minimum(before.support, 1)),
        mean(after.strength * np.minimum(after.support, 1)),
    )
    if mean(evidence.step) > max(_STEPPED, *along):
        return Kind.MOVED
    if darker > _DARKER and texture < _ANOTHER_TEXTURE:
        return Kind.SHADOW
    # What has been beside the object all the time is an image of it; a thing joined it at some time.
    if amount > 0.08 and abs(along[0] - along[1]) > 0.25 and texture > 0.2:
        return Kind.CARRIED
    return Kind.SHADOW if darker > _DARKER else Kind.REFLECTION
