"""Judging beside the hole, and what it is for: the engine is never far behind the best simple answer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation import encoding, inpainting
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor, remove_object
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.shot_motion import ShotMotion
from void_engine.propagation.motion.track import track_shot
from void_engine.propagation.reveal import judging
from void_engine.propagation.reveal.reveal import Revealer
from void_engine.propagation.working_set import WorkingSet

FRAMES, ROWS, COLUMNS = 8, 80, 120


def cloth(seed: int, grain_px: float, columns: int = COLUMNS) -> Float32Array:
    weave = cv2.GaussianBlur(
        np.random.default_rng(seed).normal(0, 1, (ROWS, columns, 3)).astype(np.float32), (0, 0), grain_px
    )
    return np.asarray(0.4 + 0.12 * weave / weave.std(), np.float32)


def matte() -> Float32Array:
    mattes = np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    for t in range(FRAMES):
        mattes[t, 25:55, 20 + 8 * t : 40 + 8 * t] = 1
    return mattes


def error(clean: Float32Array, truth: Float32Array, inside: BoolArray) -> float:
    return float(np.sqrt(np.square(encoding.encode(clean) - encoding.encode(truth))[inside].mean()))


def removed(truth: Float32Array, mattes: Float32Array) -> float:
    plate = np.where(mattes[..., None] > 0, np.float32(0.9), truth).astype(np.float32)
    return error(remove_object(plate, mattes), truth, mattes > 0)


@pytest.mark.slow
def test_where_every_frame_shows_something_else_the_surroundings_are_continued() -> None:
    """Slow light that is new in each frame: no other frame knows it, but the plate around the hole does."""
    truth = np.stack([cloth(t, 30.0) for t in range(FRAMES)])
    mattes = matte()
    smooth = np.stack(
        [
            encoding.decode(inpainting.smooth_fill(encoding.encode(picture * (1 - m[..., None])), m > 0))
            for picture, m in zip(truth, mattes, strict=True)
        ]
    )
    assert removed(truth, mattes) < 1.1 * error(smooth, truth, mattes > 0)


@pytest.mark.slow
def test_a_wall_that_stands_still_beside_a_moving_crowd_is_not_moved() -> None:
    """Most corners move with the crowd on the right; what is behind the object stands still."""
    wall, crowd = cloth(50, 1.5), cloth(51, 1.5, COLUMNS + 60)
    truth = np.stack([wall] * FRAMES)
    for t in range(FRAMES):
        truth[t, :, 70:] = crowd[:, 3 * t : 3 * t + COLUMNS - 70]
    mattes = np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    for t in range(FRAMES):
        mattes[t, 25:55, 8 + 4 * t : 24 + 4 * t] = 1
    truth += np.random.default_rng(4).normal(0, 0.003, truth.shape).astype(np.float32)
    assert removed(truth, mattes) < 0.02


@pytest.mark.slow
def test_what_moves_beside_the_hole_is_no_change_of_light_inside_it() -> None:
    """Under a locked-off camera a bright sign slides past the object; behind the object nothing changes."""
    wall = cloth(60, 1.5)
    truth = np.stack([wall] * FRAMES)
    for t in range(FRAMES):
        truth[t, 57:72, 12 + 8 * t : 40 + 8 * t] += np.float32(0.5)
    assert removed(truth, matte()) < 0.006


def test_into_a_thin_hole_the_nearest_full_size_pixels_are_continued() -> None:
    """Analysis masks are a pixel wider than the hole; what is continued must not lose that pixel."""
    truth = np.stack([cloth(80, 2.0)] * 3)
    mattes = np.zeros((3, ROWS, COLUMNS), np.float32)
    mattes[:, 25:55, 30:33] = 1
    mattes[:, 10:70, 60:100] = 1
    working = WorkingSet(ArrayShot(truth, mattes), SilentMonitor())
    pairs = PairRegistration(working, SilentMonitor())
    track = track_shot(working, pairs, range(3), SilentMonitor())
    motion = ShotMotion(working, track, pairs, SilentMonitor())
    full = working.full(1)
    area, (lines, slow) = judging.Judge(motion)._continued(full, Revealer(motion).surround(1), 1)
    cut = area.slices(full.box)
    stroke = np.zeros((ROWS, COLUMNS), bool)
    stroke[25:55, 30:33] = True
    plain = inpainting.inpaint(full.encoded(area), stroke[cut])
    assert np.abs(lines - plain)[stroke[cut]].max() < 1e-5
    assert np.array_equal(lines[~full.hidden[cut]], full.encoded(area)[~full.hidden[cut]])
    assert 0.0 < float(np.abs(slow - plain)[stroke[cut]].mean()) < 0.1
    for picture in (lines, slow):
        assert np.isfinite(picture).all()
        assert abs(float(picture[full.hidden[cut]].mean()) - float(full.encoded(area).mean())) < 0.05


def slow_bar(grown: int) -> Float32Array:
    """A bar that most pixels are revealed by for one frame only, right beside it."""
    mattes = np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    for t in range(FRAMES):
        mattes[t, 20:60, 50 + t - grown : 57 + t + grown] = 1
    return mattes


def test_pixels_right_beside_other_holes_are_taken_where_they_are_clean() -> None:
    truth = np.repeat(cloth(3, 1.0)[None], FRAMES, axis=0)
    mattes = slow_bar(0)
    assert (mattes.sum(axis=0) == FRAMES - 1).any()
    assert removed(truth, mattes) < 0.02


def test_pixels_right_beside_other_holes_are_left_where_they_show_the_object() -> None:
    truth = np.repeat(cloth(3, 1.0)[None], FRAMES, axis=0)
    plate = np.where(slow_bar(1)[..., None] > 0, np.float32(0.9), truth).astype(np.float32)
    clean = remove_object(plate, slow_bar(0))
    inside = slow_bar(0) > 0
    assert float((clean[inside] > 0.85).mean()) < 0.1
