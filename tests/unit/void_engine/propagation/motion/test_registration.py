from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.engines.interface import ShotFrame
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor
from void_engine.propagation.motion import registration
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import track_shot
from void_engine.propagation.working_set import WorkingSet


def scene(moves: list[np.ndarray], noise: float = 0.0, seed: int = 2) -> WorkingSet:
    """A shot of a textured plane seen through each of the moves (frame pixels to plane pixels)."""
    generator = np.random.default_rng(seed)
    still = cv2.GaussianBlur(generator.normal(0, 1, (400, 520, 3)).astype(np.float32), (0, 0), 2.0)
    still = 0.5 + 0.12 * still / still.std()
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    base = np.array([[1, 0, 160], [0, 1, 130], [0, 0, 1.0]])
    frames = [cv2.warpPerspective(still, base @ move, (200, 140), flags=flags) for move in moves]
    plate = np.stack(frames).astype(np.float32)
    plate += generator.normal(0, 1, plate.shape).astype(np.float32) * noise
    return WorkingSet(ArrayShot(plate, np.zeros(plate.shape[:3], np.float32)), SilentMonitor())


def turn(dx: float, dy: float, roll: float = 0.0, zoom: float = 1.0) -> np.ndarray:
    cosine, sine = np.cos(roll) * zoom, np.sin(roll) * zoom
    return np.array([[cosine, -sine, dx], [sine, cosine, dy], [0, 0, 1.0]])


def corners_apart(first: np.ndarray, second: np.ndarray) -> float:
    corners = np.array([[0, 0], [199, 0], [199, 139], [0, 139]], np.float32)
    return float(np.abs(registration.apply(first, corners) - registration.apply(second, corners)).max())


@pytest.mark.parametrize("move", [turn(5.3, -2.2), turn(-3, 4, 0.05), turn(2, 1, 0.02, 1.05), turn(38, 9)])
def test_a_step_is_found_to_a_fraction_of_a_pixel(move: np.ndarray) -> None:
    working = scene([np.eye(3), move])
    step = PairRegistration(working, SilentMonitor()).step(0, 1)
    found, frozen = step.homography, step.frozen
    assert not frozen
    assert corners_apart(found, np.linalg.inv(move)) < 0.5


def test_a_static_camera_stays_exactly_static() -> None:
    working = scene([np.eye(3)] * 4, noise=0.02)
    track = track_shot(working, PairRegistration(working, SilentMonitor()), range(4), SilentMonitor())
    assert np.array_equal(track.chained(0, 3), np.eye(3))
    refined = PairRegistration(working, SilentMonitor()).refine(0, working.analysis(3), np.eye(3))
    assert np.array_equal(refined, np.eye(3))


def test_the_chain_adds_up_and_refining_takes_its_drift_away() -> None:
    moves = [turn(2.1 * t, 0.7 * t, 0.004 * t) for t in range(8)]
    working = scene(moves)
    pairs = PairRegistration(working, SilentMonitor())
    track = track_shot(working, pairs, range(8), SilentMonitor())
    truth = np.linalg.inv(moves[7]) @ moves[0]
    assert corners_apart(track.chained(0, 7), truth) < 2.0
    off = track.chained(0, 7) @ turn(1.5, -1.0)
    assert corners_apart(pairs.refine(0, working.analysis(7), off), truth) < 0.3


def test_a_cut_ends_the_segment() -> None:
    first, second = scene([np.eye(3)] * 2, 0.01, 2), scene([np.eye(3)] * 2, 0.01, 7)
    plate = np.stack([w.full(n).plate for w in (first, second) for n in (0, 1)])
    working = WorkingSet(ArrayShot(plate, np.zeros(plate.shape[:3], np.float32)), SilentMonitor())
    track = track_shot(working, PairRegistration(working, SilentMonitor()), range(4), SilentMonitor())
    assert track.segment(0) == range(2)
    assert track.segment(3) == range(2, 4)


def test_a_held_frame_is_recognised_but_not_under_a_moving_matte() -> None:
    working = scene([np.eye(3), turn(3, 0)])
    plate = np.stack([working.full(0).plate, working.full(0).plate, working.full(1).plate])
    matte = np.zeros(plate.shape[:3], np.float32)
    matte[:, 40:60, 40:60] = 1
    held = WorkingSet(ArrayShot(plate, matte), SilentMonitor())
    track = track_shot(held, PairRegistration(held, SilentMonitor()), range(3), SilentMonitor())
    assert [track.repeats_previous(n) for n in range(3)] == [False, True, False]
    matte[1] = np.roll(matte[1], 15, axis=1)
    moving = WorkingSet(ArrayShot(plate, matte), SilentMonitor())
    track = track_shot(moving, PairRegistration(moving, SilentMonitor()), range(3), SilentMonitor())
    assert not track.repeats_previous(1)


def test_masks_survive_packing() -> None:
    matte = (np.random.default_rng(0).uniform(size=(3, 37, 53)) > 0.995).astype(np.float32)
    plate = np.random.default_rng(1).uniform(size=(3, 37, 53, 3)).astype(np.float32)
    working = WorkingSet(ArrayShot(plate, matte), SilentMonitor())
    track = track_shot(working, PairRegistration(working, SilentMonitor()), range(3), SilentMonitor())
    for number in range(3):
        assert np.array_equal(track.hidden(number), working.analysis(number).hidden)
        assert track.any_hidden(number) == bool(matte[number].any())


def test_a_frame_knows_its_number() -> None:
    shot = ArrayShot(np.zeros((2, 8, 8, 3), np.float32), np.zeros((2, 8, 8), np.float32))
    frame = shot.frame(1)
    assert isinstance(frame, ShotFrame)
    assert frame.number == 1
    with pytest.raises(KeyError):
        shot.frame(2)
