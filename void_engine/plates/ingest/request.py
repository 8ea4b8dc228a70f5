"""What is to be ingested, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from void_engine.plates.frame.frame import Frame
from void_engine.plates.ingest.light import AUTO
from void_engine.plates.sequence.pattern import FramePattern

Purpose = Literal["plate", "matte", "quadmask"]
"""What the result is: scene-linear light; one channel of levels 0 to 1; or a quadmask's roles."""

FIRST_FRAME = 1001
"""The number of a movie's first frame where none is given."""


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """One movie, picture or sequence of pictures, and the EXR files that it becomes."""

    source: str
    """A movie, a picture, or a pattern of pictures."""
    target: FramePattern
    purpose: Purpose = "plate"
    first: int | None = None
    """The number of the first frame that is written; None keeps the numbers of a sequence, and gives a movie
    :data:`FIRST_FRAME`."""
    frames: tuple[int, int] | None = None
    """The first frame and the last that are wanted: by the numbers of a sequence's files; of a movie, by
    those that its frames get. None for all."""
    colour: str = AUTO
    """How the code values of a plate become light; see
    :func:`~void_engine.plates.ingest.light.light_of`."""
    channel: str | None = None
    """The channel that holds the matte; None chooses. For mattes only."""
    scale: float = 1.0
    """1, or one over a whole number for a smaller result."""
    size: tuple[int, int] | None = None
    """The ``(width, height)`` that a matte is brought to; None keeps its own."""
    pixel_aspect: float | None = None
    """The pixel aspect that a matte gets with :attr:`size`; None keeps its own."""

    @property
    def first_of_movie(self) -> int:
        """The number that a movie's first frame gets."""
        return FIRST_FRAME if self.first is None else self.first

    def wants(self, number: int) -> bool:
        """Whether the frame of this number, as :attr:`frames` counts, is wanted."""
        return self.frames is None or self.frames[0] <= number <= self.frames[1]


@dataclass(frozen=True)
class Ingested:
    """What an ingest has written."""

    numbers: tuple[int, ...]
    """The frames, in order."""
    remarks: tuple[str, ...] = ()
    """How the files were read, where that was a choice."""


class Source(Protocol):
    """An open movie or sequence, whose frames are made one after another."""

    @property
    def count(self) -> int:
        """How many frames there will be; 0 when that is not known."""

    def frames(self, remark: Callable[[str], None]) -> Iterator[Frame]:
        """Make the frames that are wanted, under the numbers that they are written as.

        Args:
            remark: is told how the files are read.

        Raises:
            EngineError: when a file cannot be read, or cannot be made what is wanted.
        """
