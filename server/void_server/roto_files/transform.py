"""The transforms of roto layers and shapes: a pivot, a move, a turn, a scale, a skew and a matrix of its
own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_server.roto_files.animation import Floats, Track, sample

IDENTITY_16: tuple[float, ...] = (1.0,) + (*(0.0,) * 4, 1.0) * 3
_PLANE = (0, 1, 3, 4, 5, 7, 12, 13, 15)
"""The places of a 4 x 4 matrix, row by row, that act on a plane where z is 0."""


@dataclass(frozen=True)
class Transform:
    """A transform whose parts may animate. Angles are degrees, counter-clockwise with y up."""

    pivot: tuple[Track, Track] = (0.0, 0.0)
    move: tuple[Track, Track] = (0.0, 0.0)
    turn: Track = 0.0
    scale: tuple[Track, Track] = (1.0, 1.0)
    skew: Track = 0.0
    extra: tuple[Track, ...] = IDENTITY_16
    """A 4 x 4 matrix, row by row, that acts after the rest."""

    def matrices(self, frames: Floats) -> Floats:
        """Return the matrix at each frame, float64 of shape (frames, 3, 3)."""
        total = np.zeros((len(frames), 3, 3))
        px, py = (sample(track, frames) for track in self.pivot)
        tx, ty = (sample(track, frames) for track in self.move)
        sx, sy = (sample(track, frames) for track in self.scale)
        shear = sample(self.skew, frames)
        angle = np.radians(sample(self.turn, frames))
        c, s = np.cos(angle), np.sin(angle)
        a, b = c * sx, (c * shear - s) * sy
        d, e = s * sx, (s * shear + c) * sy
        total[:, 0, 0], total[:, 0, 1], total[:, 0, 2] = a, b, px + tx - a * px - b * py
        total[:, 1, 0], total[:, 1, 1], total[:, 1, 2] = d, e, py + ty - d * px - e * py
        total[:, 2, 2] = 1.0
        if self.has_extra:
            parts = [sample(self.extra[place], frames) for place in _PLANE]
            extra = np.stack(parts, axis=1).reshape(-1, 3, 3)
            total = extra @ total
        return total

    @property
    def has_extra(self) -> bool:
        """Whether the matrix of its own is more than the identity."""
        return self.extra != IDENTITY_16
