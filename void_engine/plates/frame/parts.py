"""The parts of a multi-part file, by which a frame is written back as its file had it."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.geometry import Box


class RawAttribute(NamedTuple):
    """An attribute of a header as the file holds it: its name, the name of its type, and the bytes of its
    value."""

    name: bytes
    kind: bytes
    value: bytes

    @property
    def packed(self) -> bytes:
        """All of it, in the layout of "OpenEXR File Layout", Academy Software Foundation."""
        return self.name + b"\0" + self.kind + b"\0" + struct.pack("<i", len(self.value)) + self.value


@dataclass(frozen=True, slots=True)
class PartLayout:
    """One part: what it holds of the frame, under which names, and its own header."""

    layer: str
    """The layer that the part's bare channel names (``R``, ``Z``) belong to; empty for the main one."""
    view: str
    """The part's view; empty where it has none."""
    prefix: str
    """What channels of the part have in front in the frame and not in the file, such as ``right.``; it keeps
    the names of several views apart."""
    names: Mapping[str, str]
    """The name in the part of each of its channels, by the name in the frame."""
    data_window: Box
    """The pixels that the part stores, in display coordinates."""
    attributes: oiio.ImageSpec = field(repr=False, compare=False)
    """The part's metadata; it is never changed in place."""

    kept: tuple[RawAttribute, ...] = ()
    """Attributes of the part that :attr:`attributes` cannot hold."""

    def in_file(self, name: str) -> str:
        """The name in the part of a channel that is added to it."""
        return name.removeprefix(self.prefix)


def without_channels(parts: Sequence[PartLayout], names: Collection[str]) -> tuple[PartLayout, ...]:
    """The parts without these channels of the frame; a part that is left with none goes."""
    kept = (
        replace(part, names={name: own for name, own in part.names.items() if name not in names})
        for part in parts
    )
    return tuple(part for part in kept if part.names)


def with_channels(parts: Sequence[PartLayout], names: Sequence[str], beside: str) -> tuple[PartLayout, ...]:
    """The parts with channels added to the one that holds the channel ``beside``, else to the first."""
    if not parts:
        return ()
    home = next((index for index, part in enumerate(parts) if beside in part.names), 0)
    part = parts[home]
    added = replace(part, names={**part.names, **{name: part.in_file(name) for name in names}})
    return (*parts[:home], added, *parts[home + 1 :])


def with_pixels_in(parts: Sequence[PartLayout], names: Collection[str], box: Box) -> tuple[PartLayout, ...]:
    """The parts, of which those with one of these channels also store the pixels of ``box``."""
    return tuple(
        replace(part, data_window=part.data_window.union(box)) if part.names.keys() & names else part
        for part in parts
    )
