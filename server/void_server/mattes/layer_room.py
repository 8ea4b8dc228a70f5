"""How many layers one frame of a job's mattes may have, by its size."""

from __future__ import annotations

MOST_LAYER_BYTES = 512 << 20
"""The most bytes that the layers of one frame may hold in half float. Beside that frame as many wait to be
written, and its layers are at hand as they were made."""


def most_layers(shape: tuple[int, int]) -> int:
    """How many layers a frame of ``shape`` (height, width) may have, the whole matte and one at least."""
    return max(2, MOST_LAYER_BYTES // (2 * shape[0] * shape[1]))
