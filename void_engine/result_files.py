"""The files of a result on the disk: which an earlier run has made, and which are still to be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from void_engine.errors import OutputExistsError
from void_engine.made_from import InputFiles, MadeFrom, is_empty, is_proxy_of, is_whole, metadata_of
from void_engine.plates.sequence.pattern import FramePattern, compact_frames
from void_engine.plates.storage.waiting import NO_PATIENCE, Patience
from void_engine.removal_monitor import RemovalMonitor


@dataclass(frozen=True)
class FramesToMake:
    """Which frames of a result are still to be made, and which of their files may be replaced."""

    numbers: frozenset[int]
    replaced: frozenset[Path] = frozenset()
    """Files that were made from other content, are damaged, are proxies of what is made now, or may be
    overwritten. Each is replaced when the new one is whole."""


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
    overwrite: bool = False
    """Whether frames that another job made may be replaced."""
    about: Mapping[str, str | int | float] = field(default_factory=dict)
    """The metadata of the result's frames, by which its proxies are known."""

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
        it was made from. The monitor is told of each kept frame. No file is deleted: one that is damaged is
        replaced when the new one is whole, and so is a proxy of the same version, which the final replaces.

        Raises:
            OutputExistsError: for other frames on disk that another job made, unless they may be overwritten,
                or when nothing is to be kept.
            PlateError: when a file cannot be read.
        """
        numbers = list(numbers)
        kept: list[int] = []
        replaced: dict[str, list[int]] = {"stale": [], "damaged": [], "proxies": [], "foreign": []}
        for number in numbers:
            path = self.pattern.path(number)
            if not path.exists():
                continue
            what = self._what_is_there(path, number, inputs)
            if what == "damaged" and self.every_pixel:
                # Whoever comes next may look less closely, and would take the frame for whole.
                aside = path.with_name(f"{path.name}.damaged")
                path.replace(aside)
                monitor.log(f"frame {number} of an earlier run is damaged and made again; it is now {aside}")
            elif what:
                replaced[what].append(number)
            else:
                kept.append(number)
                monitor.frame_done(number, path)
        foreign = [self.pattern.path(number) for number in replaced["foreign"]]
        if foreign and not self.overwrite:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise OutputExistsError(
                f"{foreign[0]}{more} exist already, made otherwise, and are never overwritten; "
                "choose the next output version"
            )
        for what, found in replaced.items():
            if found:
                monitor.log(f"frames {compact_frames(found)} {_WHY_REPLACED[what]}")
        if kept:
            monitor.log(f"{len(kept)} of {len(numbers)} frames are already there and kept")
        every = (self.pattern.path(number) for found in replaced.values() for number in found)
        return FramesToMake(frozenset(numbers) - frozenset(kept), frozenset(every))

    def _what_is_there(self, path: Path, number: int, inputs: InputFiles) -> str:
        """Say what a file under the name of a frame is: a key of :data:`_WHY_REPLACED`; empty for a frame
        that is kept."""
        if self.resume and is_empty(path):
            return "damaged"
        found = self.patience.insist(partial(metadata_of, path, number))
        if found is None:
            return "foreign"
        maker = MadeFrom.of(found)
        if not self.resume or not maker.is_of(self.job_id, self.fingerprint):
            return "proxies" if is_proxy_of(found, self.about) else "foreign"
        if maker.inputs != inputs.content():
            return "stale"
        if not self.patience.insist(partial(is_whole, path, number, every_pixel=self.every_pixel)):
            return "damaged"
        return ""


_WHY_REPLACED = {
    "stale": "were made from a plate, matte or anchor that has changed since, and are made again",
    "damaged": "of an earlier run are damaged, and are made again; each stays until the new one is whole",
    "proxies": "are proxies of this version, and the final takes their place",
    "foreign": "were made otherwise, and are overwritten as asked",
}
"""What is told of the frames that are replaced."""
