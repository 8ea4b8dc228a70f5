"""A camera that stands still is told from one that moves, however much moves before it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor
from void_engine.propagation.motion import locked_off
from void_engine.propagation.motion.motion_layers import Tracks
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack, track_shot
from void_engine.propagation.working_set import WorkingSet

FRAMES, ROWS, COLUMNS = 9, 90, 140


def tracks(moved: Float32Array) -> Tracks:
    points = np.zeros((len(moved), 2), np.float32)
    return Tracks(points, points + np.stack([moved, np.zeros_like(moved)], axis=1))


def test_most_corners_decide() -> None:
    noise = np.full(60, 0.1, np.float32)
    assert locked_off.is_still(tracks(noise))
    assert locked_off.is_still(tracks(np.where(np.arange(60) < 25, np.float32(4), noise)))
    assert not locked_off.is_still(tracks(np.where(np.arange(60) < 40, np.float32(4), noise)))
    assert not locked_off.is_still(tracks(noise + np.float32(0.4)))


def test_few_corners_tell_nothing() -> None:
    assert locked_off.is_still(tracks(np.zeros(8, np.float32))) is None
    assert locked_off.is_still(None) is None


def looked_at(drift_px: float, motion: str = "auto", waving_px: float = 0.0) -> ShotTrack:
    """A textured wall under a camera that drifts, and before its left third a cloth that waves."""
    generator = np.random.default_rng(2)
    wide = cv2.GaussianBlur(
        generator.uniform(0.1, 0.9, (ROWS, COLUMNS + 40, 3)).astype(np.float32), (0, 0), 1.2
    )
    x, y = np.meshgrid(np.arange(COLUMNS, dtype=np.float32), np.arange(ROWS, dtype=np.float32))
    plates = []
    for t in range(FRAMES):
        cloth = np.where(x < COLUMNS / 3, np.float32(waving_px * (t % 3)), np.float32(0))
        picture = cv2.remap(wide, x + 10 + np.float32(drift_px * t) + cloth, y, cv2.INTER_CUBIC)
        plates.append(picture + generator.normal(0, 0.004, picture.shape).astype(np.float32))
    matte = np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    matte[:, 40:60, 60:75] = 1
    working = WorkingSet(ArrayShot(np.stack(plates), matte), SilentMonitor())
    registration = PairRegistration(working, SilentMonitor())
    return track_shot(working, registration, range(FRAMES), SilentMonitor(), motion)


@pytest.mark.parametrize(
    ("drift_px", "waving_px", "still"),
    [(0.0, 0.0, True), (0.0, 5.0, True), (0.15, 0.0, False), (3.0, 0.0, False)],
)
def test_a_slow_drift_is_motion_and_a_waving_cloth_is_not(
    drift_px: float, waving_px: float, still: bool
) -> None:
    track = looked_at(drift_px, waving_px=waving_px)
    assert track.is_locked_off(4) == still
    assert np.array_equal(track.chained(1, 7), np.eye(3)) == still


def test_the_artist_has_the_last_word() -> None:
    assert looked_at(3.0, "locked-off").is_locked_off(4)
    assert np.array_equal(looked_at(3.0, "locked-off").chained(0, 8), np.eye(3))
    assert not looked_at(0.0, "one-plane").is_locked_off(4)
