"""Two motion layers are found, told apart and revealed each along its own, but not where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.unit.void_engine.propagation.layered_scene import COLUMNS, ROWS, LayeredScene, layered_scene
from void_engine.engines.interface import EngineRequest
from void_engine.propagation.engine import PropagationEngine
from void_engine.propagation.in_memory import ArrayShot, SilentMonitor, remove_object
from void_engine.propagation.motion.homography import apply
from void_engine.propagation.motion.layer_masks import LayerEvidence, ownership
from void_engine.propagation.motion.motion_layers import MotionLayers, Tracks
from void_engine.propagation.motion.registration import PairRegistration
from void_engine.propagation.motion.track import ShotTrack, track_shot
from void_engine.propagation.reveal import layered
from void_engine.propagation.reveal.reveal import Revealed
from void_engine.propagation.working_set import WorkingSet

SHAPE = (200, 300)


def corners(count: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).uniform(0.05, 0.95, (count, 2)) * SHAPE[::-1]).astype(np.float32)


def move(dx: float, dy: float) -> np.ndarray:
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]])


def walk(
    near: list[tuple[float, float]], far: list[tuple[float, float]], near_count: int = 40
) -> MotionLayers:
    """Layers of corners that move by the given steps.

    The one motion that is given for each step is by turns that of either layer, as a robust fit of a single
    homography may find them.
    """
    layers = MotionLayers()
    layers.append(None, None, SHAPE)
    first, second = corners(near_count, 1), corners(60, 2)
    for index, (one, other) in enumerate(zip(near, far, strict=True)):
        there, elsewhere = first + np.float32(one), second + np.float32(other)
        tracks = Tracks(np.concatenate([first, second]), np.concatenate([there, elsewhere]))
        layers.append(move(*(one if index % 2 else other)), tracks, SHAPE)
        first, second = there, elsewhere
    return layers


def sent(layers: MotionLayers, target: int, source: int, layer: int) -> np.ndarray:
    through = layers.chained(target, source, layer)
    assert through is not None
    return apply(through, np.array([[150.0, 100.0]], np.float32))[0] - (150, 100)


def test_each_layer_gets_one_chain_whichever_motion_is_found_first() -> None:
    layers = walk([(-9, 0)] * 6, [(-3, 1)] * 6)
    assert layers.settle(range(7))
    assert sent(layers, 0, 6, 0) == pytest.approx((-18, 6), abs=0.1), "the larger layer"
    assert sent(layers, 0, 6, 1) == pytest.approx((-54, 0), abs=0.1)
    assert sent(layers, 5, 2, 1) == pytest.approx((27, 0), abs=0.1), "backwards"


def test_layers_that_swap_their_speeds_are_still_followed() -> None:
    layers = walk([(-9, 0), (-9, 0), (-2, 0), (-2, 0)], [(-3, 0), (-3, 0), (-8, 0), (-8, 0)])
    assert layers.settle(range(5))
    assert sent(layers, 0, 4, 0)[0] == pytest.approx(-22, abs=0.1)
    assert sent(layers, 0, 4, 1)[0] == pytest.approx(-22, abs=0.1)
    assert sent(layers, 2, 4, 1)[0] == pytest.approx(-4, abs=0.1)


def test_a_tilted_plane_between_two_motions_is_not_taken_for_one_of_them() -> None:
    """When two shifts differ little, a tilted plane fits corners of both."""
    layers = MotionLayers()
    layers.append(None, None, SHAPE)
    near, far = corners(70, 3), corners(90, 4)
    tracks = Tracks(
        np.concatenate([near, far]), np.concatenate([near + np.float32((-6, 0)), far + np.float32((-2.5, 0))])
    )
    between = np.array([[1 + 3.5 / 300, 0, -6], [0, 1, 0], [0, 0, 1.0]])
    for _ in range(3):
        layers.append(between, tracks, SHAPE)
    assert layers.settle(range(4))
    assert sent(layers, 0, 1, 0) == pytest.approx((-2.5, 0), abs=0.05)
    assert sent(layers, 0, 1, 1) == pytest.approx((-6, 0), abs=0.05)


def test_one_motion_is_not_made_two() -> None:
    layers = walk([(-4, 1)] * 5, [(-4, 1)] * 5)
    assert not layers.settle(range(6))
    assert layers.chained(0, 3, 0) is None


def test_a_handful_of_corners_is_no_layer() -> None:
    assert not walk([(-9, 0)] * 5, [(-3, 1)] * 5, near_count=6).settle(range(6))


def test_a_missing_step_breaks_the_chain() -> None:
    layers = walk([(-9, 0)] * 6, [(-3, 1)] * 6)
    layers.append(move(-3, 1), None, SHAPE)
    assert layers.settle(range(8))
    assert layers.chained(0, 6, 1) is not None
    assert layers.chained(5, 7, 1) is None


def test_layers_are_kept_to_the_bit() -> None:
    layers = walk([(-9, 0)] * 4, [(-3, 1)] * 4)
    layers.append(move(-3, 1), None, SHAPE)
    layers.settle(range(6))
    again = MotionLayers.from_links(layers.links())
    assert np.array_equal(again.links(), layers.links(), equal_nan=True)
    assert np.array_equal(again.chained(1, 4, 1), layers.chained(1, 4, 1))
    assert again.chained(4, 5, 0) is None


# --- on pictures


def looked_at(scene: LayeredScene) -> tuple[WorkingSet, ShotTrack]:
    working = WorkingSet(ArrayShot(scene.plate, scene.matte), SilentMonitor())
    registration = PairRegistration(working, SilentMonitor())
    return working, track_shot(working, registration, range(len(scene.plate)), SilentMonitor())


@pytest.fixture(scope="module")
def scene() -> LayeredScene:
    return layered_scene()


@pytest.fixture(scope="module")
def seen(scene: LayeredScene) -> tuple[WorkingSet, ShotTrack]:
    return looked_at(scene)


def test_the_track_follows_the_wall_and_knows_the_bars(
    scene: LayeredScene, seen: tuple[WorkingSet, ShotTrack]
) -> None:
    _, track = seen
    middle = np.array([[COLUMNS / 2, ROWS / 2]], np.float32)
    moves = [track.layer_chained(1, 5, layer) for layer in range(2)]
    assert moves[0] is not None
    assert moves[1] is not None
    travelled = sorted(float((apply(through, middle) - middle)[0, 0]) for through in moves)
    assert travelled == pytest.approx([-4 * scene.near_px, -4 * scene.far_px], abs=1.5)
    assert np.allclose(track.chained(1, 5), moves[0], atol=1e-6), "the camera's chain stays with one layer"


def test_layers_of_a_kept_track_are_the_same(tmp_path: Path, seen: tuple[WorkingSet, ShotTrack]) -> None:
    _, track = seen
    track.save(tmp_path / "track.npz")
    again = ShotTrack.load(tmp_path / "track.npz")
    assert np.array_equal(again.layer_chained(0, 6, 1), track.layer_chained(0, 6, 1))


def test_evidence_tells_bars_from_wall(scene: LayeredScene, seen: tuple[WorkingSet, ShotTrack]) -> None:
    working, track = seen
    evidence = LayerEvidence(working, track).of(3)
    hidden = working.analysis(3).hidden
    assert np.isnan(evidence[hidden]).all()
    through = track.layer_chained(1, 5, 1)
    assert through is not None
    second_is_near = apply(through, np.zeros((1, 2), np.float32))[0, 0] < -4 * 0.5 * (
        scene.near_px + scene.far_px
    )
    near = evidence if second_is_near else -evidence
    sure = np.abs(evidence) > 0.4
    right = (near > 0) == scene.bars[3]
    assert sure.mean() > 0.3
    assert right[sure].mean() > 0.9


def test_the_layer_in_front_is_the_one_that_keeps_its_shape() -> None:
    bars = np.zeros((60, 60), bool)
    bars[:, 20:28] = True
    own = np.where(bars, 1.0, -1.0).astype(np.float32)
    own[25:45, 10:40] = np.nan
    along_front = [np.where(bars, 1.0, -1.0).astype(np.float32)] * 3
    along_back = [
        np.roll(np.where(bars, 1.0, -1.0), shift, axis=1).astype(np.float32) for shift in (-9, 8, 17)
    ]
    owned = ownership(own, [along_back, along_front], [[1.0] * 3, [1.0] * 3])
    assert owned is not None
    assert owned.front == 1
    assert ((owned.share > 0.5) == bars)[2:-2, 2:-2].mean() > 0.99, "inside the hole as well"
    swapped = ownership(
        -own, [[-one for one in along_front], [-one for one in along_back]], [[1.0] * 3, [1.0] * 3]
    )
    assert swapped is not None
    assert swapped.front == 0


def test_frames_that_do_not_agree_own_nothing() -> None:
    noise = np.random.default_rng(1).uniform(-1, 1, (7, 60, 60)).astype(np.float32)
    assert ownership(noise[0], [list(noise[1:4]), list(noise[4:7])], [[1.0] * 3, [1.0] * 3]) is None


def by_one_motion(
    self: layered.LayeredRevealer, target: int, preferred: frozenset[int], single: Callable[[int], Revealed]
) -> Revealed:
    return single(target)


def error(scene: LayeredScene, clean: np.ndarray) -> float:
    inside = scene.matte > 0
    return float(np.sqrt(np.square(clean - scene.truth)[inside].mean()))


@pytest.mark.slow
def test_bars_are_continued_through_the_hole(scene: LayeredScene, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = remove_object(scene.plate, scene.matte)
    monkeypatch.setattr(layered.LayeredRevealer, "reveal", by_one_motion)
    with_one = remove_object(scene.plate, scene.matte)
    assert np.array_equal(clean[scene.matte == 0], scene.plate[scene.matte == 0])
    assert error(scene, clean) < 0.6 * error(scene, with_one)


@pytest.mark.slow
def test_one_frame_of_a_layered_shot_is_made_as_in_the_whole(scene: LayeredScene) -> None:
    def made(wanted: frozenset[int] | None) -> dict[int, np.ndarray]:
        shot = ArrayShot(scene.plate, scene.matte)
        frames = PropagationEngine().remove(shot, EngineRequest(wanted=wanted), SilentMonitor())
        return {frame.number: frame.picture for frame in frames}

    assert np.array_equal(made(frozenset({4}))[4], made(None)[4])


@pytest.mark.slow
def test_two_layers_that_explain_no_more_change_nothing(
    scene: LayeredScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The choice is measured beside the hole, so one motion is kept where it leaves no error."""
    monkeypatch.setattr(layered, "_ADVANTAGE", 0.0)
    clean = remove_object(scene.plate[:4], scene.matte[:4])
    monkeypatch.setattr(layered.LayeredRevealer, "reveal", by_one_motion)
    assert np.array_equal(clean, remove_object(scene.plate[:4], scene.matte[:4]))


@pytest.mark.slow
def test_two_layers_that_do_not_help_are_tried_on_few_frames(
    scene: LayeredScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def never(self: layered.LayeredRevealer, target: int, *others: object) -> bool:
        tried.append(target)
        return False

    monkeypatch.setattr(layered.LayeredRevealer, "_is_better", never)
    remove_object(scene.plate, scene.matte)
    assert len(tried) == 2
