"""What passes in front of the object is no background, and what the object uncovers is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor, remove_object
from void_engine.propagation.motion import passing
from void_engine.propagation.motion.passing import withhold_passing
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack, track_shot
from void_engine.propagation.working_set import WorkingSet

FRAMES, ROWS, COLUMNS = 12, 96, 140
PASSING = range(4, 7)
GLASS = (slice(40, 80), slice(50, 90))
HAND = (slice(0, 62), slice(62, 76))
"""Where something comes down from above in a few frames, before the glass too."""


def wall(drift_px: float = 0.0) -> Float32Array:
    generator = np.random.default_rng(5)
    wide = cv2.GaussianBlur(
        generator.uniform(0.0, 1.0, (ROWS, COLUMNS + 40, 3)).astype(np.float32) ** 3, (0, 0), 1.2
    )
    x, y = np.meshgrid(np.arange(COLUMNS, dtype=np.float32), np.arange(ROWS, dtype=np.float32))
    views = [cv2.remap(wide, x + 10 + np.float32(drift_px * t), y, cv2.INTER_CUBIC) for t in range(FRAMES)]
    return np.stack(views) + generator.normal(0, 0.004, (FRAMES, ROWS, COLUMNS, 3)).astype(np.float32)


def still_glass(drift_px: float = 0.0) -> tuple[Float32Array, Float32Array]:
    """A glass that never moves, and a bright yellow thing that is held before it in a few frames."""
    plate, matte = wall(drift_px), np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    plate[:, GLASS[0], GLASS[1]] = (0.05, 0.02, 0.02)
    matte[:, GLASS[0], GLASS[1]] = 1
    for t in PASSING:
        plate[t][HAND] = (1.2, 1.1, 0.2)
        matte[t][HAND] = 0
    return plate, matte


def leaving() -> tuple[Float32Array, Float32Array]:
    """An object that stands still and leaves in the last frames, past a thing that moves elsewhere."""
    plate, matte = wall(), np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    for t in range(FRAMES):
        left = 50 + 14 * max(0, t - 7)
        plate[t, 40:80, left : left + 40] = (0.05, 0.02, 0.02)
        matte[t, 40:80, left : left + 40] = 1
        plate[t, 10:22, 5 + 6 * t : 17 + 6 * t] = (1.2, 1.1, 0.2)
    return plate, matte


def tracked(scene: tuple[Float32Array, Float32Array]) -> ShotTrack:
    working = WorkingSet(ArrayShot(*scene), SilentMonitor())
    track = track_shot(working, PairRegistration(working, SilentMonitor()), range(FRAMES), SilentMonitor())
    withhold_passing(track, working, range(FRAMES), SilentMonitor())
    return track


def withheld(track: ShotTrack, number: int) -> BoolArray:
    found = track.withheld(number)
    return np.zeros((ROWS, COLUMNS), bool) if found is None else found


@pytest.mark.parametrize("drift_px", [0.0, 0.2])
def test_what_passes_before_the_object_is_withheld(drift_px: float) -> None:
    track = tracked(still_glass(drift_px))
    before_the_glass = np.zeros((ROWS, COLUMNS), bool)
    before_the_glass[42:60, 64:74] = True
    for number in range(FRAMES):
        found = withheld(track, number)
        if number in PASSING:
            assert found[before_the_glass].mean() > 0.97
            assert track.unusable(number)[before_the_glass].all()
            assert not found[:, :56].any()
            assert not found[:, 82:].any()
        else:
            assert not found.any()
            assert (track.unusable(number) == track.hidden(number)).all()


def test_what_the_object_uncovers_is_not_withheld() -> None:
    track = tracked(leaving())
    assert not any(withheld(track, number).any() for number in range(FRAMES))


def test_what_a_shaking_camera_uncovers_beside_a_logo_is_not_withheld() -> None:
    """The logo keeps its place in the frame, and something bright moves past behind it."""
    plate, matte = wall(), np.zeros((FRAMES, ROWS, COLUMNS), np.float32)
    for t in range(FRAMES):
        plate[t, 30:60, 20 + 6 * t : 36 + 6 * t] = (1.2, 1.1, 0.2)
        plate[t] = np.roll(plate[t], (3 * (t % 2), -4 * (t % 3 == 0)), (0, 1))
    plate[:, GLASS[0], GLASS[1]] = (0.05, 0.02, 0.02)
    matte[:, GLASS[0], GLASS[1]] = 1
    track = tracked((plate, matte))
    assert not any(withheld(track, number).any() for number in range(FRAMES))


@pytest.mark.parametrize("make", [still_glass, leaving])
def test_a_saved_track_withholds_the_same(
    make: Callable[[], tuple[Float32Array, Float32Array]], tmp_path: Path
) -> None:
    track = tracked(make())
    track.save(tmp_path / "track.npz")
    again = ShotTrack.load(tmp_path / "track.npz")
    assert all((withheld(track, n) == withheld(again, n)).all() for n in range(FRAMES))
    for number in range(FRAMES):
        first, second = track.in_front(number), again.in_front(number)
        assert (first is None) == (second is None)
        assert first is None or (first == second).all()


def test_what_touches_the_object_is_in_front_though_no_matte_makes_way() -> None:
    plate, matte = still_glass()
    matte[:, GLASS[0], GLASS[1]] = 1
    track = tracked((plate, matte))
    for number in range(FRAMES):
        found = track.in_front(number)
        if number in PASSING:
            assert found is not None
            assert found[30:38, 64:74].all()
            assert not withheld(track, number).any()
        else:
            assert found is None


@pytest.mark.slow
def test_what_passes_is_not_pasted_behind_the_object() -> None:
    plate, matte = still_glass()
    clean = remove_object(plate, matte)
    inside = matte[8] > 0
    # The wall is never as bright as the thing that passes.
    assert float(clean[8][inside].max()) < 1.0
    apart = np.abs(clean[8] - clean[10])[inside]
    assert float(apart.mean()) < 0.03


def test_a_frame_that_is_hidden_all_over_tells_nothing_and_harms_nothing() -> None:
    plate, matte = still_glass()
    matte[9] = 1
    track = tracked((plate, matte))
    before_the_glass = (slice(42, 60), slice(64, 74))
    assert all(withheld(track, number)[before_the_glass].mean() > 0.97 for number in PASSING)
    assert not any(withheld(track, number).any() for number in range(FRAMES) if number not in PASSING)


def test_a_pixel_that_no_compared_frame_shows_does_not_blind_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A spot in the corner is hidden in every frame but those that are not compared."""
    monkeypatch.setattr(passing, "_MOST_COMPARED", 6)
    plate, matte = still_glass()
    compared = np.linspace(0, FRAMES - 1, 6).round().astype(int)
    matte[compared, 84:88, 44:48] = 1
    track = tracked((plate, matte))
    before_the_glass = (slice(42, 60), slice(64, 74))
    assert all(withheld(track, number)[before_the_glass].mean() > 0.97 for number in PASSING)
    assert not any(withheld(track, number).any() for number in range(FRAMES) if number not in PASSING)
