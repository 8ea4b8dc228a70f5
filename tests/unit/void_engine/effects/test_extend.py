"""From what is seen of a thing to where it would be."""

from __future__ import annotations

import numpy as np

from void_engine.effects import extend


def _camera(count: int, step: float = 0.0) -> np.ndarray:
    camera = np.repeat(np.eye(3)[None], count, axis=0)
    camera[:, 0, 2] = step * np.arange(count)
    return camera


def test_a_part_becomes_the_whole_thing_and_nothing_else() -> None:
    plate = np.random.default_rng(1).normal(0.2, 0.01, (2, 80, 100, 3)).astype(np.float32)
    plate[:, 20:60, 30:70] = (0.7, 0.1, 0.05)
    plate[:, 62:70, 30:70] = (0.05, 0.1, 0.7)
    part = np.zeros((2, 80, 100), bool)
    part[:, 25:45, 35:60] = True
    out = np.zeros_like(part)
    out[:, 20:60, 66:70] = True
    whole = extend.whole_thing(plate, part, out)
    assert whole[:, 22:58, 32:64].mean() > 0.95
    assert not whole[:, 62:].any()
    assert not whole[:, :17].any()
    assert not (whole & out).any()
    assert (whole & part).sum() == part.sum()
    assert not extend.whole_thing(plate, np.zeros_like(part), out).any()


def test_the_old_place_is_kept_under_a_moving_camera_from_the_touch_on() -> None:
    mask = np.zeros((5, 40, 60), bool)
    mask[0, 10:20, 10:20] = mask[1, 10:20, 13:23] = True
    kept = extend.where_it_would_stand(mask, _camera(5, step=3), since=1)
    assert np.array_equal(kept[0], mask[0])
    assert kept[4, 12:18, 24:30].all()
    assert not kept[4, :, :19].any()


def test_a_held_thing_falls_to_the_next_edge_and_no_further() -> None:
    plate = np.full((1, 90, 60, 3), 0.2, np.float32)
    plate[:, 70:] = 0.6
    mask = np.zeros((1, 90, 60), bool)
    mask[0, 10:20, 20:30] = True
    fallen = extend.down_to_the_next_support(plate, mask)
    assert fallen[0, 10:68, 20:30].all()
    assert not fallen[0, 74:].any()
    assert not fallen[0, :, :20].any()
    without = extend.down_to_the_next_support(np.full_like(plate, 0.2), mask)
    assert without[0, 88].any()


def test_a_rolling_thing_rolls_on_at_its_speed() -> None:
    mask = np.zeros((8, 40, 100), bool)
    for t in range(4):
        mask[t, 10:20, 5 + 8 * t : 15 + 8 * t] = True
    on = extend.its_path_on(mask, _camera(8), since=3)
    assert on[7, 12:18, 63:70].all()
    assert not on[7, :, :58].any()
    alone = np.zeros_like(mask)
    alone[3] = mask[3]
    assert np.array_equal(extend.its_path_on(alone, _camera(8), since=3), alone)
