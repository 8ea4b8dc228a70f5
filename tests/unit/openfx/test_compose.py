"""The result over the plate: exact where both have the same pixels, and in place at every other scale."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests.unit.openfx.test_pixels import BYTE, FLOAT, HALF, TYPES, HostImage, filled

RESULT, DIFFERENCE, PLAIN, TINT = range(4)


def compose(
    driver: ctypes.CDLL,
    answer: np.ndarray,
    box: tuple[int, int, int, int],
    output: HostImage,
    mix: int = RESULT,
    scale: float = 1,
    window: tuple[int, int, int, int] | None = None,
) -> None:
    """Lays ``answer`` of the shape (rows upwards, columns, R G B weight) over ``output``."""
    form = output.form
    is_half = answer.dtype == np.float16
    answer = np.ascontiguousarray(answer, np.float16 if is_half else np.float32)
    window = window or (form.x1, form.y1, form.x2, form.y2)
    driver.driver_compose(
        *(answer.ctypes.data, answer.strides[0], answer.shape[1], answer.shape[0], int(is_half)),
        *((ctypes.c_int * 4)(*box), mix, ctypes.byref(form), (ctypes.c_int * 4)(*window), scale, scale),
    )


def an_answer(width: int, height: int, seed: int = 7) -> np.ndarray:
    random = np.random.default_rng(seed)
    answer = random.normal(0.5, 1, (height, width, 4)).astype(np.float32)
    answer[..., 3] = random.choice([0, 0.25, 1], (height, width))
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("channels", [4, 3, 1])
@pytest.mark.parametrize("depth", TYPES)
def test_at_full_size_the_answer_counts_where_it_has_weight(
    driver: ctypes.CDLL, depth: int, channels: int
) -> None:
    output = filled(1, x1=-2, y1=3, width=8, height=6, channels=channels, depth=depth, downwards=True)
    before, answer = output.pixels.copy(), an_answer(6, 5)

    compose(driver, answer, (0, 2, 6, 7), output)

    expected = before.copy()
    colours = 1 if channels == 1 else 3
    for y in range(3, 7):
        for x in range(6):
            pixel = answer[y - 2, x]
            if pixel[3] > 0:
                largest = {BYTE: 255, 1: 65535}.get(depth)
                values = pixel[:colours]
                if largest:
                    values = np.floor(np.clip(values, 0, 1) * np.float32(largest) + np.float32(0.5))
                expected[y - 3, x + 2, :colours] = values
    assert np.array_equal(output.pixels, expected)
    assert (output.padding() == 0xAB).all()
    changed = (output.pixels != before).any(axis=-1)
    assert changed.any()
    assert not changed.all()


def test_only_the_window_is_written(driver: ctypes.CDLL) -> None:
    output = filled(1, x1=0, y1=0, width=6, height=6, channels=4, depth=FLOAT)
    before, answer = output.pixels.copy(), an_answer(6, 6)
    answer[..., 3] = 1

    compose(driver, answer, (0, 0, 6, 6), output, window=(1, 2, 4, 9))

    changed = (output.pixels != before).any(axis=-1)
    assert changed[2:6, 1:4].all()
    assert changed.sum() == 12
    assert np.array_equal(output.pixels[..., 3], before[..., 3])


def test_the_difference_is_that_to_the_plate(driver: ctypes.CDLL) -> None:
    output = filled(1, x1=0, y1=0, width=5, height=4, channels=4, depth=FLOAT)
    before, answer = output.pixels.copy(), an_answer(5, 4)

    compose(driver, answer, (0, 0, 5, 4), output, DIFFERENCE)

    expected = np.abs(answer[..., :3] - before[..., :3]) * (answer[..., 3:] > 0)
    assert np.array_equal(output.pixels[..., :3], expected)


@pytest.mark.parametrize("channels", [4, 3, 1])
def test_a_tint_lies_over_the_plate_by_its_weight(driver: ctypes.CDLL, channels: int) -> None:
    """Also where the answer has the plate's own pixels, and nothing is black around it."""
    output = filled(1, x1=0, y1=0, width=8, height=6, channels=channels, depth=FLOAT)
    before, answer = output.pixels.copy(), an_answer(6, 5)
    colours = 1 if channels == 1 else 3

    compose(driver, answer, (1, 1, 7, 6), output, TINT)

    expected = before.copy()
    weight = answer[..., 3:]
    inside = np.s_[1:6, 1:7, :colours]
    expected[inside] = before[inside] * (1 - weight) + answer[..., :colours] * weight
    np.testing.assert_allclose(output.pixels, expected, rtol=1e-6, atol=1e-6)
    untouched = np.ones(before.shape[:2], bool)
    untouched[1:6, 1:7] = answer[..., 3] > 0
    untouched[1:6, 1:7] ^= True
    assert np.array_equal(output.pixels[untouched], before[untouched])


