"""The ACES container, a restricted EXR (SMPTE ST 2065-4), as plates come from some cameras and archives."""

from __future__ import annotations

from void_engine.plates.frame.header import HALF, FrameHeader

CONTAINER_ATTRIBUTE = "acesImageContainerFlag"
"""The attribute by which a file says that it is such a container."""
_COLOURS = frozenset({"R", "G", "B"})
_LEFT = frozenset({"left.R", "left.G", "left.B"})
_ALLOWED = (
    _COLOURS,
    _COLOURS | {"A"},
    _COLOURS | _LEFT,
    _COLOURS | {"A"} | _LEFT | {"left.A"},
)
"""The sets of channels that a container may have."""


def is_container(header: FrameHeader) -> bool:
    """Whether a frame that comes from a container can be stored as one: in half float, with no channels but
    those that the standard allows. It is then not compressed."""
    return (
        bool(header.metadata.get(CONTAINER_ATTRIBUTE))
        and not header.parts
        and set(header.channel_names) in _ALLOWED
        and all(channel.dtype == HALF for channel in header.channels)
    )


def container_note(header: FrameHeader, adds_layers: bool) -> str:
    """Say what becomes of a plate that is a container; empty for another plate."""
    if not header.metadata.get(CONTAINER_ATTRIBUTE):
        return ""
    if adds_layers:
        return (
            "the plate is an ACES container (ST 2065-4), which may hold no further layers: the result is a "
            "plain EXR of the same pixels, with its layers; for a container, ask for no output.layers"
        )
    return "the plate is an ACES container (ST 2065-4), and so is the result: half float, not compressed"
