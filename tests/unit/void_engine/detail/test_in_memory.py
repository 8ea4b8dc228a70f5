"""Plate detail as a whole, by ``restore_detail``, on small shots whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from void_engine.arrays import Float32Array
from void_engine.detail import restore_detail
from void_engine.errors import MatteError, PlateError, RemovalCancelled
from void_engine.propagation.in_memory import SilentMonitor

ROWS, COLUMNS, FRAMES = 108, 168, 5


def texture(rows: int, columns: int, seed: int) -> Float32Array:
    """A random picture with structure down to two pixels, scene-linear, about 0.05 to 1."""
    generator = np.random.default_rng(seed)
    total = np.zeros((rows, columns, 3), np.float32)
    for sigma in (1.0, 2.5, 6.0, 14.0):
        layer = cv2.GaussianBlur(generator.normal(0, 1, (rows, columns, 3)).astype(np.float32), (0, 0), sigma)
        total += layer / layer.std() * sigma**0.5
    total = (total - total.min()) / np.ptp(total)
    return (0.05 + 0.95 * total).astype(np.float32)


def answered(truth: Float32Array, seed: int = 3) -> Float32Array:
    """What a model says: a third of the size, soft, noisy, with a colour drift."""
    generator = np.random.default_rng(seed)
    small = []
    for t, frame in enumerate(truth):
        size = (frame.shape[1] // 3, frame.shape[0] // 3)
        answer = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        answer = cv2.GaussianBlur(answer, (0, 0), 0.7) * (1 + 0.012 * np.cos(t + np.arange(3)))
        small.append(answer + generator.normal(0, 0.003, answer.shape))
    return np.stack(small).astype(np.float32)


def gain_db(plate: Float32Array, matte: Float32Array, truth: Float32Array, answer: Float32Array) -> float:
    """By how much plate detail is nearer to the truth inside the matte than enlarging by Lanczos."""
    size = (plate.shape[2], plate.shape[1])
    inside = matte > 0
    enlarged = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_LANCZOS4) for frame in answer])
    restored = restore_detail(plate, matte, answer)
    assert restored.dtype == np.float32
    assert np.array_equal(restored[~inside], plate[~inside])
    before = np.square(enlarged - truth)[inside].mean()
    return float(10 * np.log10(before / np.square(restored - truth)[inside].mean()))


def shot_with_a_falling_disc() -> tuple[Float32Array, Float32Array, Float32Array]:
    """Plate, matte and truth: a disc is held beside a bar in the plate; in the truth it falls."""
    ground, disc = texture(ROWS, COLUMNS, 1), texture(ROWS, COLUMNS, 2)[..., ::-1].copy()
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]

    def placed(top: float, left: float) -> tuple[Float32Array, Float32Array]:
        move = np.array([[1, 0, left - 84], [0, 1, top - 54]], np.float32)
        picture = cv2.warpAffine(
            disc, move, (COLUMNS, ROWS), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        alpha = np.clip(22.5 - np.hypot(x - left, y - top), 0, 1).astype(np.float32)
        return picture, alpha[..., None]

    plates, mattes, truths = [], [], []
    for t in range(FRAMES):
        picture, alpha = placed(32, 60 + 7 * t)
        plate = ground + alpha * (picture - ground)
        bar = (np.abs(x - (36 + 7 * t)) < 7) & (y < 60)
        plate = np.where(bar[..., None], np.float32(0.5), plate)
        lower, fallen = placed(32 + 2.3 * t * t, 60 + 7 * t)
        truths.append(ground + fallen * (lower - ground))
        plates.append(plate)
        touched = (alpha[..., 0] > 0) | (fallen[..., 0] > 0) | bar
        mattes.append(cv2.dilate(touched.astype(np.uint8), np.ones((5, 5), np.uint8)))
    return np.stack(plates), np.stack(mattes).astype(np.float32), np.stack(truths)


@pytest.mark.slow
def test_an_object_that_moves_otherwise_gets_its_own_pixels() -> None:
    plate, matte, truth = (clip[:4] for clip in shot_with_a_falling_disc())
    assert gain_db(plate, matte, truth, answered(truth)) > 2.5


def test_a_shadow_goes_and_its_texture_stays() -> None:
    truth = np.repeat(texture(ROWS, COLUMNS, 4)[None], 2, 0)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    shadow = 0.5 * np.clip(3 - np.hypot((x - 80) / 16, (y - 50) / 11), 0, 1)
    plate = (truth * (1 - shadow[None, ..., None])).astype(np.float32)
    matte = np.repeat((shadow > 0.004).astype(np.float32)[None], 2, 0)
    assert gain_db(plate, matte, truth, answered(truth)) > 2


def test_what_nothing_shows_is_no_worse_than_enlarged() -> None:
    soft = cv2.GaussianBlur(texture(ROWS, COLUMNS, 5), (0, 0), 4)
    truth = np.repeat(soft[None], 2, 0)
    matte = np.zeros(truth.shape[:3], np.float32)
    matte[:, 30:80, 50:110] = 1
    plate = np.where(matte[..., None] > 0, np.float32(0.9), truth)
    assert gain_db(plate, matte, truth, answered(truth)) > 0


def test_a_matte_without_anything_and_one_over_everything() -> None:
    truth = np.repeat(texture(48, 60, 6)[None], 2, 0)
    answer = np.stack([cv2.resize(frame, (20, 16), interpolation=cv2.INTER_AREA) for frame in truth])
    nothing = np.zeros((2, 48, 60), np.float32)
    assert np.array_equal(restore_detail(truth, nothing, answer), truth)
    everything = restore_detail(np.zeros_like(truth), np.ones_like(nothing), answer)
    assert np.isfinite(everything).all()
    assert abs(float(everything.mean()) - float(truth.mean())) < 0.05


def test_arrays_that_do_not_fit_are_refused_by_name() -> None:
    plate, matte = np.zeros((2, 32, 32, 3), np.float32), np.zeros((2, 32, 32), np.float32)
    with pytest.raises(PlateError, match="answer must be"):
        restore_detail(plate, matte, np.zeros((3, 16, 16, 3), np.float32))
    with pytest.raises(MatteError, match="like the plate"):
        restore_detail(plate, matte[:, :16], np.zeros((2, 16, 16, 3), np.float32))
    with pytest.raises(MatteError, match=r"0\.\.1"):
        restore_detail(plate, matte + 2, np.zeros((2, 16, 16, 3), np.float32))
    with pytest.raises(PlateError, match="frames, rows, columns, 3"):
        restore_detail(plate[..., :2], matte, np.zeros((2, 16, 16, 3), np.float32))


def test_it_stops_when_asked() -> None:
    class Stopping(SilentMonitor):
        def check_cancelled(self) -> None:
            raise RemovalCancelled

    plate, matte, truth = shot_with_a_falling_disc()
    with pytest.raises(RemovalCancelled):
        restore_detail(plate, matte, answered(truth), monitor=Stopping())
