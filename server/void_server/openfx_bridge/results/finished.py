"""Reads a finished frame as pixels for the host: colours in its own space, and a weight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from void_engine.errors import EngineError, MissingFrameError
from void_engine.finished_frame import LAYERS_KEY, REPLACED_KEY
from void_engine.geometry import Box
from void_engine.plates.exr.file import read_frame, read_header
from void_engine.plates.frame.frame import Frame
from void_engine.plates.frame.header import FrameHeader
from void_server.mattes.pictures import tints
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.space import PlateSpace

SHOWN = ("result", "quadmask", "matte", "confidence", "proposal")
"""What of a frame can be shown."""
MARGIN_LINES = 16
"""So many lines around what was replaced are handed over too, in which the weight is 0: a host that shows a
smaller picture averages over several lines. It is also the height of a block of the usual compression."""
_BOX = re.compile(r"(-?\d{1,9}) (-?\d{1,9}) (-?\d{1,9}) (-?\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class FinishedFrame:
    """One frame of a result, or those lines of it that a host needs, read from its file."""

    frame: Frame
    lines: tuple[int, int]
    """The first line that was read, and the one after the last, from the top of the display window."""

    @classmethod
    def read(cls, path: Path, number: int, only_replaced_of: int | None = None) -> FinishedFrame | None:
        """Read a frame; None where it is not there.

        Args:
            path, number: its file, and its number there.
            only_replaced_of: None for all lines. Else the height of the plate: of a result of that height
                only the lines are read in which something was replaced, with a margin, and at least one.

        Raises:
            BridgeError: when the file cannot be read.
        """
        try:
            if only_replaced_of is not None:
                header = read_header(path, number)
                if header.display_size[1] == only_replaced_of:
                    lines = _needed_lines(header)
                    return cls(read_frame(path, number, lines), lines)
            frame = read_frame(path, number)
            return cls(frame, (0, frame.display_size[1]))
        except MissingFrameError:
            return None
        except EngineError as error:
            raise BridgeError(f"{error}.") from error

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole frame."""
        return self.frame.display_size

    def pixels(self, show: str, space: PlateSpace) -> NDArray[np.float16 | np.float32]:
        """The picture of the lines that were read, (H, W, 4) from the *bottom* one: red, green, blue and the
        weight. Halves where the file's values are handed over as they are, else float32.

        Raises:
            BridgeError: when the frame has no such layer, or the colours cannot be converted.
        """
        first, end = self.lines
        shape = (end - first, self.size[0], 4)
        if show == "result":
            return self._result(space, shape)
        if show == "proposal":
            return self._proposal(shape)
        channel = self._layer(show)
        if channel is None:
            raise BridgeError(f"This result holds no {show}; its engine does not tell it.")
        plane = self._plane(channel)
        made = np.empty(shape, np.float16 if plane.dtype == np.float16 else np.float32)
        made[::-1, :, :3] = plane[..., None]
        made[..., 3] = 1.0
        return made

    def _result(self, space: PlateSpace, shape: tuple[int, int, int]) -> NDArray[np.float16 | np.float32]:
        colours = self.frame.rgb_names()
        matte = self._layer("matte")
        # A frame on which nothing was replaced is the plate.
        weight = np.zeros((1, 1), np.float16) if matte is None else self._plane(matte)
        made: NDArray[np.float16 | np.float32]
        if space.is_as_it_comes:
            planes = [*(self._plane(name) for name in colours), weight]
            are_halves = all(plane.dtype == np.float16 for plane in planes)
            made = np.empty(shape, np.float16 if are_halves else np.float32)
            for index, plane in enumerate(planes):
                made[::-1, :, index] = plane
            return made
        alpha = None
        if space.is_premultiplied and "A" in self.frame.channel_names:
            alpha = self._plane("A").astype(np.float32)
        light = self.frame.read_channels(colours, self._box)
        made = np.empty(shape, np.float32)
        made[::-1, :, :3] = space.from_linear(light, alpha)
        made[::-1, :, 3] = weight
        return made

    def _proposal(self, shape: tuple[int, int, int]) -> NDArray[np.float16 | np.float32]:
        """The colours of what is proposed, with how much of them lies over the plate as the weight."""
        try:
            colours, weight = tints(self.frame, self._box)
        except EngineError as error:
            raise BridgeError(f"This is no proposal: {error}.") from error
        made: NDArray[np.float16 | np.float32] = np.empty(shape, np.float16)
        made[::-1, :, :3] = colours
        made[::-1, :, 3] = weight
        return made

    def _layer(self, name: str) -> str | None:
        """The channel of a layer that the removal has added; None where it has not."""
        added = str(self.frame.metadata.get(LAYERS_KEY, "")).split(", ")
        own = next((one for one in added if one == name or one.startswith(f"{name}_")), name)
        channel = f"{own}.A"
        return channel if channel in self.frame.channel_names else None

    @property
    def _box(self) -> Box:
        return Box(0, self.lines[0], self.size[0], self.lines[1])

    def _plane(self, channel: str) -> NDArray[Any]:
        """A channel over the lines, in its own type where the file covers just them."""
        if self.frame.data_window == self._box:
            return self.frame.native(channel)
        return self.frame.plane(channel, self._box)


def _needed_lines(header: FrameHeader) -> tuple[int, int]:
    """The lines outside of which the frame is the plate, as it says itself; all where it does not."""
    height = header.display_size[1]
    said = _BOX.fullmatch(str(header.metadata.get(REPLACED_KEY, "")))
    if said is None:
        return 0, height
    top, bottom = int(said[2]), int(said[4])
    if top >= bottom:
        return 0, 1
    first = max(0, (top - MARGIN_LINES) // MARGIN_LINES * MARGIN_LINES)
    end = min(height, -(-(bottom + MARGIN_LINES) // MARGIN_LINES) * MARGIN_LINES)
    return (first, end) if first < end else (0, 1)
