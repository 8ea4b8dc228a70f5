"""Finds the channels that hold a layer's colours, by their names alone."""

from __future__ import annotations

from collections.abc import Sequence

# The spellings of a colour triple, those of EXR, Nuke and OpenGL, are compared without regard to case.
_TRIPLES = (("r", "g", "b"), ("red", "green", "blue"))
_GREYS = ("y", "luminance", "grey", "gray")


def split_name(channel: str) -> tuple[str, str]:
    """Split a channel name into ``(layer, component)``; the main layer is the empty name."""
    layer, _, component = channel.rpartition(".")
    return layer, component


def layer_names(channel_names: Sequence[str]) -> list[str]:
    """The layers in order of appearance; the main layer is the empty name."""
    return list(dict.fromkeys(split_name(name)[0] for name in channel_names))


def find_rgb(channel_names: Sequence[str], layer: str = "") -> tuple[str, str, str] | None:
    """The channels that hold red, green and blue of ``layer``; None where the names do not tell.

    A layer with luminance only, or with a single channel, gives that channel three times. The main layer (the
    empty name) is the channels without a prefix; where those have no colours and exactly one layer has an RGB
    triple (``Combined.R``, ...), that layer is the main one.
    """
    found = _triple_of(channel_names, layer) or _grey_of(channel_names, layer)
    if found is None and not layer:
        named = [name for name in layer_names(channel_names) if name]
        triples = [triple for name in named if (triple := _triple_of(channel_names, name)) is not None]
        found = triples[0] if len(triples) == 1 else None
    if found is None:
        candidates = list(_components(channel_names, layer).values()) if layer else channel_names
        found = (candidates[0],) * 3 if len(candidates) == 1 else None
    return found


def _components(channel_names: Sequence[str], layer: str) -> dict[str, str]:
    """The layer's channels, keyed by the component's name in lower case."""
    parts = ((split_name(name), name) for name in channel_names)
    return {component.lower(): name for (owner, component), name in parts if owner == layer}


def _triple_of(channel_names: Sequence[str], layer: str) -> tuple[str, str, str] | None:
    components = _components(channel_names, layer)
    for red, green, blue in _TRIPLES:
        if red in components and green in components and blue in components:
            return components[red], components[green], components[blue]
    return None


def _grey_of(channel_names: Sequence[str], layer: str) -> tuple[str, str, str] | None:
    components = _components(channel_names, layer)
    if "x" in components:
        return None  # This is a vector, whose y is no luminance.
    greys = [components[grey] for grey in _GREYS if grey in components]
    return (greys[0],) * 3 if greys else None
