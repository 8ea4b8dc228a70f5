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
        "matte.gap1": 7.2,
        "matte.gap1.near": 4.8,
        "matte.outer1.near": 4.4,
        "matte.gap2.near": 6.8,
        "matte.step1.near": 6.8,
        "matte.step1.rough.near": 2.6,
    },
    "colour": {
        "matte.step2.near": 4.0,
        "matte.step4.near": 6.0,
    },
    "outline": {
        "matte.inner2.near": 5.2,
        "matte.inner4.near": 13.5,
        "change.inner1.near": 7.2,
        "change.inner2.near": 6.4,
        "change.gap1.near": 5.6,
        "change.left_inner1.near": 4.2,
        "change.left_inner2.near": 6.2,
        "change.left_gap2.near": 6.0,
        "change.inner2.run": 4.9,
        "change.inner4.run": 5.7,
    },
    "step": {
        "affected.gap1": 7.2,
        "affected.gap1.near": 4.8,
        "affected.gap2.near": 6.8,
        "affected.step1.near": 6.8,
        "affected.step2.near": 12.0,
    },
    "flicker": {
        "flicker.times.near": 2.3,
        "flicker.times.power": 3.6,
        "flicker.whole": 3.1,
        "flicker.whole.near": 1.75,
        "flicker.whole.power": 1.95,
        "swing.whole.near": 1.5,
        "swing.whole.power": 2.6,
    },
    "jump": {
        "repeat.shown": 0.52,
        "repeat.shown.near": 0.28,
        "repeat.made": 0.56,
        "repeat.made.near": 0.38,
        "pop.high.power": 5.6,
        "pop.share.power": 0.37,
        "jump.share.near": 0.38,
        "odd.far": 0.1,
        "odd.high": 2.0,
        "odd.share": 0.45,
        "odd.high.power": 1.75,
        "odd.share.power": 0.22,
        "odd.mean.power": 1.8,
    },
    "soft": {
        "fine.mean.most": -0.45,
        "fine.mean.least.near": -0.31,
        "fine.strange.least": -3.0,
        "fine.strange.least.near": -2.5,
    },
    "grain": {
        "moving_floor.off.least.near": -1.3,
        "moving.strange.least.near": -2.6,
        "moving.strange.most.near": 4.1,
    },
}
_ONLY_WITH = {"colour": "seam"}
"""Kinds of faults that are told only beside another: in many scenes the sides of a contour differ anyway."""
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
    for flag, other in _ONLY_WITH.items():
        if flag in found:
            found[flag] = min(found[flag], found.get(other, 0.0))
    return found
