"""What is measured of a model outside the matte: its blur, its drift, its noise, and how it was reduced."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.unit.void_engine.detail.test_in_memory import texture
from void_engine.arrays import Float32Array
from void_engine.detail.calibration import calibrate
from void_engine.detail.canvas import Canvas
from void_engine.detail.source import DetailSource
from void_engine.propagation import encoding

ROWS, COLUMNS = 120, 180


def source_of(plates: list[Float32Array], answers: list[Float32Array]) -> DetailSource:
    matte = np.zeros((ROWS, COLUMNS), np.float32)
    matte[40:70, 60:100] = 1
    return DetailSource(
        range(len(plates)),
        Canvas((ROWS, COLUMNS), answers[0].shape[:2]),
        lambda number: (plates[number], matte),
        lambda number: answers[number],
    )


@pytest.mark.parametrize("in_light", [True, False])
def test_blur_drift_and_noise_are_found(in_light: bool) -> None:
    generator = np.random.default_rng(1)
    plates, answers = [], []
    for seed in range(4):
        plate = texture(ROWS, COLUMNS, seed) ** 3 * 4
        size = (COLUMNS // 3, ROWS // 3)
        if in_light:
            small = encoding.encode(cv2.resize(plate, size, interpolation=cv2.INTER_AREA))
        else:
            small = np.asarray(cv2.resize(encoding.encode(plate), size, interpolation=cv2.INTER_AREA))
        small = cv2.GaussianBlur(small, (0, 0), 0.8) * np.float32(1.01) + np.float32(0.004 * (seed - 1))
        small = small + generator.normal(0, 0.006, small.shape).astype(np.float32)
        plates.append(plate)
        answers.append(encoding.decode(small.astype(np.float32)))
    source = source_of(plates, answers)
    found = calibrate(source)
    assert source.averages_light is in_light
    assert 0.004 < float(np.median(found.noise)) < 0.009
    expected = cv2.getGaussianKernel(5, 0.8)
    assert np.abs(found.luma - expected @ expected.T).max() < 0.04
    answer, reduced, known = source.answer(3), source.reduced(3), source.known(3)
    drift = found.drift(answer, reduced, known)
    error = answer - drift - found.degrade(reduced)
    assert abs(float(error[known].mean())) < 0.001
    sharp = found.sharpened(answer - drift)
    assert np.square(sharp - reduced)[known].mean() < 0.6 * np.square(answer - reduced)[known].mean()


def test_a_plate_is_read_once_however_few_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("void_engine.detail.source._PLATE_BYTES", 1)
    plates = [texture(ROWS // 2, COLUMNS // 2, seed) for seed in range(5)]
    answers = [cv2.resize(plate, (30, 20), interpolation=cv2.INTER_AREA) for plate in plates]
    read: list[int] = []
    matte = np.zeros((ROWS // 2, COLUMNS // 2), np.float32)

    def plate(number: int) -> tuple[Float32Array, Float32Array]:
        read.append(number)
        return plates[number], matte

    canvas = Canvas((ROWS // 2, COLUMNS // 2), (20, 30))
    source = DetailSource(range(5), canvas, plate, lambda number: answers[number])
    calibrate(source)
    assert read == list(range(5))


def test_a_large_canvas_is_asked_in_as_few_places_and_tells_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time does not grow with the canvas, and what is measured hardly changes."""
    plates = [texture(ROWS, COLUMNS, seed) for seed in range(2)]
    blurred = [cv2.GaussianBlur(plate, (0, 0), 2.4) for plate in plates]
    answers = [cv2.resize(plate, (60, 40), interpolation=cv2.INTER_AREA) * 1.01 for plate in blurred]
    everywhere = calibrate(source_of(plates, answers))
    monkeypatch.setattr("void_engine.detail.calibration._MOST_PIXELS", 900)
    few = calibrate(source_of(plates, answers))
    assert not np.array_equal(few.luma, everywhere.luma), "fewer places were asked"
    assert np.abs(few.luma - everywhere.luma).max() < 0.02
    assert np.abs(few.sharp_luma - everywhere.sharp_luma).max() < 0.15
    assert np.abs(np.median(few.noise) / np.median(everywhere.noise) - 1) < 0.3
    source = source_of(plates, answers)
    drifts = [c.drift(source.answer(1), source.reduced(1), source.known(1)) for c in (few, everywhere)]
    assert np.abs(drifts[0] - drifts[1]).max() < 0.003


def test_where_everything_is_replaced_a_guess_is_taken() -> None:
    plate = texture(ROWS, COLUMNS, 1)
    source = DetailSource(
        range(1),
        Canvas((ROWS, COLUMNS), (40, 60)),
        lambda _: (plate, np.ones((ROWS, COLUMNS), np.float32)),
        lambda _: np.full((40, 60, 3), 0.2, np.float32),
    )
    found = calibrate(source)
    assert float(found.luma.sum()) == pytest.approx(1, abs=1e-4)
    assert (found.noise > 0).all()
