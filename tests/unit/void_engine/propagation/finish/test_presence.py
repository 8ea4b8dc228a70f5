"""What moves by itself beside an affected region is no doing of the object."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine.arrays import BoolArray, Float32Array
from void_engine.propagation.finish import presence

_SHAPE = (120, 160)


def _zone() -> BoolArray:
    zone = np.zeros(_SHAPE, bool)
    zone[30:90, 40:120] = True
    return zone


def _grain() -> Float32Array:
    return np.random.default_rng(5).normal(0.0, 0.006, (*_SHAPE, 3)).astype(np.float32)


def _disc(row: int, column: int, radius: int, strength: float, blur: float) -> Float32Array:
    drawn = np.zeros(_SHAPE, np.float32)
    cv2.circle(drawn, (column, row), radius, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), blur)[:, :, None] * np.float32(strength), np.float32)


def test_what_reaches_in_from_beside_the_region_is_left_alone() -> None:
    ball, shadow = _disc(28, 60, 10, -0.25, 1.0), _disc(65, 95, 12, -0.12, 5.0)
    own = presence.Difference.of(ball + shadow + _grain(), _zone(), ~_zone()).moves_by_itself()
    assert own[_zone() & (ball[:, :, 0] < -0.1)].mean() > 0.95
    assert not own[shadow[:, :, 0] < -0.03].any()


def test_a_shadow_whose_region_is_drawn_too_small_still_goes() -> None:
    shadow = _disc(45, 80, 14, -0.2, 6.0)
    own = presence.Difference.of(shadow + _grain(), _zone(), ~_zone()).moves_by_itself()
    assert not own[_zone() & (shadow[:, :, 0] < -0.08)].any()


def test_a_change_is_present_where_it_is_and_not_beside() -> None:
    shadow = _disc(60, 80, 12, -0.1, 3.0)
    found = presence.Difference.of(shadow + _grain(), _zone(), ~_zone()).presence()
    assert found[shadow[:, :, 0] < -0.04].min() > 0.9
    far = _zone() & (cv2.GaussianBlur(shadow[:, :, 0], (0, 0), 3.0) > -0.0005)
    assert (found[far] == 0).mean() > 0.85
    assert not found[~_zone()][1:].max() > 0.5
