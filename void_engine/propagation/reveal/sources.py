"""Sources: the frames that a frame's hidden pixels are taken from, as far as they are registered to it."""

from __future__ import annotations

from dataclasses import dataclass

from void_engine.arrays import BoolArray, Float32Array, Uint8Array
from void_engine.geometry import Box
from void_engine.propagation.motion.flow import FlowView, Measured
from void_engine.propagation.motion.homography import Homography
from void_engine.propagation.reveal import gain_match, warp
from void_engine.propagation.working_set import AnalysisFrame, FullFrame

_NEARNESS_FRAMES = 10.0
"""Distance in time at which a source counts half."""


@dataclass(frozen=True, slots=True)
class Source:
    """A frame to take pixels from: one of the shot, or a key frame that was completed earlier."""

    full: FullFrame
    analysis: AnalysisFrame
    guess: Homography
    """The chained homography from the target's analysis pixels to this frame's."""


@dataclass(frozen=True, slots=True)
class HoleSurround:
    """The surroundings of a target's hole, on a box of analysis pixels."""

    box: Box
    gray: Uint8Array
    encoded: Float32Array
    """(h, w, 3): the plate in the encoding."""
    hole: BoolArray
    ring: Float32Array
    """(h, w) in 0..1: nearness to the hole, 0 inside it."""


@dataclass(frozen=True, slots=True)
class MeasuredSource:
    """A source warped to a target by its homography, and the residual motion that is left."""

    source: Source
    view: FlowView
    """The source, warped by the homography from the target to it."""
    measured: Measured
    """The residual motion; its confidence tells where both may be compared."""


@dataclass(frozen=True, slots=True)
class RegisteredSource:
    """A source registered and matched to a target, with measures of how far to trust it."""

    source: Source
    motion: warp.Warp
    """The motion from the target's pixels to the source's."""
    gain: gain_match.GainMatch
    """The correction that brings the source's pixels to the target's exposure."""
    quality: float
    """How far to trust this source when its error beside the hole cannot be measured."""
    blur: float
    """Expected squared error, encoded, from motion that is predicted inside the hole."""
    local: Float32Array
    """(h, w) in 0..1 on the analysis box: how well the source fits in each place."""
    trial: warp.Warp
    """The motion as it would be if the hole were larger: predicted beside the hole too."""


def temporal_weight(number: int, target: int) -> float:
    """The weight of a source frame for its nearness to ``target`` in time, at most 1."""
    return 1.0 / (1.0 + abs(number - target) / _NEARNESS_FRAMES)
