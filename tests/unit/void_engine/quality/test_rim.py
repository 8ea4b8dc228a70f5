from __future__ import annotations

import cv2
import numpy as np

from void_engine.quality.rim import displaced

ROWS, COLUMNS = 60, 80


def grain(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(1.0, 0.05, (ROWS, COLUMNS, 3)).astype(np.float32)


def disc(radius: int, x: int = 40) -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.circle(mask, (x, 30), radius, 1, -1)
    return mask > 0


def with_object(picture: np.ndarray, x: int = 40) -> np.ndarray:
    return np.where(disc(12, x)[..., None], np.float32(0.2), picture).astype(np.float32)


def test_a_still_hole_that_is_one_frame_late_has_the_grain_of_the_frame_before() -> None:
    before, now = grain(1), grain(2)
    hole = disc(16)
    others = [(with_object(before), hole)]
    good = displaced(now, with_object(now), hole, others)
    late = displaced(np.where(hole[..., None], before, now), with_object(now), hole, others)
    assert good.keys() == late.keys() == {"rim.outer", "rim.inner"}
    assert max(good.values()) <= 0.0
    assert min(late.values()) > 0.7


def test_other_grain_is_no_other_frame() -> None:
    hole = disc(16)
    made = np.where(hole[..., None], grain(3), grain(2))
    assert set(displaced(made, with_object(grain(2)), hole, [(with_object(grain(1)), hole)]).values()) == {
        0.0
    }


def test_what_a_neighbour_shows_beside_its_object_may_be_taken() -> None:
    """A tight matte of an object that has moved on: the neighbour's plate shows what is behind it."""
    behind = grain(1)
    hole, other = disc(12), disc(12, 70)
    assert displaced(behind, with_object(behind), hole, [(with_object(behind, 70), other)]) == {}
