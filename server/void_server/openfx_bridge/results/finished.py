"""Reads a finished frame as pixels for the host: colours in its own space, and a weight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from void_engine.arrays import Float32Array
from void_engine.errors import EngineError, MissingFrameError
from void_engine.finished_frame import LAYERS_KEY
from void_engine.plates.exr.file import read_frame
from void_engine.plates.frame.frame import Frame
from void_server.openfx_bridge.errors import BridgeError
from void_server.openfx_bridge.pixels.space import PlateSpace

SHOWN = ("result", "quadmask", "matte", "confidence")
"""What of a frame can be shown."""


@dataclass(frozen=True)
class FinishedFrame:
    """One frame of a result, read from its file."""

    frame: Frame

    @classmethod
    def read(cls, path: Path, number: int) -> FinishedFrame | None:
        """Read a frame; None where it is not there.

        Raises:
            BridgeError: when the file cannot be read.
        """
        try:
            return cls(read_frame(path, number))
        except MissingFrameError:
            return None
        except EngineError as error:
            raise BridgeError(f"{error}.") from error

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.frame.display_size

    def put(self, show: str, space: PlateSpace, pixels: Float32Array) -> None:
        """Write the picture into ``pixels``, (H, W, 4) of float32 from the *bottom* row: red, green, blue and
        the weight.

        Raises:
            BridgeError: when the frame has no such layer, or the colours cannot be converted.
        """
        top_down = pixels[::-1]
        if show == "result":
            self._put_result(space, top_down)
            return
        channel = self._layer(show)
        if channel is None:
            raise BridgeError(f"This result holds no {show}; its engine does not tell it.")
        top_down[..., :3] = self._plane(channel)[..., None]
        top_down[..., 3] = 1.0

    def _put_result(self, space: PlateSpace, pixels: Float32Array) -> None:
        colours = self.frame.rgb_names()
        if space.is_as_it_comes:
            for index, name in enumerate(colours):
                pixels[..., index] = self._plane(name)
        else:
            alpha = None
            if space.is_premultiplied and "A" in self.frame.channel_names:
                alpha = self._plane("A").astype(np.float32)
            light = self.frame.read_channels(colours, self.frame.display_window)
            pixels[..., :3] = space.from_linear(light, alpha)
        matte = self._layer("matte")
        # A frame on which nothing was replaced is the plate.
        pixels[..., 3] = 0.0 if matte is None else self._plane(matte)

    def _layer(self, name: str) -> str | None:
        """The channel of a layer that the removal has added; None where it has not."""
        added = str(self.frame.metadata.get(LAYERS_KEY, "")).split(", ")
        own = next((one for one in added if one == name or one.startswith(f"{name}_")), name)
        channel = f"{own}.A"
        return channel if channel in self.frame.channel_names else None

    def _plane(self, channel: str) -> NDArray[Any]:
        """A channel over the whole format, in its own type where it covers just that."""
        if self.frame.data_window == self.frame.display_window:
            return self.frame.native(channel)
        return self.frame.plane(channel, self.frame.display_window)
