"""The outline of a matte: whether the plate just outside it still holds the object.

A matte that is a little tight leaves a rim of the object in the plate, which no engine may touch. The rim
shows where the plate differs from what other frames show, more than it does farther out, and towards the
object's colour: what moves by itself beside the object differs in any direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.engines.interface import Monitor, ShotSource
from void_engine.geometry import Box
from void_engine.morphology import MATTE_EPSILON
from void_engine.propagation import encoding, pyramid
from void_engine.propagation.motion.homography import from_box
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.working_set import WorkingSet

MOST_PX = 12
"""The widest rim that is looked for, in pixels."""
_CLEAN_PX = 10
"""Width of the band beyond that in which the plate is taken to be clean."""
_FRAMES = 4
"""How many frames of the shot are looked at."""
_OFFSETS = (-3, 3, -8, 8, -20, 20)
"""Distances in time of the frames with which each is compared."""
_MOST_SOURCES = 3
_LEAST_CORRELATION = 0.6
"""Frames that correlate less show something else."""
_CELL_PX = 24
"""Side of the cells that divide the outline into stretches."""
_FEWEST_PIXELS = 6
"""The least number of comparable pixels of a stretch at one distance."""
_FEWEST_STRETCHES = 4
"""The least number of stretches from which a rim is told."""
_EXCESS = 6.0
"""The energy of a stretch relative to the clean band, from which it holds the object."""
_LEAST_ENERGY = 2e-5
"""Energies below this, in squared encoded units, cannot be seen."""
_LEAST_LIKENESS = 0.6
"""The correlation of that difference with the object's own, from which it is the object's."""
_CORE_PX = 2
"""How deep inside the matte the object's colour is taken."""
_MOST_HIDDEN = 1 / 320
"""The widest rim that the engine keeps away from, relative to the longer side of the picture."""
_STRETCHES = 0.3
"""The share of the stretches at which the rim counts."""


@dataclass(frozen=True, slots=True)
class Rim:
    """How far the object reaches beyond its matte, over the whole shot."""

    width_px: int
    """Pixels of the shot's pictures; 0 where the plate is clean up to the matte."""
    share: float
    """The share of the outline on which that was seen, 0..1."""


