"""The outline of a matte: whether the plate just outside it still holds the object.

A matte that is a little tight leaves a rim of the object in the plate, which no engine may touch. The rim
shows where the plate differs from what other frames show, more than it does farther out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from void_engine import opencv
from void_engine.arrays import BoolArray, Float32Array
from void_engine.engines.interface import Monitor, ShotSource
from void_engine.geometry import Box
from void_engine.morphology import MATTE_EPSILON
from void_engine.propagation import encoding
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
    energy = np.full(rim.shape, np.inf, np.float32)
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
        np.minimum(energy, np.where(difference[1] & rim, difference[0], np.inf), out=energy)
    return _of_stretches(energy, distance, object_there[cut])


def _difference(
    working: WorkingSet, registration: PairRegistration, target: int, number: int, area: Box
) -> tuple[Float32Array, BoolArray] | None:
    """The squared difference of two frames on the target's ``area``, (h, w), and where it is valid."""
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
    slow = np.median(difference[valid], axis=0)
    return np.asarray(np.square(difference - slow).mean(axis=2), np.float32), valid


def _of_stretches(energy: Float32Array, distance: Float32Array, inside: BoolArray) -> list[Float32Array]:
    """The profile of each stretch that has a clean band, (MOST_PX,)."""
    rows, columns = np.nonzero(np.isfinite(energy))
    if not rows.size:
        return []
    labels = opencv.nearest_labels(inside)
    solid_rows, solid_columns = np.nonzero(inside)
    cells = -(-inside.shape[1] // _CELL_PX)
    cell_of = np.zeros(int(labels.max()) + 1, np.int64)
    cell_of[labels[solid_rows, solid_columns]] = (solid_rows // _CELL_PX) * cells + solid_columns // _CELL_PX
    stretch = cell_of[labels[rows, columns]]
    ring = np.ceil(distance[rows, columns]).astype(np.int64) - 1
    values = energy[rows, columns]
    profiles = []
    for one in np.unique(stretch):
        own = stretch == one
        clean = values[own & (ring >= MOST_PX)]
        if clean.size < 8 * _FEWEST_PIXELS:
            continue
        level = max(float(np.median(clean)) * 1.5, _LEAST_ENERGY)
        profile = np.full(MOST_PX, np.nan, np.float32)
        for width in range(MOST_PX):
            here = values[own & (ring == width)]
            if here.size >= _FEWEST_PIXELS:
                profile[width] = np.mean(here) / level
        profiles.append(profile)
    return profiles
