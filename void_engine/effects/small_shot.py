"""The shot as evidence is gathered on it: small, encoded, with the object's place and the camera's motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array, Float64Array
from void_engine.engines.interface import Monitor
from void_engine.propagation import encoding
from void_engine.propagation.in_memory import ArrayShot
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack, track_shot
from void_engine.propagation.working_set import WorkingSet

LONGEST_SIDE = 256
"""Evidence is gathered on a picture no longer than this: effects are large, and noise averages out."""
_KEY = 0.18
"""Scene-linear value that the median of the shot is exposed to before it is encoded."""


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """Where the object is in each frame, in pixels of the small shot."""

    anchor: Float64Array
    """(T, 2): x and y of the middle of its lower edge; not a number where it is absent."""
    size: float
    """Its typical height, at least 1: the larger of its height and of the side of a square as large as it."""

    def present(self, frame: int) -> bool:
        return bool(np.isfinite(self.anchor[frame, 0]))


@dataclass(frozen=True, slots=True)
class SmallShot:
    """A shot at the size on which evidence is gathered. Frames are counted from 0."""

    encoded: list[Float32Array]
    """(h, w, 3) for each frame, in propagation's encoding."""
    removed: list[BoolArray]
    """(h, w) for each frame: the object's matte, grown by a pixel."""
    away: list[Float32Array]
    """(h, w) for each frame: the distance from the object in pixels, far beyond the picture if absent."""
    place: ObjectPlace
    track: ShotTrack
    registration: PairRegistration
    working: WorkingSet

    @property
    def shape(self) -> tuple[int, int]:
        return self.removed[0].shape[0], self.removed[0].shape[1]

    def __len__(self) -> int:
        return len(self.encoded)


def small_size(height: int, width: int) -> tuple[int, int]:
    """The rows and columns on which evidence is gathered."""
    scale = min(1.0, LONGEST_SIDE / max(height, width, 1))
    return max(1, round(height * scale)), max(1, round(width * scale))


def reduced(
    plate: Float32Array, remove: Float32Array, shape: tuple[int, int]
) -> tuple[Float32Array, Float32Array]:
    """Bring a frame (H, W, 3) and its matte (H, W) to ``shape``; broken pixels become 0, and unusable."""
    broken: BoolArray = np.asarray(~np.isfinite(plate).all(axis=2), bool)
    picture = np.where(broken[:, :, None], np.float32(0), plate).astype(np.float32, copy=False)
    hidden = ((remove > 0) | broken).astype(np.float32)
    if shape == remove.shape:
        return picture, hidden
    small = opencv.resize(np.ascontiguousarray(picture), shape, opencv.AREA)
    return small, (opencv.resize(hidden, shape, opencv.AREA) > 1e-4).astype(np.float32)


def look(plate: Float32Array, hidden: Float32Array, monitor: Monitor) -> SmallShot:
    """Measure a small shot: plate (T, h, w, 3) scene-linear and ``hidden`` (T, h, w), 1 at the object."""
    usable = plate[:: max(1, len(plate) // 8)]
    middle = float(np.median(usable[usable > 1e-4])) if (usable > 1e-4).any() else _KEY
    gain = float(np.clip(_KEY / middle, 2.0**-10, 2.0**10))
    # An ordinary picture is encoded as it is.
    gain = gain if not 0.25 < gain < 4 else 1.0
    working = WorkingSet(ArrayShot(plate, hidden), monitor)
    registration = PairRegistration(working, monitor)
    track = track_shot(working, registration, range(len(plate)), monitor)
    encoded, removed, away = [], [], []
    for frame, matte in zip(plate, hidden, strict=True):
        encoded.append(encoding.encode(frame * np.float32(gain)))
        mask = opencv.dilate(matte > 0, opencv.square(3))
        removed.append(mask)
        away.append(
            opencv.depth_inside(~mask, opencv.CLOSE) if mask.any() else np.full(mask.shape, 1e4, np.float32)
        )
    return SmallShot(encoded, removed, away, _place(removed), track, registration, working)


def _place(removed: list[BoolArray]) -> ObjectPlace:
    anchors, sizes = [], []
    for mask in removed:
        rows = np.nonzero(mask.any(axis=1))[0]
        if not len(rows):
            anchors.append((np.nan, np.nan))
            continue
        tall = int(rows[-1] - rows[0] + 1)
        lower = mask[max(rows[0], rows[-1] - max(1, tall // 6)) :]
        across = np.nonzero(lower.any(axis=0))[0]
        anchors.append(((across[0] + across[-1]) / 2, float(rows[-1])))
        sizes.append(max(tall, float(np.sqrt(mask.sum()))))
    return ObjectPlace(
        np.array(anchors, np.float64).reshape(-1, 2), float(np.median(sizes)) if sizes else 1.0
    )