def measure_rim(shot: ShotSource, monitor: Monitor) -> Rim | None:
    """Measure the rim on a few frames of the shot, always the same ones.

    Returns:
        None where no other frame shows enough of the outline.
    """
    working = WorkingSet(shot, monitor)
    registration = PairRegistration(working, monitor)
    numbers = shot.frame_numbers
    profiles: list[Float32Array] = []
    for step in range(_FRAMES):
        target = numbers[(2 * step + 1) * len(numbers) // (2 * _FRAMES)]
        monitor.progress("outline", step, _FRAMES, target)
        profiles.extend(_profiles(working, registration, target, numbers))
    monitor.progress("outline", _FRAMES, _FRAMES)
    if len(profiles) < _FEWEST_STRETCHES:
        return None
    table = np.stack(profiles)
    counted = np.isfinite(table).sum(axis=0)
    if counted[0] < _FEWEST_STRETCHES:
        return None
    holding = (np.nan_to_num(table) > _EXCESS).sum(axis=0)
    share = np.where(counted >= _FEWEST_STRETCHES, holding / np.maximum(counted, 1), 0.0)
    width = 0
    while width < MOST_PX and share[width] >= _STRETCHES:
        width += 1
    return Rim(width, float(share[max(0, width - 1)]))


def hidden_rim_px(shot: ShotSource, monitor: Monitor) -> int:
    """How far the pixels beside the mattes are no background: the rim, as far as it is narrow.

    Wider ones, which motion beside the object may feign, would cost more of the plate than they spoil.
    """
    rim = measure_rim(shot, monitor)
    most = max(1, round(max(shot.width, shot.height) * _MOST_HIDDEN))
    return min(rim.width_px, most) if rim else 0


def _profiles(
    working: WorkingSet, registration: PairRegistration, target: int, numbers: range
) -> list[Float32Array]:
    """For each stretch of the outline, the energy at 1, 2, ... pixels outside it relative to the clean band.

    It is NaN where too little can be compared.
    """
    full = working.full(target)
    object_there = full.removed > MATTE_EPSILON
    if full.anchor or not object_there.any():
        return []
    reach = MOST_PX + _CLEAN_PX
    area = Box.around(object_there).grown(reach + 1).intersection(full.box)
    cut = area.slices(full.box)
    distance = opencv.depth_inside(~object_there[cut], opencv.EXACT)
    clear = ~opencv.dilate_by_disc(full.affected[cut] > 0, 2)
    rim = (distance > 0) & (distance <= reach) & clear
    differs = _Difference(np.zeros((*rim.shape, 3), np.float32), np.full(rim.shape, np.inf, np.float32))
    compared = 0
    for offset in _OFFSETS:
        number = target + offset
        if compared == _MOST_SOURCES or number not in numbers:
            continue
        difference = _difference(working, registration, target, number, area)
        if difference is None:
            continue
        compared += 1
        # The rim differs from all frames; what moves by itself in one of them does not count.
        nearer = (difference.energy < differs.energy) & rim
        differs.energy[nearer] = difference.energy[nearer]
        differs.signed[nearer] = difference.signed[nearer]
    towards = _object_colour(full.encoded(area), full.removed[cut]) - (full.encoded(area) - differs.signed)
    return _of_stretches(differs, towards, distance, object_there[cut])


@dataclass(frozen=True, slots=True)
class _Difference:
    """How the target differs from another frame, on an area of it."""

    signed: Float32Array
    """(h, w, 3) encoded: the target less the other frame."""
    energy: Float32Array
    """(h, w): its mean square; infinite where the other frame does not show the pixel."""


def _object_colour(plate: Float32Array, removed: Float32Array) -> Float32Array:
    """The colour of the object nearest to each pixel, (h, w, 3) encoded."""
    inside = removed > MATTE_EPSILON
    core = inside & (opencv.depth_inside(inside) > _CORE_PX)
    core = core if core.any() else inside
    smooth, _ = pyramid.weighted_blur(plate, core.astype(np.float32), float(_CORE_PX))
    rows, columns = np.nonzero(core)
    labels = opencv.nearest_labels(core)
    colours = np.zeros((int(labels.max()) + 1, 3), np.float32)
    colours[labels[rows, columns]] = smooth[rows, columns]
    return np.asarray(colours[labels], np.float32)


def _difference(
    working: WorkingSet, registration: PairRegistration, target: int, number: int, area: Box
) -> _Difference | None:
    """How two frames differ on the target's ``area``; None where nothing can be compared."""
    step = registration.step(target, number)
    if step.correlation < _LEAST_CORRELATION:
        return None
    rows, columns = working.ratio
    # The centre of the first pixel lies at 0 in either size.
    scale = np.diag([columns, rows, 1.0])
    through = from_box(np.linalg.inv(scale) @ step.homography @ scale, area)
    full, other = working.full(target), working.full(number)
    blocked = opencv.dilate_by_disc((other.removed > MATTE_EPSILON) | (other.affected > 0), MOST_PX)
    hidden = opencv.warp_perspective(blocked.astype(np.float32), through, area.shape, outside=1.0)
    valid = np.asarray(hidden < 0.01, bool)
    if not valid.any():
        return None
    seen = encoding.encode(opencv.warp_perspective(other.plate, through, area.shape))
    difference = full.encoded(area) - seen
    signed = np.asarray(difference - np.median(difference[valid], axis=0), np.float32)
    energy = np.where(valid, np.square(signed).mean(axis=2), np.float32(np.inf))
    return _Difference(signed, energy.astype(np.float32))


def _of_stretches(
    differs: _Difference, towards: Float32Array, distance: Float32Array, inside: BoolArray
) -> list[Float32Array]:
    """The profile of each stretch that has a clean band, (MOST_PX,).

    Args:
        differs: from other frames; finite on the rim alone.
        towards: (h, w, 3) encoded, by how much the object differs from them.
        distance: (h, w) from the object, in pixels.
        inside: (h, w), where the object is.
    """
    rows, columns = np.nonzero(np.isfinite(differs.energy))
    if not rows.size:
        return []
    labels = opencv.nearest_labels(inside)
    solid_rows, solid_columns = np.nonzero(inside)
    cells = -(-inside.shape[1] // _CELL_PX)
    cell_of = np.zeros(int(labels.max()) + 1, np.int64)
    cell_of[labels[solid_rows, solid_columns]] = (solid_rows // _CELL_PX) * cells + solid_columns // _CELL_PX
    stretch = cell_of[labels[rows, columns]]
    ring = np.ceil(distance[rows, columns]).astype(np.int64) - 1
    values = differs.energy[rows, columns]
    signed, towards = differs.signed[rows, columns], towards[rows, columns]
    profiles = []
    for one in np.unique(stretch):
        own = stretch == one
        clean = values[own & (ring >= MOST_PX)]
        if clean.size < 8 * _FEWEST_PIXELS:
            continue
        level = max(float(np.median(clean)) * 1.5, _LEAST_ENERGY)
        profile = np.full(MOST_PX, np.nan, np.float32)
        for width in range(MOST_PX):
            here = own & (ring == width)
            if np.count_nonzero(here) >= _FEWEST_PIXELS:
                is_object = _likeness(signed[here], towards[here]) > _LEAST_LIKENESS
                profile[width] = np.mean(values[here]) / level if is_object else 0.0
        profiles.append(profile)
    return profiles


def _likeness(first: Float32Array, second: Float32Array) -> float:
    """The correlation of two differences, (N, 3), -1..1; 0 where one of them is none."""
    power = float(np.square(first).sum()) * float(np.square(second).sum())
    return float((first * second).sum()) / power**0.5 if power > 0 else 0.0
