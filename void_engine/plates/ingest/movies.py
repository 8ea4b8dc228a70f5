"""The frames of a movie as plates or mattes.

A picture movie becomes scene-linear light in the movie's own primaries, which the metadata name. An alpha
channel is not carried over. A quadmask or matte movie is levels, not colours, so no curve is applied to its
luma, or to its alpha where it has one that says anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FRAME_RATE_ATTRIBUTE, TIMECODE_ATTRIBUTE, MetadataValue
from void_engine.plates.frame.timecode import Timecode
from void_engine.plates.ingest.light import Light, light_of
from void_engine.plates.ingest.mattes import check_shape, matte_frame, quadmask_frame, scaled_levels
from void_engine.plates.ingest.request import Ingest
from void_engine.plates.ingest.transfer import transfer_of_movie
from void_engine.plates.movie.movie import Movie, MovieFormat
from void_engine.plates.picture.file import to_unit

# SMPTE timecode can count no more frames in a second.
_FASTEST_TIMECODE = 30


@dataclass
class MovieSource:
    """A movie that is open for decoding."""

    movie: Movie
    wanted: Ingest
    count: int = 0

    def frames(self, remark: Callable[[str], None]) -> Iterator[Frame]:
        """Make the frames, as a :class:`~void_engine.plates.ingest.request.Source` does."""
        first = self.wanted.first_of_movie
        stop = None if self.wanted.frames is None else max(0, self.wanted.frames[1] - first + 1)
        make: Callable[[Any, int], Frame] | None = None
        described: MovieFormat | None = None
        for index, decoded in enumerate(islice(self.movie.frames(), stop)):
            if make is None or described is None:
                described = self.movie.describe(decoded)
                self.count = described.frame_count
                make = self._maker(described, decoded, remark)
            number = first + index
            if self.wanted.wants(number):
                metadata = _metadata(described, self.movie.path.name, number, index)
                yield make(decoded, number).with_metadata(metadata)

    def _maker(
        self, described: MovieFormat, decoded: Any, remark: Callable[[str], None]
    ) -> Callable[[Any, int], Frame]:
        if self.wanted.purpose == "quadmask":
            return lambda frame, number: quadmask_frame(
                number, self.movie.luma(frame), described.pixel_aspect
            )
        if self.wanted.purpose == "matte":
            return self._matte_maker(described, decoded, remark)
        light = light_of(
            self.wanted.colour, lambda: transfer_of_movie(described.transfer_tag), described.primaries
        )
        remark(f"{self.movie.path.name} is read by the {light.described}")
        return lambda frame, number: self._picture(frame, number, described, light)

    def _picture(self, decoded: Any, number: int, described: MovieFormat, light: Light) -> Frame:
        pixels = light.of(self.movie.rgb(decoded))
        frame = Frame.from_pixels(number, ("R", "G", "B"), pixels, pixel_aspect=described.pixel_aspect)
        return frame.with_metadata(light.metadata)

    def _matte_maker(
        self, described: MovieFormat, decoded: Any, remark: Callable[[str], None]
    ) -> Callable[[Any, int], Frame]:
        size, aspect = self.wanted.size, self.wanted.pixel_aspect or described.pixel_aspect
        if size is not None:
            check_shape((described.width, described.height), described.pixel_aspect, size, aspect)
        alpha = self.movie.alpha(decoded)
        # Only the first frame of a movie is at hand; an alpha that is 1 all over it says nothing.
        by_alpha = self.wanted.channel == "A" or (
            self.wanted.channel is None
            and alpha is not None
            and bool((alpha != np.iinfo(alpha.dtype).max).any())
        )
        remark("the movie's alpha is the matte" if by_alpha else "the movie's brightness is the matte")
        bits = max(component.bits for component in decoded.format.components)

        def make(frame: Any, number: int) -> Frame:
            codes = self.movie.alpha(frame) if by_alpha else None
            levels = to_unit(self.movie.fine_luma(frame) if codes is None else codes)
            return matte_frame(number, scaled_levels(levels, size) if size else levels, bits, aspect)

        return make


def _metadata(described: MovieFormat, name: str, number: int, index: int) -> dict[str, MetadataValue]:
    rate = described.rate
    values: dict[str, MetadataValue] = {FRAME_RATE_ATTRIBUTE: rate, "void/source_movie": name}
    if round(rate) <= _FASTEST_TIMECODE:
        # A movie without a timecode gets one that counts as its frame numbers do.
        start = described.timecode
        count = max(0, number) if start is None else start.frame_count(rate) + index
        dropping = start is not None and start.drop_frame
        values[TIMECODE_ATTRIBUTE] = Timecode.at(count, rate, dropping)
    return values
