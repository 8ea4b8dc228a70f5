"""One frame of a plate: pixels in their own data types, windows, channels and metadata.

A frame is immutable: every edit returns a new frame that shares the pixels that were not touched. Those keep
their bits, whatever they hold (NaN payloads and infinities too), because they are never converted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name
from numpy.typing import NDArray

from void_engine.arrays import BoolArray, Float32Array
from void_engine.errors import EngineError, PlateError
from void_engine.geometry import Box
from void_engine.plates.frame.header import FLOAT, HALF, UINT, Channel, FrameHeader, MetadataValue, PixelType
from void_engine.plates.frame.layers import listed, shown
from void_engine.plates.frame.parts import with_channels, with_pixels_in, without_channels
from void_engine.plates.frame.proxy import area_average, divisor_of, proxy_size, proxy_window

HALF_MAX = 65504.0
"""The largest finite half; larger values are clamped to it when they are stored."""
_STORED_ROWS = 128


@dataclass(frozen=True, slots=True, eq=False)
class PixelBlock:
    """Interleaved channels of one data type."""

    names: tuple[str, ...]
    pixels: NDArray[Any]
    """(H, W, C) over the data window; C-contiguous and read-only."""

    def __post_init__(self) -> None:
        self.pixels.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame: its header and its pixels. All boxes are in display coordinates."""

    header: FrameHeader
    blocks: tuple[PixelBlock, ...]

    @classmethod
    def from_pixels(
        cls,
        number: int,
        names: Sequence[str],
        pixels: NDArray[Any],
        *,
        display_size: tuple[int, int] | None = None,
        data_window: Box | None = None,
        pixel_aspect: float = 1.0,
        compression: str = "zip",
    ) -> Frame:
        """Make a frame from an array rather than from a file.

        Args:
            number: the frame's number.
            names: the channels' full names, one for each plane of ``pixels``.
            pixels: (H, W, C) of float16, float32 or uint32 over the data window; taken over without a copy
                and made read-only.
            display_size: ``(width, height)`` of the display window; None for the size of ``pixels``.
            data_window: where the pixels lie; None for the display window.
            pixel_aspect: width of a pixel over its height.
            compression: EXR's name of the compression to write with.

        Raises:
            ValueError: when shapes, names and data type do not fit together.
        """
        height, width, count = pixels.shape
        window = data_window or Box.from_size(width, height)
        if window.shape != (height, width) or count != len(names) or len(set(names)) != count:
            raise ValueError(f"pixels of shape {pixels.shape} do not fit {window} and channels {names}")
        if pixels.dtype not in (HALF, FLOAT, UINT):
            raise ValueError(f"EXR has no pixels of type {pixels.dtype}")
        header = FrameHeader(
            number=number,
            path=None,
            display_size=display_size or (width, height),
            data_window=window,
            origin=(0, 0),
            pixel_aspect=pixel_aspect,
            channels=tuple(Channel(name, pixels.dtype) for name in names),
            compression=compression,
            attributes=oiio.ImageSpec(),
        )
        return cls(header, (PixelBlock(tuple(names), np.ascontiguousarray(pixels)),))

    @property
    def number(self) -> int:
        return self.header.number

    @property
    def path(self) -> Path | None:
        return self.header.path

    @property
    def display_size(self) -> tuple[int, int]:
        """``(width, height)`` in pixels."""
        return self.header.display_size

    @property
    def display_window(self) -> Box:
        return self.header.display_window

    @property
    def data_window(self) -> Box:
        return self.header.data_window

    @property
    def pixel_aspect(self) -> float:
        return self.header.pixel_aspect

    @property
    def channel_names(self) -> tuple[str, ...]:
        return self.header.channel_names

    @property
    def metadata(self) -> Mapping[str, object]:
        return self.header.metadata

    @property
    def size_bytes(self) -> int:
        """How much memory the pixels, and attributes that are kept as bytes, hold, in bytes."""
        parts = (self.header.kept, *(part.kept for part in self.header.parts))
        kept = sum(len(attribute.value) for part in parts for attribute in part)
        return kept + sum(block.pixels.nbytes for block in self.blocks)

    def rgb_names(self, layer: str = "") -> tuple[str, str, str]:
        """The three channels that hold the colours of a layer.

        Raises:
            PlateError: when the layer has no colours.
        """
        return self.header.rgb_names(layer)

    def native(self, name: str) -> NDArray[Any]:
        """One channel over the data window, (H, W) in its own data type, read-only.

        Raises:
            PlateError: when there is no such channel.
        """
        block, index = self._find(name)
        pixels: NDArray[Any] = self.blocks[block].pixels[..., index]
        return pixels

    def plane(self, name: str, box: Box) -> Float32Array:
        """One channel inside ``box``, (h, w) float32, 0 outside the data window.

        Raises:
            PlateError: when there is no such channel.
        """
        return self._read((name,), box)[..., 0]

    def read_rgb(self, box: Box, layer: str = "") -> Float32Array:
        """A layer's colours inside ``box``, (h, w, 3) float32 scene-linear, 0 outside the data window.

        Raises:
            PlateError: when the layer has no colours.
        """
        return self._read(self.rgb_names(layer), box)

    def read_channels(self, names: Sequence[str], box: Box) -> Float32Array:
        """Channels inside ``box``, (h, w, len(names)) float32, 0 outside the data window.

        Raises:
            PlateError: when there is no such channel.
        """
        return self._read(names, box)

    def with_rgb(
        self, picture: Float32Array, box: Box, mask: BoolArray, names: tuple[str, str, str] | None = None
    ) -> Frame:
        """The frame with colours replaced where ``mask`` is true.

        Args:
            picture: (h, w, 3) float32 over ``box``. A layer of luminance only gets the mean of the three.
            box: the pixels that ``picture`` and ``mask`` cover.
            mask: (h, w) bool over ``box``.
            names: the channels with red, green and blue; None for those of the main layer.

        Raises:
            PlateError: when there are no such channels.
            EngineError: when a value to be stored is NaN.
        """
        red, green, blue = names or self.rgb_names()
        if red == green:
            return self.with_pixels({red: picture.mean(axis=2, dtype=np.float32)}, box, mask)
        planes = {red: picture[..., 0], green: picture[..., 1], blue: picture[..., 2]}
        return self.with_pixels(planes, box, mask)

    def with_pixels(self, planes: Mapping[str, Float32Array], box: Box, mask: BoolArray) -> Frame:
        """The frame with channels replaced where ``mask`` is true; every other pixel keeps its bits.

        Values beyond the range of half are clamped to its largest. The data window grows where the mask
        reaches beyond it; pixels there that are neither stored nor replaced become 0.

        Args:
            planes: for each channel, (h, w) float32 over ``box``.
            box: the pixels that ``planes`` and ``mask`` cover.
            mask: (h, w) bool over ``box``.

        Raises:
            PlateError: when there is no such channel.
            EngineError: when a value to be stored is NaN.
            ValueError: when a shape is not that of ``box``.
        """
        for values in (*planes.values(), mask):
            if values.shape != box.shape:
                raise ValueError(f"an array of shape {values.shape} does not cover {box}")
        located = {name: self._find(name) for name in planes}
        touched = Box.around(mask).moved(box.x0, box.y0)
        if touched.is_empty:
            return self
        grown = self.grown_to(touched)
        rows, columns = touched.slices(grown.data_window)
        inner = touched.slices(box)
        chosen = mask[inner]
        blocks = list(grown.blocks)
        for index in sorted({block for block, _ in located.values()}):
            pixels = blocks[index].pixels.copy()
            for name, (block, channel) in located.items():
                if block == index:
                    target = pixels[rows, columns, channel]
                    _store(target, planes[name][inner], chosen, self.header, name, touched)
            blocks[index] = PixelBlock(blocks[index].names, pixels)
        parts = with_pixels_in(self.header.parts, planes.keys(), touched)
        return Frame(replace(grown.header, parts=parts), tuple(blocks))

    def with_layer(
        self,
        layer: str,
        channels: Mapping[str, Float32Array],
        box: Box | None = None,
        dtype: PixelType = HALF,
        beside: str = "",
    ) -> Frame:
        """The frame with a layer added; existing channels of these names are replaced.

        Args:
            layer: the layer's name, e.g. ``clean``; empty for the main layer.
            channels: (h, w) float32 for each suffix, e.g. ``{"R": ..., "G": ..., "B": ...}``.
            box: the pixels that the arrays cover; None for the data window. Outside the box the layer is 0;
                pixels outside the data window are left out.
            dtype: the layer's data type, half or float.
            beside: a channel, in whose part of a multi-part file the layer is stored.

        Raises:
            EngineError: when a value is NaN.
            ValueError: when a shape is not that of ``box``.
        """
        box = self.data_window if box is None else box
        prefix = f"{layer}." if layer else ""
        names = tuple(prefix + suffix for suffix in channels)
        inside = box.intersection(self.data_window)
        pixels = np.zeros((*self.data_window.shape, len(names)), dtype)
        for index, values in enumerate(channels.values()):
            if values.shape != box.shape:
                raise ValueError(f"an array of shape {values.shape} does not cover {box}")
            if not inside.is_empty:
                target = pixels[inside.slices(self.data_window)][..., index]
                _store(target, values[inside.slices(box)], None, self.header, names[index], inside)
        kept = self.without(names)
        blocks = (*kept.blocks, PixelBlock(names, pixels))
        parts = with_channels(kept.header.parts, names, beside)
        return Frame(replace(kept.header, channels=channels_of(blocks), parts=parts), blocks)

    def without(self, names: Sequence[str]) -> Frame:
        """The frame without the channels of these names; names that it does not have are ignored."""
        if not set(names) & set(self.channel_names):
            return self
        blocks = []
        for block in self.blocks:
            kept = [index for index, name in enumerate(block.names) if name not in names]
            if len(kept) == len(block.names):
                blocks.append(block)
            elif kept:
                pixels = np.ascontiguousarray(block.pixels[..., kept])
                blocks.append(PixelBlock(tuple(block.names[index] for index in kept), pixels))
        parts = without_channels(self.header.parts, names)
        header = replace(self.header, channels=channels_of(tuple(blocks)), parts=parts)
        return Frame(header, tuple(blocks))

    def grown_to(self, box: Box) -> Frame:
        """The frame with a data window that also covers ``box``; new pixels are 0."""
        window = self.data_window.union(box)
        if window == self.data_window:
            return self
        blocks = []
        for block in self.blocks:
            pixels = np.zeros((*window.shape, len(block.names)), block.pixels.dtype)
            pixels[self.data_window.slices(window)] = block.pixels
            blocks.append(PixelBlock(block.names, pixels))
        return Frame(replace(self.header, data_window=window), tuple(blocks))

    def with_metadata(self, values: Mapping[str, MetadataValue]) -> Frame:
        """The frame with these attributes added or replaced."""
        return replace(self, header=self.header.with_metadata(values))

    def numbered(self, number: int) -> Frame:
        """Return the same picture under another frame number, as for a still that is held."""
        return self if number == self.number else replace(self, header=replace(self.header, number=number))

    def scaled(self, scale: float) -> Frame:
        """A proxy of the frame at ``scale``, which is 1, 1/2, 1/4, 1/8 or another one over a whole number.

        Colours are averaged by area in float32 (see :mod:`void_engine.plates.frame.proxy`). The display size
        is rounded up, and the data window is rounded outwards.

        Raises:
            SettingError: for any other scale.
        """
        divisor = divisor_of(scale)
        if divisor == 1:
            return self
        blocks = tuple(
            PixelBlock(
                block.names, area_average(block.pixels, self.data_window, self.display_window, divisor)
            )
            for block in self.blocks
        )
        header = replace(
            self.header,
            display_size=proxy_size(self.display_size, divisor),
            data_window=proxy_window(self.data_window, divisor),
            origin=(self.header.origin[0] // divisor, self.header.origin[1] // divisor),
            parts=tuple(
                replace(part, data_window=proxy_window(part.data_window, divisor))
                for part in self.header.parts
            ),
        )
        return Frame(header, blocks)

    def _find(self, name: str) -> tuple[int, int]:
        """The index of the block that holds the channel, and the channel's index within it."""
        for index, block in enumerate(self.blocks):
            if name in block.names:
                return index, block.names.index(name)
        raise PlateError(
            f"{self.header.described} has no channel '{shown(name)}'; it has {listed(self.channel_names)}"
        )

    def _read(self, names: Sequence[str], box: Box) -> Float32Array:
        """Read channels inside ``box`` as (h, w, len(names)) float32, 0 outside the data window."""
        located = [self._find(name) for name in names]
        inside = box.intersection(self.data_window)
        if inside == box:
            result = np.empty((*box.shape, len(names)), np.float32)
        else:
            result = np.zeros((*box.shape, len(names)), np.float32)
        if inside.is_empty:
            return result
        source, target = inside.slices(self.data_window), inside.slices(box)
        block, first = located[0]
        if located == [(block, first + offset) for offset in range(len(names))]:
            # In the usual case the channels are neighbours in one block, and one conversion does for all.
            result[target] = self.blocks[block].pixels[source][..., first : first + len(names)]
        else:
            for index, (block, channel) in enumerate(located):
                result[target][..., index] = self.blocks[block].pixels[source][..., channel]
        return result


def channels_of(blocks: Sequence[PixelBlock]) -> tuple[Channel, ...]:
    """The channels that blocks of pixels hold, in order."""
    return tuple(Channel(name, block.pixels.dtype) for block in blocks for name in block.names)


def _store(
    target: NDArray[Any],
    values: Float32Array,
    chosen: BoolArray | None,
    header: FrameHeader,
    name: str,
    box: Box,
) -> None:
    """Store ``values`` where ``chosen`` is true, or everywhere, in the type of ``target``; (h, w) each.

    Raises:
        EngineError: when a value to be stored is NaN.
    """
    # Some rows at a time, so that what is converted on the way stays small.
    for top in range(0, len(target), _STORED_ROWS):
        rows = slice(top, top + _STORED_ROWS)
        part = values[rows]
        wanted = np.ones(part.shape, np.bool_) if chosen is None else chosen[rows]
        at = Box(box.x0, box.y0 + top, box.x1, box.y0 + top + len(part))
        stored = _storable(part, wanted, target.dtype, header, name, at)
        np.copyto(target[rows], stored, where=wanted)


def _storable(
    values: Float32Array,
    chosen: BoolArray,
    dtype: PixelType,
    header: FrameHeader,
    name: str,
    box: Box,
) -> NDArray[Any]:
    """Convert ``values`` to the channel's data type, clamped to its range.

    Raises:
        EngineError: when a chosen value is NaN.
    """
    broken = np.isnan(values)
    if broken.any():
        if (broken & chosen).any():
            row, column = np.argwhere(broken & chosen)[0]
            raise EngineError(
                f"{header.described}: the value computed for channel '{name}' at pixel "
                f"({box.x0 + column}, {box.y0 + row}) is not a number; this is a fault of the engine, not of "
                "the plate: please report it with the job file"
            )
        values = np.where(broken, np.float32(0), values)
    if dtype == HALF:
        return np.clip(values, -HALF_MAX, HALF_MAX).astype(HALF)
    if dtype == FLOAT:
        largest = np.finfo(np.float32).max
        return np.clip(values, -largest, largest)
    # The largest integer below 2**32 that float32 can hold is 2**32 - 256.
    return np.rint(np.clip(values, 0, 2.0**32 - 256)).astype(UINT)
