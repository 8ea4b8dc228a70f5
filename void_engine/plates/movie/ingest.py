"""Turns movies into plates and quadmask movies into mattes; this is what ``void ingest`` runs.

A picture movie becomes scene-linear half EXR in the movie's own primaries, which the metadata name. Code
values are turned into light by the curve of the screen that the movie was made for (see
:mod:`void_engine.plates.movie.transfer`). An alpha channel is not carried over.

A quadmask movie becomes mattes: its luma code values are levels, not colours, so no curve is applied to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from void_engine.errors import OutputExistsError
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FRAME_RATE_ATTRIBUTE, HALF, TIMECODE_ATTRIBUTE, MetadataValue
from void_engine.plates.frame.timecode import Timecode
from void_engine.plates.movie.movie import Movie, MovieFormat
from void_engine.plates.movie.transfer import Transfer, choose_transfer, decode
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.writer import PlateWriter

QUADMASK_CHANNELS = ("remove", "affected", "quadmask")
"""The channels of an ingested quadmask: both roles as 0 or 1, and the grey level divided by 255."""

# SMPTE timecode can count no more frames in a second.
_FASTEST_TIMECODE = 30


def ingest_movie(
    movie: Path | str,
    pattern: FramePattern | str | Path,
    first_frame: int = 1001,
    colour: str = "auto",
    quadmask: bool = False,
    on_frame: Callable[[int, int], None] | None = None,
) -> int:
    """Write every frame of a movie as an EXR, and return how many frames there were.

    Args:
        movie: the movie file.
        pattern: the EXR files to write.
        first_frame: the number of the movie's first frame.
        colour: ``auto`` or the curve to decode with, see
            :func:`void_engine.plates.movie.transfer.choose_transfer`. Ignored for a quadmask.
        quadmask: whether the movie's luma holds quadmask levels; then :data:`QUADMASK_CHANNELS` are written.
        on_frame: called after each frame with the number of decoded frames and the number that the movie
            claims to have (0 when it does not say).

    Raises:
        SettingError: when PyAV is missing, or the curve is unknown or cannot be determined.
        PlateError: when the movie cannot be read or a frame cannot be written.
        OutputExistsError: when a frame exists already.
    """
    pattern = pattern if isinstance(pattern, FramePattern) else FramePattern.parse(pattern)
    pattern.require_numbered(f"the movie {movie}")
    if not quadmask:
        choose_transfer(colour, tag=_NO_TAG)  # This finds a misspelt name before anything is opened.
    _refuse_existing_frames(pattern, first_frame)
    count = 0
    with Movie(Path(movie)) as source, PlateWriter("zip") as writer:
        maker: _PictureMaker | _MatteMaker | None = None
        for count, decoded in enumerate(source.frames(), start=1):
            if maker is None:
                described = source.describe(decoded)
                maker = (
                    _MatteMaker(source, described)
                    if quadmask
                    else _PictureMaker.of(source, described, colour)
                )
            number = first_frame + count - 1
            frame = maker.frame(decoded, number)
            metadata = _metadata(maker.format, Path(movie), number, count - 1)
            writer.submit(frame.with_metadata(metadata), pattern.path(number))
            if on_frame is not None:
                on_frame(count, max(count, maker.format.frame_count) if maker.format.frame_count else 0)
    return count


_NO_TAG = 2


def _refuse_existing_frames(pattern: FramePattern, first_frame: int) -> None:
    if not pattern.folder.is_dir():
        return
    existing = [number for number in pattern.frames_on_disk() if number >= first_frame]
    if existing:
        raise OutputExistsError(
            f"{pattern.path(existing[0])} exists already and is not overwritten; choose another name"
        )


@dataclass(frozen=True)
class _PictureMaker:
    """Turns decoded movie frames into scene-linear frames."""

    source: Movie
    format: MovieFormat
    transfer: Transfer
    light: NDArray[np.float16]
    """The light of each 16-bit code value, (65536,)."""

    @classmethod
    def of(cls, source: Movie, described: MovieFormat, colour: str) -> _PictureMaker:
        transfer = choose_transfer(colour, described.transfer_tag)
        light = decode(np.arange(65536) / 65535.0, transfer).astype(HALF)
        return cls(source, described, transfer, light)

    def frame(self, decoded: Any, number: int) -> Frame:
        light = self.light[self.source.rgb(decoded)]
        frame = Frame.from_pixels(number, ("R", "G", "B"), light, pixel_aspect=self.format.pixel_aspect)
        return frame.with_metadata(
            {"chromaticities": self.format.primaries, "void/source_transfer": self.transfer}
        )


@dataclass(frozen=True)
class _MatteMaker:
    """Turns decoded frames of a quadmask movie into mattes."""

    source: Movie
    format: MovieFormat

    def frame(self, decoded: Any, number: int) -> Frame:
        # Imported late, because only quadmask movies need its image filters.
        from void_engine.quadmask import roles_from_levels

        levels = self.source.luma(decoded)
        remove, affected = roles_from_levels(levels)
        planes = np.stack([remove, affected, levels / np.float32(255)], axis=2).astype(HALF)
        return Frame.from_pixels(number, QUADMASK_CHANNELS, planes, pixel_aspect=self.format.pixel_aspect)


def _metadata(described: MovieFormat, movie: Path, number: int, index: int) -> dict[str, MetadataValue]:
    rate = described.rate
    values: dict[str, MetadataValue] = {FRAME_RATE_ATTRIBUTE: rate, "void/source_movie": movie.name}
    if round(rate) <= _FASTEST_TIMECODE:
        # A movie without a timecode gets one that counts as its frame numbers do.
        start = described.timecode
        count = max(0, number) if start is None else start.frame_count(rate) + index
        dropping = start is not None and start.drop_frame
        values[TIMECODE_ATTRIBUTE] = Timecode.at(count, rate, dropping)
    return values
