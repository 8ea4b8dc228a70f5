"""Finds views, layers and the channels that hold a layer's colours, by names alone.

A channel of a file with several views says its view in its name: the last but one part of it, as in
``depth.right.Z``, or the first, as in ``right.depth.Z`` ("Storing Multi-View Images in OpenEXR Files",
Industrial Light & Magic). A name without a view belongs to the first view.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

# The spellings of a colour triple, those of EXR, Nuke and OpenGL. The exact ones win over other cases.
_TRIPLES = (("R", "G", "B"), ("red", "green", "blue"))
_GREYS = ("y", "luminance", "grey", "gray")
_MAIN = frozenset({"", "rgba", "rgb"})
"""What the main layer is called, in lower case."""
_BEAUTY = frozenset({"beauty", "c", "combined", "main", "color", "colour"})
"""What renderers call the picture where their main layer is missing, in lower case."""
_MOST_LISTED = 40


class LayerChannel(NamedTuple):
    """What a channel's name says."""

    name: str
    """The full name in the frame."""
    layer: str
    """The layer without its view; the main layer is the empty name."""
    component: str
    view: str
    """The view; empty where the file has none."""


def split_name(channel: str) -> tuple[str, str]:
    """Split a channel name into ``(layer, component)``; the main layer is the empty name."""
    layer, _, component = channel.rpartition(".")
    return layer, component


def layer_names(channel_names: Sequence[str]) -> list[str]:
    """The layers in order of appearance; the main layer is the empty name."""
    return list(dict.fromkeys(split_name(name)[0] for name in channel_names))


def parse_name(channel: str, views: Sequence[str]) -> LayerChannel:
    """Read a channel's name in a file that has these views, the first of them by default."""
    path, component = split_name(channel)
    words = path.split(".") if path else []
    view = views[0] if views else ""
    for place in dict.fromkeys((len(words) - 1, 0)):
        if 0 <= place < len(words) and words[place] in views:
            view = words.pop(place)
            break
    return LayerChannel(channel, ".".join(words), component, view)


def layer_of_part(part: str, view: str) -> str:
    """The layer that a part of a file stands for: its name without its view, and empty for a main one."""
    name = part
    if view:
        sign = re.escape(view)
        name = re.sub(rf"^{sign}$|^{sign}[._]|[._]{sign}$", "", part)
    return "" if name.lower() in _MAIN else name


def is_main(layer: str) -> bool:
    """Whether a layer is called as the main one is, whose channels stand in a file without its name."""
    return layer.lower() in _MAIN


def find_rgb(channel_names: Sequence[str], layer: str = "") -> tuple[str, str, str] | None:
    """The channels that hold red, green and blue of ``layer``; None where the names do not tell.

    A layer with luminance only, or with a single channel, gives that channel three times. The main layer (the
    empty name) is the channels without a prefix; where those have no colours, it is what :func:`main_layers`
    says, if that is one layer.
    """
    channels = [parse_name(name, ()) for name in channel_names]
    if layer:
        return colours_of(channels, layer)
    main = main_colours(channels)
    return None if main is None else main[0]


def main_colours(channels: Sequence[LayerChannel]) -> tuple[tuple[str, str, str], str] | None:
    """The channels with the colours of the main layer, and the layer that stands for it; None where the names
    do not tell."""
    if found := colours_of(channels, ""):
        return found, ""
    candidates = main_layers(channels)
    if len(candidates) == 1 and (found := colours_of(channels, candidates[0])):
        return found, candidates[0]
    if not candidates and len(channels) == 1:
        return (channels[0].name,) * 3, channels[0].layer
    return None


def main_layers(channels: Sequence[LayerChannel]) -> list[str]:
    """The layers with a colour triple that may be meant as the picture: one called rgba or nothing, else
    those called beauty or the like by the last word of their name (``ViewLayer.Combined``), else all of
    them."""
    named = [
        layer
        for layer in dict.fromkeys(channel.layer for channel in channels)
        if _triple_of(_components(channels, layer)) is not None
    ]
    for names in (_MAIN, _BEAUTY):
        preferred = [layer for layer in named if layer.rpartition(".")[2].lower() in names]
        if preferred:
            return preferred
    return named


def colours_of(channels: Iterable[LayerChannel], layer: str) -> tuple[str, str, str] | None:
    """The channels that hold a layer's colours; None where it has none.

    A luminance stands for all three, and so does the only channel of a layer that has a name.
    """
    components = _components(channels, layer)
    found = _triple_of(components) or _grey_of(components)
    if found is None and layer and len(components) == 1:
        found = (next(iter(components.values())),) * 3
    return found


def _components(channels: Iterable[LayerChannel], layer: str) -> dict[str, str]:
    """The layer's channels, keyed by the component; of two the first."""
    found: dict[str, str] = {}
    for channel in channels:
        if channel.layer == layer:
            found.setdefault(channel.component, channel.name)
    return found


def _triple_of(components: Mapping[str, str]) -> tuple[str, str, str] | None:
    for red, green, blue in _TRIPLES:
        if red in components and green in components and blue in components:
            return components[red], components[green], components[blue]
    lower = _in_lower_case(components)
    for red, green, blue in _TRIPLES:
        if red.lower() in lower and green.lower() in lower and blue.lower() in lower:
            return lower[red.lower()], lower[green.lower()], lower[blue.lower()]
    return None


def _grey_of(components: Mapping[str, str]) -> tuple[str, str, str] | None:
    lower = _in_lower_case(components)
    if "x" in lower:
        return None  # This is a vector, whose y is no luminance.
    greys = [lower[grey] for grey in _GREYS if grey in lower]
    return (greys[0],) * 3 if greys else None


def _in_lower_case(components: Mapping[str, str]) -> dict[str, str]:
    """The components by their names in lower case; of two that differ in case only, the first."""
    lower: dict[str, str] = {}
    for component, name in components.items():
        lower.setdefault(component.lower(), name)
    return lower


def shown(name: str) -> str:
    """A name as it is shown and may be typed: bytes that are not UTF-8, and signs that would break the line
    or steer a terminal, as ``\\xe9`` and ``\\n``."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def listed(names: Iterable[str]) -> str:
    """Names in a message; beyond forty, only how many more there are."""
    texts = [shown(name) or "(main)" for name in names]
    more = f" and {len(texts) - _MOST_LISTED} more" if len(texts) > _MOST_LISTED else ""
    return ", ".join(texts[:_MOST_LISTED]) + more
