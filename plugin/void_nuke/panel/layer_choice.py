"""Which layers of a plate can be worked on."""

from __future__ import annotations

from collections.abc import Iterable

_MAIN = "rgba"
_COLOURS = frozenset({"red", "green", "blue"})


def colour_layers(channels: Iterable[str]) -> tuple[str, ...]:
    """Return the layers with red, green and blue. The first, the empty name, is the main one, or the one that
    is called as a picture is.

    Args:
        channels: full names such as ``rgba.red``.
    """
    found: dict[str, set[str]] = {}
    for name in channels:
        layer, _, component = name.rpartition(".")
        found.setdefault(layer, set()).add(component)
    others = [layer for layer, components in found.items() if components >= _COLOURS]
    return ("", *(layer for layer in others if layer not in ("", _MAIN)))
