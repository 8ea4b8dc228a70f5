"""Finds the picture in a plate: which view, layer and channels are worked on, and under which names a removal
adds its own layers.

This is decided once, from a header, before any work; whatever reads or writes the picture is told the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from void_engine.errors import PlateError
from void_engine.plates.frame.header import FrameHeader
from void_engine.plates.frame.layers import (
    LayerChannel,
    colours_of,
    is_main,
    listed,
    main_colours,
    main_layers,
    parse_name,
    shown,
    split_name,
)

NO_VIEW = "main"
"""The view of a job that says nothing about views."""
RESULT_LAYERS: dict[str, tuple[str, ...]] = {
    "clean": ("R", "G", "B"),
    "matte": ("A",),
    "confidence": ("A",),
    "quadmask": ("A",),
    "model": ("R", "G", "B"),
}
"""The layers that a removal may add, in their order, and the components of each."""
_OURS = re.compile(rf"(?:{'|'.join(RESULT_LAYERS)})(?:_(\d+))?")


@dataclass(frozen=True, slots=True)
class PlatePicture:
    """The picture of a plate."""

    rgb: tuple[str, str, str]
    """The channels with red, green and blue; three times the same one for a picture of luminance only."""
    layer: str
    """The layer's name; empty for the main one."""
    view: str
    """The view's name; empty where the files have no views."""
    edition: int = 1
    """1, or one more than the highest number that a layer called as ours has in the plate already."""
    own_layers: tuple[str, ...] = ()
    """The plate's own layers that are called as ours are."""
    in_front: str = ""
    """What stands in front of the names of this view's layers, e.g. ``right.``, and after them .."""
    behind: str = ""
    """.. such as ``.right``."""
    notes: tuple[str, ...] = ()
    """What the artist should know about the choice."""

    def added(self, layer: str) -> str:
        """The name in the frame under which a removal adds its ``layer``. The plate's own layers of that name
        are kept, so a second removal's are ``clean_2``, ``matte_2`` and so on."""
        own = layer if self.edition == 1 else f"{layer}_{self.edition}"
        return f"{self.in_front}{own}{self.behind}"

    def told_of(self, layers: Iterable[str]) -> str:
        """Say which names the added layers have where the plate has such layers already; empty where not."""
        names = ", ".join(self.added(layer) for layer in RESULT_LAYERS if layer in set(layers))
        if not names or self.edition == 1:
            return ""
        return f"the plate's own layers {', '.join(self.own_layers)} are kept; this removal's are {names}"


def resolve_picture(header: FrameHeader, view: str = NO_VIEW, layer: str = "") -> PlatePicture:
    """Find the picture.

    Args:
        header: the header of one frame; all frames of a shot have the same channels.
        view: the view; :data:`NO_VIEW` or nothing takes the file's first. Files without views show any view.
        layer: the layer; empty takes the main one, or else the one that is called as a picture is.

    Raises:
        PlateError: when there is no such view or layer, or when several layers could be meant; the message
            names those that there are.
    """
    named = _views_of(header, view)
    channels = _channels(header, named)
    # A header may list views of which the file has one only, under plain names.
    there = {channel.view for channel in channels}
    views = tuple(one for one in named if one in there) if len(there) > 1 else ()
    notes = []
    if views and view in ("", NO_VIEW) and view not in views:
        view = views[0]
        notes.append(
            f"the plate has the views {listed(views)}, of which '{shown(view)}' is worked on; shot.view, or "
            "--view of 'void new', chooses another"
        )
    elif views and view not in views:
        raise PlateError(
            f"{header.described}: there is no view '{shown(view)}', only {listed(views)}; choose one with "
            "shot.view, or --view of 'void new'"
        )
    elif not views:
        view = ""
    own = [channel for channel in channels if channel.view == view or not views]
    found, layer = _layer_of(header, own, layer, view)
    numbered = [match for one in {channel.layer for channel in own} if (match := _OURS.fullmatch(one))]
    in_front, behind = _affixes(header, found[0], view, views)
    return PlatePicture(
        rgb=found,
        layer=layer,
        view=view,
        edition=1 + max((int(match[1] or 1) for match in numbered), default=0),
        own_layers=tuple(sorted(match[0] for match in numbered)),
        in_front=in_front,
        behind=behind,
        notes=tuple(notes),
    )


def channel_in_view(header: FrameHeader, channel: str, view: str) -> str:
    """The full name, in a frame, of a channel that is named for one view: ``A`` of the right eye is
    ``right.A`` in a file with both. In a file without that view, and for a full name, it is the channel
    itself."""
    wanted = parse_name(channel, header.views)
    if view not in header.views or split_name(channel)[0] != wanted.layer:  # The name says its view itself.
        return channel
    for one in _channels(header, header.views):
        if (one.layer, one.component, one.view) == (wanted.layer, wanted.component, view):
            return one.name
    return channel


def _views_of(header: FrameHeader, view: str) -> tuple[str, ...]:
    """The file's views; also the wanted one where only the names of channels tell that it is there."""
    if header.views or view in ("", NO_VIEW):
        return header.views
    implied = any(
        view in (name.split(".")[0], name.split(".")[-2]) for name in header.channel_names if "." in name
    )
    return ("", view) if implied else ()


def _channels(header: FrameHeader, views: tuple[str, ...]) -> list[LayerChannel]:
    if not header.parts:
        return [parse_name(name, views) for name in header.channel_names]
    found = []
    for part in header.parts:
        for name, in_file in part.names.items():
            read = parse_name(in_file, views)
            layer = read.layer or part.layer
            found.append(LayerChannel(name, layer, read.component, part.view or read.view))
    return found


def _layer_of(
    header: FrameHeader, channels: list[LayerChannel], layer: str, view: str
) -> tuple[tuple[str, str, str], str]:
    if layer:
        names = list(dict.fromkeys(channel.layer for channel in channels))
        wanted = next((name for name in names if layer in (name, shown(name))), layer)
        if wanted not in names and is_main(layer):
            wanted = ""
        if found := colours_of(channels, wanted):
            return found, wanted
        raise PlateError(
            f"{header.described}: the layer '{shown(layer)}' has no red, green and blue; {_choices(channels)}"
        )
    if main := main_colours(channels):
        return main
    if candidates := main_layers(channels):
        raise PlateError(
            f"{header.described}: several layers could be the picture: {listed(candidates)}; choose one "
            "with shot.layer, or --layer of 'void new'"
        )
    raise PlateError(f"{header.described}: the main layer has no red, green and blue; {_choices(channels)}")


def _choices(channels: list[LayerChannel]) -> str:
    names = list(dict.fromkeys(channel.layer for channel in channels))
    coloured = [name for name in names if name and colours_of(channels, name)]
    there = f"the file's channels are {listed([channel.name for channel in channels])}"
    if not coloured:
        return there
    return f"the layers {listed(coloured)} have colours: choose one with shot.layer, or --layer of 'void new'"


def _affixes(header: FrameHeader, red: str, view: str, views: tuple[str, ...]) -> tuple[str, str]:
    """What stands around the names of layers that are added for a view."""
    part = next((one for one in header.parts if red in one.names), None)
    if part is not None and part.view:
        return part.prefix, ""
    return ("", f".{view}") if view and view != views[0] else ("", "")
