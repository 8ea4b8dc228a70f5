"""The limits beyond which a measure is a fault; no other module decides it.

The figures are calibrated by ``tests/bench/check.py`` on real footage, so that of good results hardly one
frame in a hundred is flagged; docs/check.md says what that finds and misses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FLAGS = (
    "invalid",
    "outside",
    "outline",
    "seam",
    "flicker",
    "soft",
    "grain",
    "colour",
    "step",
    "jump",
)
"""All kinds of faults, in the order in which they are told."""
NEARLY = 0.85
"""From this severity on, a frame that has no fault is worth a look."""
MUCH_INVENTED = 0.3
"""From this share of invented pixels on, likewise."""
MOST_SEVERE = 99.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A measure and its limit."""

    flag: str
    measure: str
    limit: float
    """Values beyond it are a fault: above a positive limit, below a negative one."""


_LIMITS: Mapping[str, Mapping[str, float]] = {
    # Names and meaning of the measures: the modules of this folder, and evidence.py for their endings.
    "seam": {
        "matte.gap1": 6.6,
        "matte.gap1.near": 4.0,
        "matte.outer1.near": 3.5,
        "matte.step1.near": 6.0,
        "matte.gap2.near": 5.0,
        "matte.gap1.run": 4.4,
        "matte.gap1.rough.near": 3.2,
        "matte.outer1.rough.near": 2.3,
    },
    "colour": {
        "matte.step2.near": 12.0,
        "matte.step4.near": 22.0,
    },
    "outline": {
        "matte.inner1.near": 3.6,
        "matte.inner2.near": 4.5,
        "change.inner1.near": 5.0,
        "change.inner2.near": 6.0,
        "change.gap1.near": 3.9,
        "change.gap2.near": 8.8,
        "change.left_inner1.near": 3.9,
        "change.left_inner2.near": 5.5,
        "change.left_gap2.near": 5.6,
        "change.inner2.run": 4.2,
        "change.inner4.run": 4.8,
    },
    "step": {
        "affected.gap1": 6.0,
        "affected.gap1.near": 4.2,
        "affected.step1.near": 3.6,
        "affected.step2.near": 5.0,
    },
    "flicker": {
        "flicker.times.power": 2.9,
        "change.times.power": 4.5,
        "flicker.times.near": 2.1,
        "flicker.times": 5.6,
    },
    "jump": {
        "repeat.shown": 0.5,
        "repeat.made": 0.5,
        "pop.high.power": 5.0,
        "pop.mean.power": 3.5,
        "pop.high": 6.5,
        "jump.share.near": 0.35,
        "jump.share.power": 0.35,
        "pop.far.power": 0.26,
    },
    "soft": {
        "fine.mean.most": -0.4,
        "fine.mean.least.near": -0.3,
        "fine.strange.least.near": -1.7,
        "fine.patches.least.near": 0.4,
        "middle.strange.most.near": -1.4,
    },
    "grain": {
        "moving_floor.off.least.near": -0.75,
        "moving.strange.least.near": -2.1,
        "moving.patches.least.near": 0.5,
        "moving.strange.most.near": 3.6,
    },
}
THRESHOLDS = tuple(
    Threshold(flag, measure, limit) for flag, limits in _LIMITS.items() for measure, limit in limits.items()
)


def severities(measures: Mapping[str, float]) -> dict[str, float]:
    """How near each kind of fault is, for the kinds that were measured: 1 is at the limit."""
    found: dict[str, float] = {}
    for one in THRESHOLDS:
        value = measures.get(one.measure)
        if value is not None:
            severity = min(MOST_SEVERE, max(0.0, value / one.limit))
            found[one.flag] = max(found.get(one.flag, 0.0), severity)
    return found
