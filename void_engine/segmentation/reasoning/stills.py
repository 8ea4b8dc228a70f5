"""What a language model is shown of a shot: stills with a grid over them, and a small movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Uint8Array
from void_engine.segmentation.pictures import spread
from void_engine.segmentation.reasoning.grid import Grid
from void_engine.segmentation.tracker import Pictures

_LONGER_SIDE = 768
_MOST = 8
_MOVIE_SIDE = 384
"""The longer side of the movie's pictures: it is there for what moves, the stills for what is where."""
_MOST_OF_MOVIE = 32
MOVIE_RATE = 24
"""The frames of the shot in one second of the movie, whatever its own rate is."""
_LINE = (0, 255, 255)
_NUMBER_PX = 18
_RED = np.array((255.0, 0.0, 0.0), np.float32)


@dataclass(frozen=True, slots=True)
class Movie:
    """Frames of a shot as a movie, without anything drawn over them; all of one size."""

    pictures: tuple[Uint8Array, ...]
    frames: tuple[int, ...]
    """The frames of the pictures, counted from 0."""

    @property
    def seconds(self) -> tuple[float, ...]:
        """When each picture is shown; see :data:`MOVIE_RATE`."""
        return tuple(frame / MOVIE_RATE for frame in self.frames)


@dataclass(frozen=True, slots=True)
class Stills:
    """What is shown: the object in red, then the frames, and the movie."""

    pictures: tuple[Uint8Array, ...]
    frames: tuple[int, ...]
    """The frames of all pictures but the first, counted from 0."""
    movie: Movie | None = None
    """None where the shot is too short for one."""


def stills(pictures: Pictures, removed: Sequence[BoolArray], grid: Grid) -> Stills:
    """Draw the stills of a shot, and its movie.

    Args:
        pictures: its frames.
        removed: (h, w) for each frame: where the object is, of any size.
        grid: for pictures of the shot's size.
    """
    largest = max(range(len(removed)), key=lambda index: (float(removed[index].mean()), -index))
    frames = tuple(spread(len(removed), _MOST))
    first = _small(pictures(largest), grid)
    mask = opencv.resize(removed[largest].astype(np.float32), first.shape[:2]) >= 0.5
    first = np.where(mask[..., None], 0.6 * first + 0.4 * _RED, first).astype(np.uint8)
    drawn = [first, *(_small(pictures(index), grid) for index in frames)]
    return Stills(
        tuple(with_grid(each, grid) for each in drawn), frames, _movie(pictures, len(removed), grid)
    )


def _movie(pictures: Pictures, count: int, grid: Grid) -> Movie | None:
    if count < 2:
        return None
    frames = tuple(spread(count, _MOST_OF_MOVIE))
    return Movie(tuple(_small(pictures(index), grid, _MOVIE_SIDE) for index in frames), frames)


def _small(picture: Uint8Array, grid: Grid, longer_side: int = _LONGER_SIDE) -> Uint8Array:
    scale = min(1.0, longer_side / max(grid.height, grid.width))
    shape = (max(1, round(grid.height * scale)), max(1, round(grid.width * scale)))
    small = opencv.resize(picture.astype(np.float32), shape, opencv.AREA)
    return np.asarray(np.rint(np.clip(small, 0, 255)), np.uint8)


def with_grid(picture: Uint8Array, grid: Grid) -> Uint8Array:
    """Draw the lines of the grid, and numbers of rows and columns at the edges."""
    drawn = picture.copy()
    height, width = drawn.shape[:2]
    rows = [round(row * height / grid.rows) for row in range(grid.rows + 1)]
    columns = [round(column * width / grid.columns) for column in range(grid.columns + 1)]
    for y in rows[1:-1]:
        cv2.line(drawn, (0, y), (width - 1, y), _LINE, 1)
    for x in columns[1:-1]:
        cv2.line(drawn, (x, 0), (x, height - 1), _LINE, 1)
    for number, y in enumerate(rows[:-1]):
        _number(drawn, number, (0, y))
    for number, x in enumerate(columns[:-1]):
        _number(drawn, number, (x, height - _NUMBER_PX))
    return drawn


def _number(drawn: Uint8Array, number: int, corner: tuple[int, int]) -> None:
    """Write a number into a dark box whose upper left corner is given, readable on any picture."""
    x, y = corner
    drawn[y : y + _NUMBER_PX, x : x + 7 + 9 * len(str(number))] //= 4
    at = (x + 4, y + _NUMBER_PX - 4)
    cv2.putText(drawn, str(number), at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _LINE, 1, cv2.LINE_AA)
