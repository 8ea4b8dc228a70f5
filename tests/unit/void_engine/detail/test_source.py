"""What is held of a shot does not grow with its length."""

from __future__ import annotations

import numpy as np

from void_engine.arrays import Float32Array
from void_engine.detail.canvas import Canvas
from void_engine.detail.source import DetailSource


def test_small_frames_do_not_fill_the_memory_however_long_the_shot_is() -> None:
    read: list[int] = []

    def plate(number: int) -> tuple[Float32Array, Float32Array]:
        read.append(number)
        return np.full((12, 16, 3), 0.5, np.float32), np.zeros((12, 16), np.float32)

    source = DetailSource(
        range(300), Canvas((12, 16), (6, 8)), plate, lambda _: np.zeros((6, 8, 3), np.float32)
    )
    for number in source.numbers:
        source.plate(number)
    assert read == list(source.numbers)
    read.clear()
    for number in reversed(source.numbers):
        source.plate(number)
    held = 300 - len(read)
    # A frame's neighbours and the frames spread over the shot are held, with room for several threads.
    assert 20 <= held <= 40


def test_what_is_not_finite_is_made_so_and_what_is_replaced_is_told() -> None:
    light = np.full((4, 4, 3), 0.5, np.float32)
    light[0, 0], light[0, 1, 0], light[0, 2, 0] = np.nan, np.inf, -np.inf
    matte = np.zeros((4, 4), np.float32)
    matte[3, 3] = 1e-6
    source = DetailSource(range(1), Canvas((4, 4), (2, 2)), lambda _: (light, matte), lambda _: light[:2, :2])
    frame = source.plate(0)
    assert np.isfinite(frame.plate).all()
    assert (frame.plate[0, 0] == 0).all()
    assert frame.plate[0, 1, 0] == -frame.plate[0, 2, 0] > 1
    assert frame.replaced.sum() == 1
    assert np.allclose(source.covered(0), [[0, 0], [0, 0.25]])
    assert not source.known(0, 1).any()
    assert np.isfinite(source.answer(0)).all()
