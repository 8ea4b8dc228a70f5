"""Merges the parts of an EXR file into one flat set of channels.

In a multi-part file the first part is the plate and the others join it: their channels keep full names
(``depth.Z``), and bare names (``Z``, or ``R`` of a part called ``specular``) get the part's name in front.
The format makes all parts share display window and pixel aspect; data windows may differ, and the frame
stores the box around all of them. A deep part is left out, and the notes say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.errors import PlateError
from void_engine.geometry import Box, union_of
from void_engine.plates.frame.header import FLOAT, HALF, UINT, Channel, FrameHeader, PixelType

_TYPES: dict[str, PixelType] = {"half": HALF, "float": FLOAT, "uint": UINT, "uint32": UINT}


@dataclass(frozen=True, slots=True)
class Part:
    """The header of one part of a file, in display coordinates."""

    index: int
    name: str
    view: str
    display_size: tuple[int, int]
    data_window: Box
    origin: tuple[int, int]
    pixel_aspect: float
    channels: tuple[Channel, ...]
    is_deep: bool
    spec: oiio.ImageSpec


@dataclass(frozen=True, slots=True)
class MergedParts:
    """A frame's header, and the parts of the file from which its channels are read."""

    header: FrameHeader
    parts: tuple[Part, ...]
    """The parts that are used, with the names their channels have in the frame."""


def part_of(spec: oiio.ImageSpec, index: int, path: Path, number: int) -> Part:
    """Translate OpenImageIO's description of a part.

    Raises:
        PlateError: for a data type that EXR plates do not have.
    """
    formats = [str(kind) for kind in spec.channelformats] or [str(spec.format)] * spec.nchannels
    for kind in formats:
        if kind not in _TYPES:
            raise PlateError(f"frame {number} ({path}) has pixels of type {kind}; render it as half or float")
    return Part(
        index=index,
        name=spec.get_string_attribute("oiio:subimagename") or spec.get_string_attribute("name"),
        view=spec.get_string_attribute("view"),
        display_size=(spec.full_width, spec.full_height),
        data_window=Box.from_size(spec.width, spec.height).moved(spec.x - spec.full_x, spec.y - spec.full_y),
        origin=(spec.full_x, spec.full_y),
        pixel_aspect=spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0,
        channels=tuple(
            Channel(name, _TYPES[kind]) for name, kind in zip(spec.channelnames, formats, strict=True)
        ),
        is_deep=spec.deep,
        spec=spec.copy(),
    )


def merge_parts(parts: Sequence[Part], path: Path, number: int) -> MergedParts:
    """Choose the parts of a frame and name their channels so that every name is unique."""
    first = parts[0]
    used = [first]
    taken = {channel.name for channel in first.channels}
    notes = []
    for part in parts[1:]:
        if part.is_deep:
            notes.append(f"part '{part.name or part.index}' was left out: it is deep")
            continue
        named = _named_channels(part, first, taken)
        taken.update(channel.name for channel in named)
        used.append(replace(part, channels=named))
    header = FrameHeader(
        number=number,
        path=path,
        display_size=first.display_size,
        data_window=union_of(part.data_window for part in used),
        origin=first.origin,
        pixel_aspect=first.pixel_aspect,
        channels=tuple(channel for part in used for channel in part.channels),
        compression=first.spec.get_string_attribute("compression", "zip").partition(":")[0],
        attributes=first.spec,
        notes=tuple(notes),
    )
    return MergedParts(header, tuple(used))


def _named_channels(part: Part, first: Part, taken: set[str]) -> tuple[Channel, ...]:
    """The part's channels under names that no earlier part has."""
    name = part.name or f"part{part.index + 1}"
    if part.view != first.view and part.view:
        # Another view of a stereo file has the same layers under the same names.
        named = _prefixed(part.channels, part.view, bare_only=False)
    else:
        named = _prefixed(part.channels, name, bare_only=True)
    if not taken.isdisjoint(channel.name for channel in named):
        named = _prefixed(part.channels, f"part{part.index + 1}", bare_only=False)
    return named


def _prefixed(channels: Sequence[Channel], prefix: str, bare_only: bool) -> tuple[Channel, ...]:
    return tuple(
        channel if bare_only and "." in channel.name else channel._replace(name=f"{prefix}.{channel.name}")
        for channel in channels
    )
