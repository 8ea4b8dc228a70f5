"""Turns movies and pictures into plates and mattes; this is what ``void ingest`` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from void_engine.errors import OutputExistsError, PlateError
from void_engine.plates.file_kinds import EXR_SUFFIXES, kind_of
from void_engine.plates.frame.proxy import divisor_of
from void_engine.plates.ingest.light import check_colour
from void_engine.plates.ingest.movies import MovieSource
from void_engine.plates.ingest.pictures import source_of
from void_engine.plates.ingest.request import Ingest, Ingested, Source
from void_engine.plates.movie.movie import Movie
from void_engine.plates.sequence.pattern import FramePattern
from void_engine.plates.sequence.writer import PlateWriter


def ingest(wanted: Ingest, on_frame: Callable[[int, int], None] | None = None) -> Ingested:
    """Write the frames of a movie, a picture or a sequence as EXR.

    Args:
        wanted: what becomes what.
        on_frame: called after each frame with the number of frames so far and of all (0 when that is not
            known).

    Raises:
        SettingError: when PyAV is missing, or the colour is unknown or cannot be determined.
        PlateError: when a file cannot be read or a frame cannot be written, or none is wanted.
        MatteError: when a matte cannot be made of it.
        OutputExistsError: when a frame exists already.
    """
    check_target(wanted.target)
    if wanted.purpose == "plate":
        check_colour(wanted.colour)  # This finds a misspelt name before anything is opened.
    divisor_of(wanted.scale)
    numbers: list[int] = []
    remarks: list[str] = []
    with _opened(wanted) as source, PlateWriter("zip") as writer:
        for frame in source.frames(remarks.append):
            writer.submit(frame.scaled(wanted.scale), wanted.target.path(frame.number))
            numbers.append(frame.number)
            if on_frame is not None:
                on_frame(len(numbers), max(len(numbers), source.count) if source.count else 0)
    if not numbers:
        if wanted.frames is None:
            raise PlateError(f"{wanted.source} has no frame")
        first, last = wanted.frames
        raise PlateError(
            f"{wanted.source} has no frame in that range, {first}-{last}: its first one counts as "
            f"{wanted.first_of_movie}, or as --first says; name another range"
        )
    return Ingested(tuple(numbers), tuple(remarks))


def check_target(pattern: FramePattern) -> None:
    """Refuse names by which nobody would look for EXR.

    Raises:
        PlateError: for a name with another ending.
    """
    if not pattern.text.lower().endswith(EXR_SUFFIXES):
        raise PlateError(
            f"'{pattern}' does not end in .exr, and EXR is what is written; name it NAME.%04d.exr"
        )


@contextmanager
def _opened(wanted: Ingest) -> Iterator[Source]:
    if kind_of(wanted.source) in ("exr", "picture"):
        pictures = source_of(wanted)
        if pictures.count > 1:
            wanted.target.require_numbered(f"the sequence {wanted.source}")
        _refuse_existing(
            wanted.target, [number + pictures.numbering.offset for number in pictures.numbering.numbers]
        )
        yield pictures
        return
    wanted.target.require_numbered(f"the movie {wanted.source}")
    if wanted.target.folder.is_dir():
        # How many frames a movie has is known only when it is decoded.
        there = [
            number
            for number in wanted.target.frames_on_disk()
            if number >= wanted.first_of_movie and wanted.wants(number)
        ]
        _refuse_existing(wanted.target, there)
    with Movie(Path(wanted.source)) as movie:
        yield MovieSource(movie, wanted)


def _refuse_existing(target: FramePattern, numbers: list[int]) -> None:
    for number in numbers:
        if target.path(number).exists():
            raise OutputExistsError(
                f"{target.path(number)} exists already and is not overwritten; choose another name"
            )
