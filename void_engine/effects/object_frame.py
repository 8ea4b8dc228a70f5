"""Attachment: evidence gathered in the object's own frame, where what belongs to it stands still.

A shadow keeps its place at the object's feet while both move over the scene; a passer-by does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import Float32Array
from void_engine.effects.evidence import Evidence
from void_engine.effects.small_shot import SmallShot

_REACH = 3.0
"""How far the object's frame reaches from its feet, in its sizes."""
_CELLS = 97
"""Cells of the object's frame along a side."""
_STRONG = 4.0
"""Evidence this many times the noise counts half."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What moves along with the object, told by some of the frames; all (h, w) of one frame."""

    strength: Float32Array
    """In 0..1: how much evidence those frames show at the same place beside the object."""
    chance: Float32Array
    """In 0..1: how much they would show there if nothing belonged to the object."""
    change: Float32Array
    """(h, w, 3): the mean change at that place, encoded."""
    coherence: Float32Array
    """In 0..1: how alike the changes are: 1 when all frames show the same there."""
    support: Float32Array
    """How many frames tell, each counted by how far the object has moved in between."""


class ObjectFrames:
    """The evidence of all frames, resampled to the object's frame."""

    def __init__(self, shot: SmallShot) -> None:
        self._shot = shot
        self._step = max(shot.place.size, 4.0) * 2 * _REACH / (_CELLS - 1)
        self._stack = np.zeros((len(shot), _CELLS, _CELLS, 7), np.float32)

    def add(self, evidence: Evidence, target: int) -> None:
        """Take the evidence of frame ``target``; :meth:`attached` is for when all frames are there."""
        self._stack[target] = self._resampled(evidence, target)

    def _grid(self, target: int) -> tuple[Float32Array, Float32Array]:
        x0, y0 = self._shot.place.anchor[target]
        span = (np.arange(_CELLS) - (_CELLS - 1) / 2) * self._step
        x = np.broadcast_to((x0 + span).astype(np.float32), (_CELLS, _CELLS))
        y = np.broadcast_to((y0 + span).astype(np.float32)[:, None], (_CELLS, _CELLS))
        return np.ascontiguousarray(x), np.ascontiguousarray(y)

    def _resampled(self, evidence: Evidence, target: int) -> Float32Array:
        """Frame ``target`` around the object: (cells, cells, 7), each weighted by the last."""
        if not self._shot.place.present(target):
            return np.zeros((_CELLS, _CELLS, 7), np.float32)
        x, y = self._grid(target)
        soft = evidence.strength / (evidence.strength + np.float32(_STRONG))
        change = np.clip(evidence.change, -0.25, 0.25)
        usable = evidence.usable * evidence.known
        planes = [soft, evidence.unrest, *np.moveaxis(change, -1, 0), np.square(change).sum(axis=-1)]
        found = [opencv.remap((p * usable).astype(np.float32), x, y, outside=0.0) for p in planes]
        return np.stack([*found, opencv.remap(usable.astype(np.float32), x, y, outside=0.0)], axis=-1)

    def attached(self, target: int) -> tuple[Attached, Attached]:
        """What frame ``target`` shows that others show beside the object: the frames before, those after."""
        rows, columns = self._shot.shape
        if not self._shot.place.present(target):
            nothing = np.zeros((rows, columns), np.float32)
            none = Attached(nothing, nothing, np.zeros((rows, columns, 3), np.float32), nothing, nothing)
            return none, none
        x0, y0 = self._shot.place.anchor[target]
        middle = (_CELLS - 1) / 2
        x = ((np.arange(columns) - x0) / self._step + middle).astype(np.float32)
        y = ((np.arange(rows) - y0) / self._step + middle).astype(np.float32)
        map_x = np.ascontiguousarray(np.broadcast_to(x, (rows, columns)))
        map_y = np.ascontiguousarray(np.broadcast_to(y[:, None], (rows, columns)))
        apart = self._apart(target)
        weight = (1 - np.exp(-((apart / 0.35) ** 2))).astype(np.float32)
        first, second = (
            np.tensordot(weight[part], self._stack[part], axes=1)
            for part in (slice(0, target), slice(target + 1, None))
        )
        return self._told(first, map_x, map_y), self._told(second, map_x, map_y)

    def _told(self, summed: Float32Array, x: Float32Array, y: Float32Array) -> Attached:
        total = summed[..., 6]
        mean = summed / np.maximum(total, np.float32(0.2))[..., None]
        coherence = np.square(mean[..., 2:5]).sum(axis=-1) / (mean[..., 5] + np.float32(1e-4))
        planes = [mean[..., 0], mean[..., 1], *np.moveaxis(mean[..., 2:5], -1, 0), coherence, total]
        read = [opencv.remap(np.ascontiguousarray(p, np.float32), x, y, outside=0.0) for p in planes]
        return Attached(read[0], read[1], np.stack(read[2:5], axis=-1), read[5], read[6])

    def _apart(self, target: int) -> Float32Array:
        """How far the object has moved over the scene since ``target``, in its sizes; 0 where unknown."""
        place, segment = self._shot.place, self._shot.track.segment(target)
        found = np.zeros(len(self._shot), np.float32)
        for number in segment:
            if place.present(number):
                there = self._shot.track.chained(target, number) @ np.array([*place.anchor[target], 1.0])
                moved = np.hypot(*(place.anchor[number] - there[:2] / there[2]))
                found[number] = moved / place.size
        return found
