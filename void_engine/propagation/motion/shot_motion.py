"""What every step after the first look at a shot works with."""

from __future__ import annotations

from dataclasses import dataclass

from void_engine.engines.interface import Monitor
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.working_set import WorkingSet


@dataclass(frozen=True, slots=True)
class ShotMotion:
    """A shot's frames, and how they move against each other."""

    working: WorkingSet
    """Its frames, at full size and for measuring."""
    track: ShotTrack
    """The camera's motion, cuts and mattes of the whole shot."""
    registration: PairRegistration
    """Refines the motion between two frames."""
    monitor: Monitor
    """Asked often whether the work is still wanted."""
