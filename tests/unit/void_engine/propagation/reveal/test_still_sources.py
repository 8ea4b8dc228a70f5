"""Frames that show a hole where it is, beside something large that moves and is taken for the camera."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor, remove_object
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.motion.track import track_shot
from void_engine.propagation.reveal.still_sources import still_sources
from void_engine.propagation.working_set import WorkingSet

ROWS, COLUMNS, FRAMES = 96, 168, 14
EDGE = 64
"""Left of this column the ground stands still, right of it something passes."""


def _texture(columns: int, seed: int, sigma: float) -> Float32Array:
    noise = np.random.default_rng(seed).normal(0, 1, (ROWS, columns, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.asarray(np.clip(0.4 + 0.15 * smooth / smooth.std(), 0.02, 1.0), np.float32)


def _shot(passing_px: int, step_px: int = 2) -> tuple[Float32Array, Float32Array, Float32Array]:
    """A plate, a matte and the truth: an object goes ``step_px`` a frame over soft ground."""
    ground, rest = _texture(EDGE, 1, 4.0), _texture(COLUMNS + 100, 2, 1.2)
    truth = np.empty((FRAMES, ROWS, COLUMNS, 3), np.float32)
    matte = np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    for t in range(FRAMES):
        truth[t, :, :EDGE] = ground
        truth[t, :, EDGE:] = rest[:, passing_px * t :][:, : COLUMNS - EDGE]
        matte[t, 30:60, 10 + step_px * t : 26 + step_px * t] = 1
    return truth * (1 - matte[..., None]) + 0.8 * matte[..., None], matte, truth


def _motion(plate: Float32Array, matte: Float32Array) -> ShotMotion:
    monitor = SilentMonitor()
    working = WorkingSet(ArrayShot(plate, matte), monitor)
    registration = PairRegistration(working, monitor)
    return ShotMotion(
        working, track_shot(working, registration, range(FRAMES), monitor), registration, monitor
    )


def test_frames_that_show_the_hole_as_they_are_join_those_that_hide_it() -> None:
    plate, matte, _ = _shot(passing_px=3)
    motion = _motion(plate, matte)
    assert not motion.track.is_locked_off(6)
    found = still_sources(motion, 6, [5, 7, 8])
    assert found
    assert not {5, 6, 7, 8} & set(found)
    shown = np.zeros((ROWS, COLUMNS), bool)
    for number in (5, 7, 8, *found):
        shown |= matte[number] == 0
    assert shown[matte[6] > 0].all()
    assert still_sources(motion, 6, [0, 13]) == []  # these show all of it


def test_nothing_joins_where_the_surroundings_move_with_the_camera_or_stand_still_with_it() -> None:
    plate, matte, _ = _shot(passing_px=0)
    assert still_sources(_motion(plate, matte), 6, [5, 7]) == []
    pan = np.stack([np.roll(_texture(COLUMNS, 3, 1.5), -2 * t, axis=1) for t in range(FRAMES)])
    motion = _motion(pan * (1 - matte[..., None]), matte)
    assert not motion.track.is_locked_off(6)
    assert still_sources(motion, 6, [5, 7]) == []


def test_still_ground_beside_something_that_passes_is_revealed() -> None:
    plate, matte, truth = _shot(passing_px=3)
    clean = remove_object(plate, matte)
    error = np.sqrt(np.square(clean - truth)[matte > 0].mean())
    assert error < 0.0002
