"""What an engine is given and what it gives back.

An engine sees a *shot source*: the region of interest, frame by frame, in scene-linear float32, together
with what is to be replaced there. It yields clean frames in order. It never sees files, windows or sockets.
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
    """(H, W, 3) scene-linear RGB, unclamped: values above 1 and below 0 are real. Never written to."""
    remove: Float32Array
    """(H, W) in 0..1: how much of each pixel is covered by what goes, as the artist drew it."""
    affected: Float32Array
    """(H, W) in 0..1: where the object changed the scene (shadow, reflection, contact)."""
    replaced: Float32Array
    """(H, W) in 0..1: the weight with which the merge takes the engine's pixel. Only where it is above 0 is
    the engine's answer used; where it is 0 the plate stays."""
    quadmask: Uint8Array
    """(H, W) with the levels 0 remove, 63 overlap, 127 affected, 255 keep."""


class ShotSource(Protocol):
    """Random access to a shot. Frames are read on demand and a few are kept, so memory is bounded: ask for
    a frame again rather than hold many."""

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
        """A frame the artist already cleaned, (H, W, 3) scene-linear, or None where there is none."""


@dataclass(frozen=True, slots=True)
class CleanFrame:
    """An engine's answer for one frame."""

    number: int
    picture: Float32Array
    """(H, W, 3) scene-linear RGB; must be finite wherever ``replaced`` is above 0."""
    confidence: Float32Array | None = None
    """(H, W) in 0..1: 1 a real pixel of the plate, about 0.5 guessed from motion, 0 synthesised."""


class Monitor(Protocol):
    """How a running engine speaks to whoever waits. Calls are cheap; engines make them often."""

    def progress(self, stage: str, step: int, steps: int, frame: int | None = None) -> None:
        """``step`` of ``steps`` of ``stage`` are done. Raises RemovalCancelled when a stop was asked for."""

    def preview(self, frame: int, picture: Float32Array) -> None:
        """A small scene-linear (H, W, 3) picture of what frame ``frame`` will look like."""

    def log(self, message: str) -> None:
        """One line for the job's log."""

    def check_cancelled(self) -> None:
        """Raises RemovalCancelled when a stop was asked for. Call at least twice a second."""


@dataclass(frozen=True, slots=True)
class PartOfShot:
    """One of the parts that several machines make of a shot."""

    first_frame: int
    """The part's first frame, one of the ``starts`` that it was prepared with."""
    folder: Path
    """What :meth:`PartedEngine.prepare_parts` filled. An engine may leave there what lets an interrupted part
    go on."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The settings an engine may heed; what it does not know it ignores."""

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 42
    colour_space: str = ""
    """Name or role of the plate's scene-linear space in the OCIO configuration; empty for Rec.709."""
    proxy_scale: float = 1.0
    """Already applied to the source's pixels; an engine may also do less work below 1."""
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """The engine's own named options, checked by the engine."""
    wanted: Container[int] | None = None
    """Frame numbers whose answer will be used; the others are context and may be left out of what is
    yielded. None wants them all."""

    part: PartOfShot | None = None
    """Set when only a part of the shot is made here; ``wanted`` then says what of it is still missing."""

    def wants(self, number: int) -> bool:
        """Whether the answer for frame ``number`` will be used."""
        return self.wanted is None or number in self.wanted


class Engine(Protocol):
    """A way to make a clean plate."""

    @property
    def name(self) -> str: ...

    @property
    def wants_full_frame(self) -> bool:
        """Whether, with the region left to choose, the engine works on the whole frame rather than on the
        surroundings of the mattes."""

    @property
    def region_aspect(self) -> tuple[int, int] | None:
        """Width and height, in square pixels, of the region that the engine's model likes best; None where
        any will do."""

    @property
    def record(self) -> Mapping[str, str | int | float]:
        """What the result was made with (model hashes, the picture's encoding, ...), for its metadata. Known
        once :meth:`remove` has begun to yield."""

    def remove(self, shot: ShotSource, request: EngineRequest, monitor: Monitor) -> Iterator[CleanFrame]:
        """Yield one clean frame for each frame of ``shot`` that the request wants, in order.

        Raises:
            SettingError: for an option that the engine does not know or cannot honour.
            RemovalCancelled: soon after the monitor says so.
        """


@runtime_checkable
class PartedEngine(Protocol):
    """An engine that must look at the whole shot before parts of it are made on several machines."""

    def prepare_parts(
        self, shot: ShotSource, starts: Sequence[int], folder: Path, request: EngineRequest, monitor: Monitor
    ) -> None:
        """Leave in ``folder`` what :meth:`Engine.remove` needs to make any part of ``shot`` by itself.

        The parts begin at the frames ``starts`` and go together: no border is seen where they are joined.

        Raises:
            RemovalCancelled: soon after the monitor says so; it may then be called again.
        """