def test_a_part_is_shown_as_it_is_and_black_around(driver: ctypes.CDLL) -> None:
    output = filled(1, x1=-1, y1=0, width=6, height=4, channels=4, depth=HALF)
    before, answer = output.pixels.copy(), an_answer(4, 4)

    compose(driver, answer, (0, 0, 4, 4), output, PLAIN)

    assert np.array_equal(output.pixels[:, 1:5, :3], answer[..., :3].astype(np.float16))
    assert not output.pixels[:, [0, 5], :3].any()
    assert np.array_equal(output.pixels[..., 3], before[..., 3])


def test_a_proxy_shows_the_mean_of_the_pixels_that_it_covers(driver: ctypes.CDLL) -> None:
    output = filled(1, x1=0, y1=0, width=4, height=3, channels=4, depth=FLOAT)
    answer = an_answer(8, 6)
    answer[..., 3] = 1
    answer[0:2, 0:2, 3] = 0
    before = output.pixels.copy()

    compose(driver, answer, (0, 0, 8, 6), output, scale=0.5)

    means = answer[..., :3].reshape(3, 2, 4, 2, 3).mean(axis=(1, 3))
    assert np.allclose(output.pixels[..., :3].reshape(-1, 3)[1:], means.reshape(-1, 3)[1:], atol=1e-6)
    assert np.array_equal(output.pixels[0, 0], before[0, 0])


def test_a_box_that_begins_between_two_proxy_pixels_stays_in_place(driver: ctypes.CDLL) -> None:
    """A ramp over x reads the same at every scale, whatever pixel the box begins with."""
    answer = np.zeros((8, 30, 4), np.float32)
    answer[..., :3] = (np.arange(30) + 3 + 0.5)[None, :, None]
    answer[..., 3] = 1
    output = HostImage(x1=0, y1=0, width=16, height=4, channels=3, depth=FLOAT)
    output.pixels[...] = -1

    compose(driver, answer, (3, 0, 33, 8), output, scale=0.5)

    centres = (np.arange(16) + 0.5) * 2
    assert np.allclose(output.pixels[0, 2:16, 0], centres[2:16])
    assert (output.pixels[:, 0] == -1).all()


def test_a_small_answer_is_interpolated_and_goes_in_by_its_weight(driver: ctypes.CDLL) -> None:
    """An answer of half the size, whose right half has weight: left of it every pixel is the plate's own."""
    answer = np.zeros((4, 8, 4), np.float32)
    answer[..., :3] = ((np.arange(8) + 0.5) * 2)[None, :, None]
    answer[:, 4:, 3] = 1
    output = HostImage(x1=0, y1=0, width=16, height=8, channels=4, depth=FLOAT)
    output.pixels[...] = -5

    compose(driver, answer, (0, 0, 16, 8), output)

    assert (output.pixels[:, :7] == -5).all()
    centres = np.arange(16) + 0.5
    assert np.allclose(output.pixels[3, 9:15, 0], centres[9:15])
    assert -5 < output.pixels[3, 7, 0] < output.pixels[3, 8, 0] < centres[8]


def test_an_answer_beside_the_output_changes_nothing(driver: ctypes.CDLL) -> None:
    output = filled(1, x1=0, y1=0, width=4, height=4, channels=4, depth=FLOAT)
    before, answer = output.pixels.copy(), an_answer(4, 4)

    for box in ((4, 0, 8, 4), (-4, 0, 0, 4), (0, 4, 4, 8), (0, -9, 4, -5)):
        compose(driver, answer, box, output)

    assert np.array_equal(output.pixels, before)


@pytest.mark.parametrize("scale", [1, 0.5, 2])
@pytest.mark.parametrize("mix", [RESULT, DIFFERENCE, PLAIN])
def test_an_answer_of_halves_is_laid_over_as_one_of_floats(
    driver: ctypes.CDLL, mix: int, scale: float
) -> None:
    halves = an_answer(13, 10).astype(np.float16)
    made = []
    for answer in (halves, halves.astype(np.float32)):
        output = filled(3, x1=-1, y1=0, width=12, height=8, channels=4, depth=FLOAT)
        compose(driver, answer, (0, 1, 13, 11), output, mix, scale)
        made.append(output.pixels)
    assert np.array_equal(*made)


@pytest.mark.parametrize("scale", [1, 0.5, 0.25])
def test_lines_that_are_left_out_show_what_lines_without_weight_show(
    driver: ctypes.CDLL, scale: float
) -> None:
    whole = an_answer(16, 64)
    whole[:24, :, 3] = whole[40:, :, 3] = 0
    made = []
    for answer, box in ((whole, (0, 0, 16, 64)), (whole[8:56], (0, 8, 16, 56))):
        size = int(16 * scale), int(64 * scale)
        output = filled(3, x1=0, y1=0, width=size[0], height=size[1], channels=4, depth=FLOAT)
        compose(driver, answer, box, output, RESULT, scale)
        made.append(output.pixels)
    assert np.array_equal(*made)
