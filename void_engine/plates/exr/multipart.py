"""Merges the parts of an EXR file into one flat set of channels.

In a multi-part file one part is the picture, and its channels keep their names: that of the first view which
is called as a picture is, else the first. The others join it: their channels keep full names (``depth.Z``),
and bare names (``Z``, or ``R`` of a part called ``specular``) get the part's layer in front, which is its
name without its view. What belongs to another view than the first has the view's name before all
(``right.R``). The format makes all parts share display window and pixel aspect; data windows may differ, and
the frame stores the box around all of them. A deep part is left out, and the notes say so. How the parts were
is kept, so that the frame is written back as parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813 - its documentation has this name

from void_engine.errors import PlateError
from void_engine.geometry import Box, union_of
from void_engine.plates.frame.header import FLOAT, HALF, UINT, Channel, FrameHeader, PixelType
from void_engine.plates.frame.layers import LayerChannel, layer_of_part, main_layers, parse_name, shown
from void_engine.plates.frame.parts import PartLayout, RawAttribute

_EYE = re.compile(r"(?:^|[._])(left|right)$")
"""The end of the name of a part that shows one eye."""
_TYPES: dict[str, PixelType] = {"half": HALF, "float": FLOAT, "uint": UINT, "uint32": UINT}


@dataclass(frozen=True, slots=True)
class Part:
    """The header of one part of a file, in display coordinates."""

    index: int
    name: str
    view: str
    views: tuple[str, ...]
    """The views that the part says its channels' names may hold."""
    display_size: tuple[int, int]
    data_window: Box
    origin: tuple[int, int]
    pixel_aspect: float
    channels: tuple[Channel, ...]
    is_deep: bool
    spec: oiio.ImageSpec
    kept: tuple[RawAttribute, ...] = ()
    """Attributes that ``spec`` cannot hold."""


@dataclass(frozen=True, slots=True)
class MergedParts:
    """A frame's header, and the parts of the file from which its channels are read."""

    header: FrameHeader
    parts: tuple[Part, ...]
    """The parts that are used, with the names their channels have in the frame."""


def part_of(
    spec: oiio.ImageSpec, index: int, path: Path, number: int, kept: Sequence[RawAttribute] = ()
) -> Part:
    """Translate OpenImageIO's description of a part.

    Args:
        spec: the description, which the part takes over.
        index: the part's place in the file.
        path, number: the file and its frame.
        kept: attributes that ``spec`` cannot hold.

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
        views=_texts(spec.getattribute("multiView")),
        display_size=(spec.full_width, spec.full_height),
        data_window=Box.from_size(spec.width, spec.height).moved(spec.x - spec.full_x, spec.y - spec.full_y),
        origin=(spec.full_x, spec.full_y),
        pixel_aspect=spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0,
        channels=tuple(
            Channel(name, _TYPES[kind]) for name, kind in zip(spec.channelnames, formats, strict=True)
        ),
        is_deep=spec.deep,
        spec=spec,
        kept=tuple(kept),
    )


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a header's list of texts, which OpenImageIO gives as a plain text where it has only
    one."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, tuple | list) else ()


def merge_parts(parts: Sequence[Part], path: Path, number: int) -> MergedParts:
    """Choose the parts of a frame and name their channels so that every name is unique."""
    flat = _with_views([part for part in parts if not part.is_deep])
    notes = [
        f"part '{shown(part.name) or part.index}' was left out: it is deep" for part in parts if part.is_deep
    ]
    first = flat[0]
    views = first.views
    if len(flat) > 1 or not views:
        views += tuple(dict.fromkeys(part.view for part in flat if part.view and part.view not in views))
    used, layouts = _named_apart(flat, views) if len(flat) > 1 else ([first], [])
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
        kept=first.kept,
        views=views,
        parts=tuple(layouts),
        notes=tuple(notes),
    )
    return MergedParts(header, tuple(used))


def _with_views(parts: list[Part]) -> list[Part]:
    """The parts with the views that their names say where none has one, but both eyes' names are there."""
    if any(part.view or part.views for part in parts):
        return parts
    eyes = [_EYE.search(part.name) for part in parts]
    if {eye[1] for eye in eyes if eye is not None} != {"left", "right"}:
        return parts
    return [replace(part, view=eye[1] if eye else "") for part, eye in zip(parts, eyes, strict=True)]


def _named_apart(parts: Sequence[Part], views: tuple[str, ...]) -> tuple[list[Part], list[PartLayout]]:
    """The parts with the names that their channels have in the frame, and how to write them back."""
    layers = [layer_of_part(part.name, part.view) for part in parts]
    homes = {_home(parts, layers, views, view) for view in {_view_of(part, views) for part in parts}}
    used: list[Part] = []
    layouts: list[PartLayout] = []
    taken: set[str] = set()
    for place, part in enumerate(parts):
        view = _view_of(part, views)
        prefix = f"{view}." if views and view != views[0] else ""
        layer = layers[place] or ("" if place in homes or not part.channels else f"part{part.index + 1}")
        in_front = "" if place in homes else f"{layer}."
        names = [
            prefix + (channel.name if "." in channel.name else in_front + channel.name)
            for channel in part.channels
        ]
        if not taken.isdisjoint(names):
            prefix = f"part{part.index + 1}."
            names = [prefix + channel.name for channel in part.channels]
        taken.update(names)
        own = [channel.name for channel in part.channels]
        renamed = (channel._replace(name=name) for channel, name in zip(part.channels, names, strict=True))
        used.append(replace(part, channels=tuple(renamed)))
        layouts.append(
            PartLayout(
                layer=layers[place] if place in homes else layer,
                view=part.view,
                prefix=prefix,
                names=dict(zip(names, own, strict=True)),
                data_window=part.data_window,
                attributes=part.spec,
                kept=part.kept,
            )
        )
    return used, layouts


def _view_of(part: Part, views: tuple[str, ...]) -> str:
    return part.view or (views[0] if views else "")


def _home(parts: Sequence[Part], layers: Sequence[str], views: tuple[str, ...], view: str) -> int:
    """The part, of those that show a view, whose channels keep their names: the picture, as far as names
    tell, else the file's first part or one that is called as a picture is; -1 where there is none."""
    own = [place for place, part in enumerate(parts) if _view_of(part, views) == view]
    bare = [
        LayerChannel(channel.name, layers[place], channel.name, view)
        for place in own
        for channel in parts[place].channels
        if not parse_name(channel.name, ()).layer
    ]
    preferred = main_layers(bare)
    if len(preferred) == 1:
        return next(place for place in own if layers[place] == preferred[0])
    return own[0] if own[0] == 0 or not layers[own[0]] else -1
