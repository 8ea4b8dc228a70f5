"""What the attributes of Nuke's roto shapes and layers mean, for the panel that asks Nuke and for the server
that reads a script's text."""

from __future__ import annotations

BLEND_MODES = (
    "over", "max", "multiply", "color-burn", "min", "screen", "color-dodge", "plus", "overlay", "soft-light",
    "hard-light", "from", "minus", "difference", "exclusion",
)  # fmt: skip
"""The blend modes in the order of their numbers."""
UNION_MODES = frozenset({0, 1, 5, 7})
"""The blend modes over, max, screen and plus: for opaque shapes they make a union, as the shapes of a role
do."""

DEFAULTS = {
    "vis": 1.0, "opc": 1.0, "bm": 0.0, "inv": 0.0, "fo": 1.0, "fx": 0.0, "fy": 0.0, "ff": 1.0, "ft": 0.0,
    "ltt": 0.0, "ltn": 1.0, "ltm": 1.0, "mbo": 0.0, "a": 1.0,
}  # fmt: skip
"""The attributes that decide about a matte, with the values that a script leaves out."""

ALL_FRAMES, UP_TO_FRAME, ONE_FRAME, FROM_FRAME, FRAME_RANGE = range(5)
FEATHER_LIMIT_PX = 4096.0
FALLOFF_LIMIT = 100.0


def blend_mode_name(mode: int) -> str:
    """Return the name of a blend mode, or its number where it has none."""
    return BLEND_MODES[mode] if 0 <= mode < len(BLEND_MODES) else str(mode)


def is_known_lifetime(kind: int) -> bool:
    """Return whether ``kind`` is one of the lifetimes that :func:`is_alive` understands."""
    return ALL_FRAMES <= kind <= FRAME_RANGE


def is_alive(kind: int, first: float, last: float, frame: float) -> bool:
    """Return whether an element of this lifetime shows at ``frame``; ``first`` and ``last`` are included."""
    if kind == UP_TO_FRAME:
        return frame <= last
    if kind == ONE_FRAME:
        return frame == first
    if kind == FROM_FRAME:
        return frame >= first
    if kind == FRAME_RANGE:
        return first <= frame <= last
    return True


def clamped_feather(pixels: float) -> float:
    """Return a uniform feather within the limits of a job."""
    return min(max(pixels, -FEATHER_LIMIT_PX), FEATHER_LIMIT_PX)


def clamped_falloff(falloff: float) -> float:
    """Return a feather's falloff within the limits of a job."""
    return min(max(falloff, 0.0), FALLOFF_LIMIT)


def clamped_opacity(opacity: float) -> float:
    """Return an opacity within 0..1."""
    return min(max(opacity, 0.0), 1.0)
