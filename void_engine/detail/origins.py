"""Where the pixels of a result come from."""

from __future__ import annotations

import enum


class Origin(enum.IntEnum):
    """Where a pixel of the result comes from."""

    OWN = 0
    """This frame's own plate."""
    PROPAGATED = 1
    """Other frames of the plate, at the same place of the scene."""
    MOVED = 2
    """Another place: an object that has moved."""
    MODEL = 3
    """The model's answer, enlarged."""
    INVENTED = 4
    """The model's answer with a fine band made up from similar places, stronger than the model's error."""
