"""What decides one removal, in the engine's own types: plates, mattes, engine, look and result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from void_engine.engines.interface import EngineRequest, Monitor
from void_engine.errors import PlateError
from void_engine.geometry import Box
from void_engine.made_from import InputFiles
from void_engine.mattes import ShotMattes
from void_engine.plates.frame.picture import NO_VIEW, PlatePicture, resolve_picture
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.sequence import PlateSequence
from void_engine.region import RegionMode
from void_engine.result_files import ResultFiles
from void_engine.shot import AnchorFrames, ReplacementLook


@dataclass(frozen=True)
class OutputRequest:
    """The files of the result: where they go, how they are compressed and which layers they have."""

    pattern: FramePattern
    compression: str = "zip"
    layers: frozenset[str] = frozenset({"clean", "matte"})
    """The extra layers to write: any of ``clean``, ``matte``, ``confidence`` and ``quadmask``."""
    metadata: Mapping[str, str | int | float] | None = None


@dataclass(frozen=True)
class RegionRequest:
    """The artist's choice of the part of the frame that the engine works on."""

    mode: RegionMode | None = None
    """How the region is chosen; None takes what the engine prefers."""
    margin: float = 0.5
    """Context around the mattes, as a fraction of their longer side."""
    box: Box | None = None
    """The region itself, in display coordinates of the full-size plate; with :attr:`RegionMode.BOX` only."""


@dataclass(frozen=True)
class RemovalRequest:
    """Everything that decides one removal, in the engine's own types."""

    plates: PlateSequence
    mattes: ShotMattes
    output: OutputRequest
    engine: EngineRequest
    job_id: str
    fingerprint: str
    """A hash of everything that decides the result. It tells whether a frame on disk was made by the same
    job, unchanged."""
    display_size: tuple[int, int] | None = None
    """(width, height) that the full-size plate must have; None takes what is there."""
    pixel_aspect: float | None = None
    """The pixel aspect that the job expects; the files' own is used, and a difference is logged."""
    layer: str = ""
    """The layer that holds the picture; empty for the one that is called as a picture is."""
    view: str = NO_VIEW
    """The view of the plate that is worked on."""
    anchors: AnchorFrames | None = None
    region: RegionRequest = RegionRequest()
    look: ReplacementLook = field(default_factory=ReplacementLook)
    match_seam: bool = True
    resume: bool = False
    verify: bool = False
    """Whether the frames of an earlier run are decoded before they are kept, which finds any damage."""
    overwrite: bool = False
    """Whether frames that another job made may be replaced, each when the new one is whole."""
    only: frozenset[int] | None = None
    """The frames to make, as a test of some; the engine still sees the whole shot. None makes all."""
    wait_s: float = 0.0
    """How many seconds to wait, once the work has begun, for a late frame, a full volume or a lost drive."""
    start_wait_s: float | None = None
    """How many seconds to wait for these before the work begins; None for ``wait_s``."""

    @property
    def sequences(self) -> list[PlateSequence]:
        """All sequences that the removal reads: the plate, the mattes and the anchors."""
        anchors = [] if self.anchors is None else [self.anchors.frames]
        return [self.plates, *(matte.frames for matte in self.mattes.files), *anchors]

    @cached_property
    def picture(self) -> PlatePicture:
        """Where the picture is in the plate, found once in the header of its first frame.

        Raises:
            PlateError: when the plate has no such view or layer, or several layers could be meant.
        """
        header = self.plates.header(self.plates.frame_numbers[0])
        return resolve_picture(header, self.view, self.layer)

    @cached_property
    def anchor_pictures(self) -> AnchorFrames | None:
        """The anchors with the channels of their picture, found once in the header of the first of them.
        Where they have the plate's view and layer it is these, else the main layer, since a clean frame may
        come from anywhere.

        Raises:
            PlateError: when the anchors have no picture.
        """
        if self.anchors is None:
            return None
        header = self.anchors.frames.header(min(self.anchors.numbers))
        try:
            found = resolve_picture(header, self.view, self.layer)
        except PlateError:
            found = resolve_picture(header)
        return replace(self.anchors, rgb=found.rgb)

    @property
    def numbers_to_make(self) -> list[int]:
        """The frames of the shot that the result is to have, in ascending order."""
        numbers = self.plates.frame_numbers
        return [number for number in numbers if self.only is None or number in self.only]

    @property
    def result(self) -> ResultFiles:
        """The files of the result, among which an earlier run may have left some."""
        return ResultFiles(
            pattern=self.output.pattern,
            job_id=self.job_id,
            fingerprint=self.fingerprint,
            resume=self.resume,
            every_pixel=self.verify,
            patience=self.plates.patience,
            overwrite=self.overwrite,
            about=self.output.metadata or {},
        )

    def input_files(self, monitor: Monitor, memory: Path | None = None) -> InputFiles:
        """Return the files that the removal reads, to tell whether they have changed; none is touched yet.

        Args:
            monitor, memory: see :class:`~void_engine.made_from.InputFiles`.
        """
        numbers = self.plates.frame_numbers
        read: list[tuple[PlateSequence, Iterable[int]]] = [
            (self.plates, numbers),
            *((matte.frames, numbers) for matte in self.mattes.files),
        ]
        if self.anchors is not None:
            read.append((self.anchors.frames, sorted(self.anchors.numbers)))
        return InputFiles(read, monitor, memory)
