"""Anchor frames: shows the model a shot in which the artist has already cleaned some frames.

The model has no input for reference frames. But it trusts a frame that has nothing to remove, and every
window with such a frame is pulled towards it by attention and by the latents that windows share. So an
anchor takes the plate's place, with an empty quadmask, and the answer for it is the artist's frame itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.engines.interface import CleanFrame, ShotFrame, ShotSource
from void_engine.quadmask import KEEP


class AnchoredShot:
    """A shot source whose anchor frames show the artist's clean picture with nothing to remove."""

    def __init__(self, shot: ShotSource) -> None:
        self._shot = shot

    @property
    def frame_numbers(self) -> range:
        return self._shot.frame_numbers

    @property
    def height(self) -> int:
        return self._shot.height

    @property
    def width(self) -> int:
        return self._shot.width

    @property
    def pixel_aspect(self) -> float:
        return self._shot.pixel_aspect

    def frame(self, number: int) -> ShotFrame:
        """The frame as the model sees it; ``replaced`` stays that of the shot."""
        frame, anchor = self._shot.frame(number), self._shot.anchor(number)
        if anchor is None:
            return frame
        nothing = np.zeros_like(frame.remove)
        return replace(
            frame, plate=anchor, remove=nothing, affected=nothing, quadmask=np.full_like(frame.quadmask, KEEP)
        )

    def anchor(self, number: int) -> Float32Array | None:
        return self._shot.anchor(number)

    def given(self, number: int) -> CleanFrame | None:
        """The answer for an anchor frame, which is the artist's own picture; None for other frames."""
        anchor = self._shot.anchor(number)
        if anchor is None:
            return None
        return CleanFrame(number, anchor, np.ones(anchor.shape[:2], np.float32))
