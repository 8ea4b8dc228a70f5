"""The interface of all engines: what an engine is given and what it returns.

An engine is given a *shot source*: the region of interest of each frame in scene-linear float32, together
with the mattes of what is to be replaced there. It yields clean frames in order. It never sees files, user
interfaces or sockets.

An engine whose model answers on a small canvas hands its answers to
:func:`void_engine.detail.shot.restore_shot`, which yields the clean frames with the plate's own detail.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from void_engine.arrays import Float32Array, Uint8Array


@dataclass(frozen=True, slots=True)
class ShotFrame:
    """One frame of the region of interest. All arrays have the source's height and width."""

    number: int
    """The plate's own frame number."""
    plate: Float32Array
    """(H, W, 3) scene-linear RGB, unclamped: values above 1 and below 0 are real. It is read-only."""
    remove: Float32Array
    """(H, W) in 0..1: the matte of the object that is removed, as the artist drew it."""
    affected: Float32Array
    """(H, W) in 0..1: the matte of where the object changed the scene (shadow, reflection, contact)."""
    replaced: Float32Array
    """(H, W) in 0..1: the weight with which the merge takes the engine's pixel. The engine's answer is used
    only where it is above 0; elsewhere the plate stays."""
    quadmask: Uint8Array
    """(H, W) with the levels 0 remove, 63 overlap, 127 affected, 255 keep."""


class ShotSource(Protocol):
    """Random access to the frames of a shot.

    Frames are read on demand and only a few are kept, so memory is bounded. An engine should ask for a frame
    again rather than hold many.
    """

    @property
    def frame_numbers(self) -> range:
        """The plate's frame numbers, in order and without gaps."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel over its height, of the pictures that :meth:`frame` gives."""

    def frame(self, number: int) -> ShotFrame:
        """The frame with this number.

        Raises:
            KeyError: for a number outside :attr:`frame_numbers`.
            PlateError: when its file cannot be read.
        """

    def anchor(self, number: int) -> Float32Array | None:
        """The frame as the artist has already cleaned it, (H, W, 3) scene-linear; None where nobody has."""


@dataclass(frozen=True, slots=True)
class CleanFrame:
    """An engine's answer for one frame."""

    number: int
    picture: Float32Array
    """(H, W, 3) scene-linear RGB; must be finite wherever ``replaced`` is above 0."""
    confidence: Float32Array | None = None
    """(H, W) in 0..1: 1 for a real pixel of the plate, about 0.5 for one from uncertain motion, 0 for a
    synthesised one."""
    model: Float32Array | None = None
    """(H, W, 3) scene-linear: a model's bare answer, enlarged, where :attr:`picture` is more than that."""


class Monitor(Protocol):
    """Receives what a running engine reports, and tells it to stop. Calls are cheap and frequent."""

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        """Report that ``step`` of ``steps`` of ``stage`` are done.

        Raises:
            RemovalCancelled: when a stop was asked for.
        """

    def preview(self, frame: int, picture: Float32Array) -> None:
        """Show a small scene-linear picture (H, W, 3) of what frame ``frame`` will look like."""

    def log(self, message: str) -> None:
        """Write one line to the job's log."""

    def check_cancelled(self) -> None:
        """Stop the engine if that was asked for; an engine must call this at least twice a second.

        Raises:
            RemovalCancelled: when a stop was asked for.
        """


@dataclass(frozen=True, slots=True)
class PartOfShot:
    """One of the parts into which a shot is cut so that several machines can make it."""

    first_frame: int
    """The part's first frame, one of the ``starts`` that it was prepared with."""
    folder: Path
    """The folder that :meth:`PartedEngine.prepare_parts` has filled. An engine may also keep state there with
    which an interrupted part resumes."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The settings of a job that concern the engine; an engine ignores those that it does not use."""

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 42
    colour_space: str = ""
    """Name or role of the plate's scene-linear space in the OCIO configuration; empty for Rec.709."""
    proxy_scale: float = 1.0
    """The proxy scale, already applied to the source's pixels; below 1 an engine may also do less work."""
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """The engine's own named options, checked by the engine."""
    wanted: Container[int] | None = None
    """The frame numbers whose answers will be used; None for all. The others are context, and an engine need
    not yield them."""

    part: PartOfShot | None = None
    """The part to make when this run makes only a part of the shot; ``wanted`` then names its missing
    frames."""

    def wants(self, number: int) -> bool:
        """Whether the answer for frame ``number`` will be used."""
        return self.wanted is None or number in self.wanted


class Engine(Protocol):
    """An engine: a method of making clean plates."""

    @property
    def name(self) -> str: ...

    @property
    def wants_full_frame(self) -> bool:
        """Whether the engine prefers the whole frame to the surroundings of the mattes when the job leaves
        the choice of the region to it."""

    @property
    def region_aspect(self) -> tuple[int, int] | None:
        """The aspect, (width, height) in square pixels, that the engine prefers of a region; None for any."""

    @property
    def record(self) -> Mapping[str, str | int | float]:
        """What the result was made with (model hashes, encoding, ...), for its metadata.

        It is complete once :meth:`remove` has begun to yield.
        """

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        """Yield one clean frame for each frame of ``shot`` that the request wants, in order.

        Raises:
            SettingError: for an option that the engine does not know or cannot honour.
            RemovalCancelled: soon after the monitor asks for a stop.
        """


@runtime_checkable
class CheckingEngine(Protocol):
    """An engine that can tell before any work, and without a shot, that it will refuse a request."""

    def check_request(self, request: EngineRequest, *, is_here: bool) -> None:
        """Refuse what cannot be done. This must be quick: nothing is loaded and no picture is read.

        Args:
            request: the settings of the job.
            is_here: whether :meth:`Engine.remove` will be called on this machine. Where it will not, as on
                the machine that prepares a farm's work, devices and models are not looked at.

        Raises:
            EngineError: when the engine would refuse the request; the message says why.
        """


@runtime_checkable
class RimMeasuringEngine(Protocol):
    """An engine that can tell how far the object reaches beyond its matte."""

    def rim_px(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> float | None:
        """The width of the rim outside the matte that still holds the object, over the whole shot.

        Returns:
            Pixels of the source; 0 where the plate is clean up to the matte, None where nothing tells.

        Raises:
            RemovalCancelled: soon after the monitor asks for a stop.
        """


@runtime_checkable
class PartedEngine(Protocol):
    """An engine that must look at the whole shot before parts of it are made on several machines."""

    def prepare_parts(
        self, shot: ShotSource, starts: Sequence[int], folder: Path, request: EngineRequest, monitor: Monitor
    ) -> None:
        """Write to ``folder`` what :meth:`Engine.remove` needs to make any part of ``shot`` by itself.

        The parts begin at the frames ``starts``, and no border shows where they are joined.

        Raises:
            RemovalCancelled: soon after the monitor asks for a stop; the method may then be called again.
        """
