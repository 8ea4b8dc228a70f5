"""The verdict on one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from void_engine.quality.checks import OutsideCheck
from void_engine.quality.thresholds import MOST_SEVERE, MUCH_INVENTED, NEARLY, severities

Status = Literal["green", "amber", "red"]
"""Nothing was found; worth a look; at fault."""


@dataclass(frozen=True)
class FrameVerdict:
    """What is to be said of one frame of a result."""

    frame: int
    """The frame's number; in memory they count from 0."""
    flags: frozenset[str]
    """What is wrong with it, of :data:`~void_engine.quality.thresholds.FLAGS`."""
    severity: Mapping[str, float]
    """For each kind of fault that could be measured how near it is: 1 is at the threshold."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """The measures themselves. The modules of this package say what they are."""
    invented: float | None = None
    """Which share of what was replaced no frame shows, 0..1; None where no confidence is given."""
    outside: OutsideCheck = field(default_factory=OutsideCheck)

    @property
    def status(self) -> Status:
        """``red`` with a fault, ``amber`` when one is near or much of the frame is invented."""
        if self.flags:
            return "red"
        nearest = max(self.severity.values(), default=0.0)
        return "amber" if nearest >= NEARLY or (self.invented or 0.0) >= MUCH_INVENTED else "green"


def verdict_of(
    frame: int,
    measures: Mapping[str, float],
    outside: OutsideCheck,
    invalid: int,
    invented: float | None,
) -> FrameVerdict:
    """Decide on a frame.

    Args:
        frame: its number.
        measures: what :func:`void_engine.quality.evidence.evidence` says of it; empty where nothing was
            replaced.
        outside: what was touched outside the matte.
        invalid: how many replaced pixels are no light.
        invented: the share of what was invented, where that is known.
    """
    severity = severities(measures)
    if invalid:
        # What is measured around broken pixels says nothing.
        severity = dict.fromkeys(severity, 0.0)
    severity["outside"] = MOST_SEVERE if outside.count else 0.0
    severity["invalid"] = MOST_SEVERE if invalid else 0.0
    told = dict(measures)
    told["invalid.pixels"], told["outside.pixels"] = float(invalid), float(outside.count)
    flags = frozenset(flag for flag, value in severity.items() if value > 1.0)
    return FrameVerdict(frame, flags, severity, told, invented, outside)
