"""The frames and the motion of a shot in one object, which every step after the first look works with."""

from __future__ import annotations

from dataclasses import dataclass

from void_engine.engines.interface import Monitor
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack
from void_engine.propagation.working_set import WorkingSet


@dataclass(frozen=True, slots=True)
class ShotMotion:
    """A shot's frames, and their motion relative to each other."""

    working: WorkingSet
    """The frames, at full size and at the analysis size."""
    track: ShotTrack
    """The camera's motion, cuts and mattes of the whole shot."""
    registration: PairRegistration
    """Refines the motion between two frames."""
    monitor: Monitor
    """The monitor of the job, which is often asked whether the work is still wanted."""
