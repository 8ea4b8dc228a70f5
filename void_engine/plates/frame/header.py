"""The header of a frame: windows, channels, compression and metadata, without pixels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.errors import PlateError
from void_engine.geometry import Box
from void_engine.plates.frame.layers import find_rgb, layer_names, listed
from void_engine.plates.frame.parts import PartLayout, RawAttribute
from void_engine.plates.frame.timecode import Timecode

TIMECODE_ATTRIBUTE = "smpte:TimeCode"
FRAME_RATE_ATTRIBUTE = "FramesPerSecond"
"""The names by which OpenImageIO reads and writes EXR's ``timeCode`` and ``framesPerSecond``."""

MetadataValue: TypeAlias = "str | int | float | Fraction | Timecode | tuple[float, ...]"
"""The types of metadata that :meth:`FrameHeader.with_metadata` takes. Integers beyond 32 bits become text."""

PixelType: TypeAlias = "np.dtype[Any]"
HALF: PixelType = np.dtype(np.float16)
FLOAT: PixelType = np.dtype(np.float32)
UINT: PixelType = np.dtype(np.uint32)


class Channel(NamedTuple):
    """A channel's full name (``R``, ``clean.R``) and its data type in the file: half, float or uint."""

    name: str
    dtype: PixelType


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The header of one frame. Boxes are in display coordinates."""

    number: int
    path: Path | None
    """The file that the frame was read from; None for a frame that was made from an array."""
    display_size: tuple[int, int]
    """``(width, height)`` of the display window in pixels."""
    data_window: Box
    """The pixels that are stored."""
    origin: tuple[int, int]
    """The position of the display window's corner in the file; needed only to write it back."""
    pixel_aspect: float
    """Width of a pixel over its height."""
    channels: tuple[Channel, ...]
    compression: str
    """EXR's name of the compression, e.g. ``zip``."""
    attributes: oiio.ImageSpec = field(repr=False, compare=False)
    """All metadata with its types, as OpenImageIO holds it; it is never changed in place."""
    views: tuple[str, ...] = ()
    """The file's views, of which the first is the one of channels that name none; empty without views."""
    parts: tuple[PartLayout, ...] = ()
    """The parts of a multi-part file, as which it is written back; empty for a file of one part."""
    kept: tuple[RawAttribute, ...] = ()
    """Attributes of the file that :attr:`attributes` cannot hold; a header that was read alone has none."""
    notes: tuple[str, ...] = ()
    """Notes for the artist about how the file was read, such as a part that was left out."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels)

    @property
    def display_window(self) -> Box:
        return Box.from_size(*self.display_size)

    @property
    def layer_names(self) -> list[str]:
        """The layers in order; the main layer is the empty name."""
        return layer_names(self.channel_names)

    @property
    def described(self) -> str:
        """The name of the frame in error messages."""
        return f"frame {self.number}" + (f" ({self.path})" if self.path else "")

    @property
    def metadata(self) -> Mapping[str, object]:
        """All metadata by name, as plain values.

        Bytes of text that are not UTF-8 stand as lone surrogates; an OpenImageIO that cannot give such text
        leaves it out here. Files keep it either way.
        """
        values: dict[str, object] = {}
        for attribute in self.attributes.extra_attribs:
            with suppress(UnicodeDecodeError):
                values[attribute.name] = attribute.value
        return values

    def rgb_names(self, layer: str = "") -> tuple[str, str, str]:
        """The three channels that hold the colours of a layer; see :func:`layers.find_rgb`.

        Raises:
            PlateError: when the layer has no colours; the message lists the layers that have.
        """
        names = find_rgb(self.channel_names, layer)
        if names is None:
            which = f"layer '{layer}'" if layer else "main layer"
            raise PlateError(
                f"{self.described}: the {which} has no red, green and blue; "
                f"the file's channels are {listed(self.channel_names)}"
            )
        return names

    def without_metadata(self, prefix: str) -> FrameHeader:
        """Return the header without the attributes whose names begin so."""
        gone = [name for name in self.metadata if name.startswith(prefix)]
        if not gone:
            return self
        attributes = self.attributes.copy()
        for name in gone:
            attributes.erase_attribute(name)
        return replace(self, attributes=attributes)

    def with_metadata(self, values: Mapping[str, MetadataValue]) -> FrameHeader:
        """Return the header with these attributes added or replaced."""
        attributes = self.attributes.copy()
        for name, value in values.items():
            _set_attribute(attributes, name, value)
        return replace(self, attributes=attributes)


def _set_attribute(attributes: oiio.ImageSpec, name: str, value: MetadataValue) -> None:
    # An existing attribute of the same name would otherwise decide the type of the new one.
    attributes.erase_attribute(name)
    if isinstance(value, Timecode):
        attributes.attribute(name, oiio.TypeTimeCode, (value.packed, 0))
    elif isinstance(value, Fraction):
        attributes.attribute(name, oiio.TypeRational, (value.numerator, value.denominator))
    elif isinstance(value, tuple):
        attributes.attribute(name, oiio.TypeDesc(f"float[{len(value)}]"), tuple(map(float, value)))
    elif isinstance(value, int) and not -(2**31) <= value < 2**31:
        attributes.attribute(name, str(value))
    else:
        attributes.attribute(name, value)
