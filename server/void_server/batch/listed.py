"""What a list of shots gave: the jobs, the shots that cannot become one, and what was passed over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from void_engine.plates.sequence.pattern import FramePattern
from void_protocol.job import RemovalJob
from void_server.batch.errors import ManifestError


@dataclass(frozen=True)
class BadShot:
    """A shot of a list that cannot become a job. It is its own failure, and stops no other shot."""

    name: str
    error: Exception


@dataclass
class Listed:
    """The shots of some lists, in their order."""

    shots: list[RemovalJob | BadShot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was passed over, and why, one line each."""

    @property
    def jobs(self) -> list[RemovalJob]:
        """The shots that are jobs."""
        return [shot for shot in self.shots if isinstance(shot, RemovalJob)]

    @property
    def bad(self) -> list[BadShot]:
        """The shots that are not."""
        return [shot for shot in self.shots if isinstance(shot, BadShot)]

    def add(self, other: Listed) -> None:
        """Append what another list gave."""
        self.shots += other.shots
        self.notes += other.notes


def once_each(shots: Iterable[RemovalJob | BadShot]) -> list[RemovalJob | BadShot]:
    """Leave out a job that was given before, and refuse two jobs that would write the same files.

    Raises:
        ManifestError: when two different jobs write a frame under the same name; it names both.
    """
    writers = Writers()
    return [shot for shot in shots if isinstance(shot, BadShot) or writers.add(shot, shot.shot.name)]


class Writers:
    """The jobs of a list, by the names of the files that they write."""

    def __init__(self) -> None:
        self._by_files: dict[str, list[tuple[RemovalJob, str]]] = {}

    def add(self, job: RemovalJob, name: str) -> bool:
        """Add a job, which errors call ``name``; return whether it is new.

        Raises:
            ManifestError: when another job writes a frame under the same name; it names both.
        """
        pattern = job.output.versioned_pattern
        others = self._by_files.setdefault(_same_files(pattern), [])
        for other, its_name in others:
            if job == other:
                return False
            if _overlap(job, other):
                raise ManifestError(
                    f"{name} and {its_name} both write {pattern}; give one of them another output or version"
                )
        others.append((job, name))
        return True


def _same_files(pattern: str) -> str:
    """A text that two patterns share when they name the same files, however their frame is written."""
    return os.path.normcase(os.path.normpath(FramePattern.parse(pattern).path(1)))


def _overlap(one: RemovalJob, other: RemovalJob) -> bool:
    return one.shot.first_frame <= other.shot.last_frame and other.shot.first_frame <= one.shot.last_frame
