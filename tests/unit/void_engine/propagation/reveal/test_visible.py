"""Where the plate is visible though affected, the frame that repeats it is taken."""

from __future__ import annotations

import cv2
import numpy as np

from void_engine.arrays import Float32Array
from void_engine.geometry import Box
from void_engine.propagation.reveal.answers import Stack
from void_engine.propagation.reveal.joining import Joined
from void_engine.propagation.reveal.visible import VisiblePlate
from void_engine.propagation.working_set import FullFrame

_SHAPE = (60, 80)
_ZONE = (slice(15, 45), slice(20, 60))


def _texture(seed: int) -> Float32Array:
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (*_SHAPE, 3)).astype(np.float32)
    return np.asarray(0.5 + 0.2 * cv2.GaussianBlur(noise, (0, 0), 1.5), np.float32)


def _frame(plate: Float32Array) -> FullFrame:
    affected, removed = np.zeros(_SHAPE, np.float32), np.zeros(_SHAPE, np.float32)
    affected[_ZONE] = 1.0
    removed[25:35, 25:35] = 1.0
    hidden = (affected > 0) | (removed > 0)
    return FullFrame(
        0, plate, plate, hidden, removed, removed, np.where(removed > 0, 0, affected), hidden, anchor=False
    )


def test_the_frame_that_repeats_the_plate_under_a_shadow_is_taken() -> None:
    frame = _frame(_texture(1))
    visible = VisiblePlate.of(frame, frame.box)
    assert visible is not None
    right = visible.plate + np.float32(0.1)  # the ground without the shadow
    wrong = _texture(2)
    count = _SHAPE[0] * _SHAPE[1]
    ones = np.ones(count, np.float32)
    joined = Joined(wrong.reshape(-1, 3), np.ones(count, bool), ones, ones, ones, 0 * ones)
    stack = Stack(
        np.stack([wrong, right]).reshape(2, count, 3),
        np.ones((2, count), np.float32),
        None,
        np.zeros((2, count), bool),
    )
    whole = Box.from_shape(_SHAPE).slices(Box.from_shape(_SHAPE))
    places = np.arange(count, dtype=np.int64)
    found = visible.matched(joined, stack, np.array([0, 1]), whole, places).reshape(*_SHAPE, 3)
    near, inner = visible.near, np.zeros(_SHAPE, bool)
    inner[18:42, 45:57] = True
    assert np.abs(found - right)[inner].max() < 1e-3
    assert np.array_equal(found[~near], wrong[~near])
    assert not near[30, 30]


def test_surroundings_are_not_continued_through_affected_pixels() -> None:
    frame = _frame(_texture(1))
    visible = VisiblePlate.of(frame, frame.box)
    assert visible is not None
    assert visible.cut_off[30, 30]
    assert visible.cut_off[_ZONE].all()
    assert not visible.cut_off[5, 5]


def test_a_frame_without_affected_pixels_has_none() -> None:
    frame = _frame(_texture(1))
    frame.affected[:] = 0.0
    assert VisiblePlate.of(frame, frame.box) is None
