"""The limits beyond which a measure is a fault; no other module decides it.

The figures are calibrated by ``tests/bench/check.py`` on real footage, so that of good results two frames
in a hundred are flagged; docs/check.md says what that finds and misses.
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
        "matte.gap1.near": 4.25,
        "matte.outer1.near": 2.8,
        "matte.gap2.near": 5.4,
        "matte.step1.near": 5.3,
        "matte.step1.rough.near": 2.45,
    },
    "colour": {
        "matte.step2.near": 4.0,
        "matte.step4.near": 6.0,
        "drift.near": 3.1,
    },
    "outline": {
        "matte.inner2.near": 6.9,
        "matte.inner4.near": 13.5,
        "change.inner1.near": 4.2,
        "change.inner2.near": 7.4,
        "change.gap1.near": 4.5,
        "change.left_inner1.near": 2.7,
        "change.left_inner2.near": 6.4,
        "change.left_gap2.near": 6.7,
        "change.gap4.near": 12.0,
        "change.gap2.run.near": 2.9,
        "change.gap4.run.near": 3.7,
        "change.inner2.run.near": 3.0,
        "change.inner4.run.near": 4.2,
    },
    "step": {
        "affected.gap1": 7.2,
        "affected.gap1.near": 4.8,
        "affected.gap2.near": 8.0,
        "affected.step1.near": 6.8,
        "affected.step2.near": 12.0,
    },
    "flicker": {
        "flicker.times.near": 2.3,
        "flicker.times.power": 3.2,
        "flicker.whole": 4.0,
        "flicker.whole.near": 1.75,
        "flicker.whole.power": 2.5,
        # A face that speaks is below this limit.
        "swing.whole.near": 2.2,
        "swing.whole.power": 2.6,
    },
    "jump": {
        "repeat.shown": 0.52,
        "repeat.shown.near": 0.28,
        "repeat.made": 0.35,
        "repeat.made.near": 0.25,
        "rim.outer": 0.12,
        "rim.outer.near": 0.05,
        "rim.inner": 0.5,
        "rim.inner.near": 0.35,
        "pop.high.power": 6.1,
        "pop.share.power": 0.36,
        "jump.share.near": 0.45,
        "odd.far": 0.14,
        "odd.high": 2.5,
        "odd.share": 0.45,
        "odd.high.power": 1.5,
        "odd.share.power": 0.21,
        "odd.mean.power": 1.35,
    },
    "soft": {
        "fine.mean.most": -0.45,
        "fine.mean.least.near": -0.62,
        # Where one channel alone is smoother, it is a coloured light more often than a fault.
        "fine.strange.most.near": -1.8,
        "fine.strange.least": -4.2,
        "fine.strange.least.near": -3.7,
    },
    "grain": {
        "moving_floor.off.least.near": -1.3,
        "moving.strange.least.near": -2.6,
        "moving.strange.most.near": 3.7,
    },
}
_ONLY_WITH = {"matte.step2.near": "seam", "matte.step4.near": "seam"}
"""Measures that count only beside another kind of fault: in many scenes the sides of a contour differ
anyway."""
THRESHOLDS = tuple(
    Threshold(flag, measure, limit) for flag, limits in _LIMITS.items() for measure, limit in limits.items()
)


def severities(measures: Mapping[str, float]) -> dict[str, float]:
    """How near each kind of fault is, for the kinds that were measured: 1 is at the limit."""
    found: dict[str, float] = {}
    # Those that count only beside another kind come when that is known.
    for one in sorted(THRESHOLDS, key=lambda one: one.measure in _ONLY_WITH):
        value = measures.get(one.measure)
        if value is not None:
            severity = min(MOST_SEVERE, max(0.0, value / one.limit))
            beside = _ONLY_WITH.get(one.measure)
            if beside is not None:
                severity = min(severity, found.get(beside, 0.0))
            found[one.flag] = max(found.get(one.flag, 0.0), severity)
    return found
