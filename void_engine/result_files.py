"""The files of a result on the disk: which an earlier run has made, and which are still to be made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from void_engine.errors import OutputExistsError
from void_engine.made_from import InputFiles, MadeFrom, is_empty, is_whole, maker_of
from void_engine.plates.sequence.pattern import FramePattern, compact_frames
from void_engine.plates.storage.waiting import NO_PATIENCE, Patience
from void_engine.removal_monitor import RemovalMonitor


@dataclass(frozen=True)
class FramesToMake:
    """Which frames of a result are still to be made, and which of their files may be replaced."""

    numbers: frozenset[int]
    replaced: frozenset[Path] = frozenset()
    """Files of this job that were made from other content. Each is replaced when the new one is whole."""


@dataclass(frozen=True)
class ResultFiles:
    """The files of one job's result."""

    pattern: FramePattern
    job_id: str
    fingerprint: str
    resume: bool
    """Whether whole frames of an earlier run of the same job are kept."""
    every_pixel: bool = False
    """Whether the pixels of such frames are decoded before they are kept."""
    patience: Patience = NO_PATIENCE

    def made_from(self, inputs: InputFiles) -> MadeFrom:
        """Return what the frames that are made now carry.

        Raises:
            PlateError: when a file cannot be read.
            RemovalCancelled: when the monitor of ``inputs`` asks for a stop.
        """
        return MadeFrom(self.job_id, self.fingerprint, inputs.content())

    def frames_to_make(
        self, numbers: Iterable[int], inputs: InputFiles, monitor: RemovalMonitor
    ) -> FramesToMake:
        """Find the frames among ``numbers`` that are not on disk yet, or were made from other content.

        A frame of this job is kept when it is whole and the plates, mattes and anchors have the content that
        it was made from. The monitor is told of each kept frame.

        Raises:
            OutputExistsError: for frames on disk that another job made, or when nothing is to be kept.
            PlateError: when a file cannot be read.
        """
        numbers = list(numbers)
        kept: list[int] = []
        stale: list[int] = []
        foreign: list[Path] = []
        for number in numbers:
            path = self.pattern.path(number)
            if not path.exists():
                continue
            maker = self.patience.insist(partial(maker_of, path, number)) if self.resume else None
            if self.resume and is_empty(path):
                self._discard(path, number, monitor)
            elif maker is None or not maker.is_of(self.job_id, self.fingerprint):
                foreign.append(path)
            elif maker.inputs != inputs.content():
                stale.append(number)
            elif self.patience.insist(partial(is_whole, path, number, every_pixel=self.every_pixel)):
                kept.append(number)
                monitor.frame_done(number, path)
            else:
                self._discard(path, number, monitor)
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise OutputExistsError(
                f"{foreign[0]}{more} exist already, made otherwise, and are never overwritten; "
                "choose the next output version"
            )
        if stale:
            monitor.log(
                f"frames {compact_frames(stale)} were made from a plate, matte or anchor that has changed "
                "since, and are made again"
            )
        if kept:
            monitor.log(f"{len(kept)} of {len(numbers)} frames are already there and kept")
        replaced = frozenset(self.pattern.path(number) for number in stale)
        return FramesToMake(frozenset(numbers) - frozenset(kept), replaced)

    def _discard(self, path: Path, number: int, monitor: RemovalMonitor) -> None:
        path.unlink()
        monitor.log(f"frame {number} of an earlier run is damaged and made again")
