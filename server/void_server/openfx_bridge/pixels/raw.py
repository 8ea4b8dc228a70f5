"""Reads a host's picture from a pixel file, and makes the pixels of a plate or a matte of it."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import Float32Array
from void_engine.geometry import Box
from void_engine.plates.frame.frame import HALF_MAX
from void_protocol.regular_file import open_regular
from void_server.openfx_bridge.conversation.fields import Fields
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.space import PlateSpace

LONGEST_SIDE = 1 << 20
"""A picture of a host with a longer side, in pixels, is taken for a mistake."""
DEPTHS: dict[str, Any] = {"float": np.float32, "half": np.float16, "short": np.uint16, "byte": np.uint8}

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_EXPONENT = 0x7C00
"""The bits of a half that are all set in infinities and in what is no number."""
_LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)


@dataclass(frozen=True)
class RawPicture:
    """Where a host's picture lies in a pixel file."""

    path: Path
    offset: int
    row_bytes: int
    bounds: tuple[int, int, int, int]
    """``x1``, ``y1``, ``x2``, ``y2``, y up, in pixels of the full-size plate."""
    components: int
    depth: str

    @classmethod
    def of(cls, fields: Fields, folder: Path) -> RawPicture:
        """Read where a request says that it lies.

        Raises:
            BridgeError: when the request is wrong.
        """
        name = fields.text("file")
        if not _NAME.fullmatch(name):
            raise BridgeError("The field file is no plain name of a file in the folder of pixels.")
        components = int(fields.choice("components", "4", ("1", "3", "4")))
        depth = fields.choice("depth", "float", tuple(DEPTHS))
        bounds = fields.box(LONGEST_SIDE)
        least = (bounds[2] - bounds[0]) * components * np.dtype(DEPTHS[depth]).itemsize
        return cls(
            path=folder / name,
            offset=fields.integer("offset", 0, low=0, high=1 << 40),
            row_bytes=fields.integer("row_bytes", least, low=least, high=1 << 31),
            bounds=bounds,
            components=components,
            depth=depth,
        )

    @property
    def needed_bytes(self) -> int:
        """How long the file has to be."""
        x1, y1, x2, y2 = self.bounds
        pixel = self.components * np.dtype(DEPTHS[self.depth]).itemsize
        return int(self.offset + (y2 - y1 - 1) * self.row_bytes + (x2 - x1) * pixel)

    def check(self) -> None:
        """Make sure that the file is there and holds the picture.

        Raises:
            BridgeError: when it does not.
        """
        with self._file():
            pass

    @contextmanager
    def _file(self) -> Iterator[BinaryIO]:
        try:
            with open_regular(self.path, follow=False) as file:
                if file.seek(0, 2) < self.needed_bytes:
                    raise BridgeError(
                        f"The pixel file {self.path.name} is too short for the picture that it should hold."
                    )
                yield file
        except OSError as error:
            raise BridgeError(
                f"The pixel file {self.path.name} cannot be read: {error.strerror or error}."
            ) from error

    @contextmanager
    def opened(self) -> Iterator[NDArray[Any]]:
        """Give the pixels, (H, W, components) from the top row to the bottom one, only within this context.

        Raises:
            BridgeError: when the file is not there, or too short.
        """
        x1, y1, x2, y2 = self.bounds
        dtype = np.dtype(DEPTHS[self.depth])
        pixel = self.components * dtype.itemsize
        with self._file() as file:
            memory = mmap.mmap(file.fileno(), self.needed_bytes, access=mmap.ACCESS_READ)
        rows: NDArray[Any] = np.ndarray(
            (y2 - y1, x2 - x1, self.components),
            dtype,
            buffer=memory,
            offset=self.offset,
            strides=(self.row_bytes, pixel, dtype.itemsize),
        )
        yield rows[::-1]  # the mapping ends with the last array that shows it


def placed(bounds: tuple[int, int, int, int], box: tuple[int, int, int, int]) -> tuple[Box, Box]:
    """Return where bounds and box overlap: in the rows and columns of the bounds and in those of the box,
    both from the top left. Empty where they do not."""
    inside = Box.from_size(box[2] - box[0], box[3] - box[1])
    there = Box.from_size(bounds[2] - bounds[0], bounds[3] - bounds[1]).moved(
        bounds[0] - box[0], box[3] - bounds[3]
    )
    common = there.intersection(inside)
    return common.moved(-there.x0, -there.y0), common


def plate_pixels(
    raw: RawPicture, box: tuple[int, int, int, int], space: PlateSpace
) -> tuple[tuple[str, ...], NDArray[np.float16]]:
    """Make the pixels of a plate over the box, scene-linear; what the picture does not cover is 0.

    Returns:
        The channels' names, and (H, W, channels) of half from the top. Alpha is among them where the colours
        are multiplied by it, as EXR has it. Values beyond half are its largest, what is no number is 0.

    Raises:
        BridgeError: when the pixel file cannot be read.
    """
    keeps_alpha = space.is_premultiplied and raw.components == 4
    names = ("R", "G", "B", "A") if keeps_alpha else ("R", "G", "B")
    source, target = placed(raw.bounds, box)
    shape = (box[3] - box[1], box[2] - box[0], len(names))
    with raw.opened() as pixels:
        if source.is_empty:
            return names, np.zeros(shape, np.float16)
        part = pixels[source.y0 : source.y1, source.x0 : source.x1]
        if raw.components == 1:
            part = np.repeat(part, 3, axis=2)
        if space.is_as_it_comes:
            half = finite_half(part[..., : len(names)])
        else:
            values = _values(part)
            colours = space.to_linear(values[..., :3], values[..., 3] if raw.components == 4 else None)
            half = finite_half(np.concatenate((colours, values[..., 3:]), axis=2) if keeps_alpha else colours)
    if half.shape == shape:
        return names, half
    whole = np.zeros(shape, np.float16)
    whole[target.y0 : target.y1, target.x0 : target.x1] = half
    return names, whole


def matte_pixels(raw: RawPicture, box: tuple[int, int, int, int]) -> NDArray[np.float16]:
    """Make a matte over the box: (H, W, 1) of half from the top, 0 to 1, 0 where the picture does not reach.

    It is the picture's only component, its alpha, or the luminance of its colours.

    Raises:
        BridgeError: when the pixel file cannot be read.
    """
    source, target = placed(raw.bounds, box)
    whole = np.zeros((box[3] - box[1], box[2] - box[0], 1), np.float16)
    with raw.opened() as pixels:
        if not source.is_empty:
            part = pixels[source.y0 : source.y1, source.x0 : source.x1]
            levels = _values(part) @ _LUMINANCE if raw.components == 3 else _values(part[..., -1])
            levels = np.nan_to_num(levels, nan=0.0, posinf=1.0, neginf=0.0)
            whole[target.y0 : target.y1, target.x0 : target.x1, 0] = np.clip(levels, 0.0, 1.0)
    return whole


def _values(pixels: NDArray[Any]) -> Float32Array:
    """The pixels as float32: fractions of the largest code for whole numbers."""
    if pixels.dtype.kind == "u":
        return np.asarray(pixels / np.float32(np.iinfo(pixels.dtype).max), np.float32)
    return pixels.astype(np.float32)


def finite_half(pixels: NDArray[Any]) -> NDArray[np.float16]:
    """The pixels as finite halves, in memory of their own."""
    if pixels.dtype.kind == "u":
        half: NDArray[np.float16] = _codes(pixels.dtype.name)[pixels]
        return half
    with np.errstate(over="ignore", invalid="ignore"):
        half = pixels.astype(np.float16, order="C")
    if ((half.view(np.uint16) & _EXPONENT) == _EXPONENT).any():
        half = np.nan_to_num(half, nan=0.0, posinf=HALF_MAX, neginf=-HALF_MAX)
    return half


@cache
def _codes(name: str) -> NDArray[np.float16]:
    """The value of each code of a type of whole numbers."""
    most = int(np.iinfo(name).max)
    return (np.arange(most + 1, dtype=np.float32) / np.float32(most)).astype(np.float16)
