from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.unit.void_engine.whole_merge import merge
from void_engine.geometry import Box
from void_engine.morphology import grow, replacement_weight
from void_engine.seam import match_to_plate, ring_width_px

HEIGHT, WIDTH = 220, 300
GAIN = np.float32([1.2, 1.0, 0.85])


def disc(y: float, x: float, radius: float) -> np.ndarray:
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    return (np.hypot(ys - y, xs - x) <= radius).astype(np.float32)


def weight_of(matte: np.ndarray, growth: float = 2.0, softness: float = 6.0) -> np.ndarray:
    return replacement_weight(matte, np.zeros_like(matte), growth, softness)


def scene(seed: int = 0) -> np.ndarray:
    """A picture like a photograph: smooth shading, hard-edged patches and fine texture, all above zero."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    base = 0.2 + 0.08 * np.sin(xs / 29) * np.cos(ys / 31) + 0.3 * ((xs // 50 + ys // 50) % 2)
    fine = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)), (0, 0), 1.5)
    base = base * np.exp(0.6 * fine)
    return np.stack([base, 0.8 * base + 0.02, 0.6 * base + 0.05], axis=-1).astype(np.float32)


def grained(picture: np.ndarray, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(picture.shape).astype(np.float32)
    return (picture + 0.01 * noise * np.sqrt(np.abs(picture) + 0.02)).astype(np.float32)


def stops_off(result: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    """The signed mean error in stops, which measures a shift of colour and not detail."""
    ratio = np.log2(np.maximum(result[where], 1e-3) / np.maximum(truth[where], 1e-3))
    return float(np.abs(ratio.mean(axis=0)).max())


def test_a_change_of_light_is_taken_back() -> None:
    truth = scene()
    weight = weight_of(disc(110, 150, 60))
    engine = truth * GAIN
    solid = weight == 1
    assert stops_off(merge(grained(truth), engine, weight, match_seam=False), truth, solid) > 0.2
    result = merge(grained(truth), engine, weight)
    assert stops_off(result, truth, solid) < 0.01
    np.testing.assert_allclose(result[solid], truth[solid], rtol=0.03)


def test_no_step_is_left_at_the_border() -> None:
    """The plate is flat, so the step between just inside and just outside is nothing but the seam."""
    plate = np.full((HEIGHT, WIDTH, 3), 0.3, np.float32)
    weight = weight_of(disc(110, 150, 60), softness=0.0)
    engine = grained(plate) * GAIN
    inside = (weight > 0) & (grow(1 - weight, 3) > 0)
    step = np.abs(merge(grained(plate, 2), engine, weight)[inside].mean(axis=0) / 0.3 - 1).max()
    assert step < 0.005
    unmatched = merge(grained(plate, 2), engine, weight, match_seam=False)
    assert np.abs(unmatched[inside].mean(axis=0) / 0.3 - 1).max() > 0.1


def test_a_shift_that_varies_over_the_picture_is_followed() -> None:
    truth = scene()
    ramp = np.exp(np.linspace(-0.25, 0.25, WIDTH, dtype=np.float32))[None, :, None]
    weight = weight_of(disc(110, 150, 60))
    result = merge(grained(truth), truth * ramp, weight)
    solid = weight == 1
    np.testing.assert_allclose(result[solid], truth[solid], rtol=0.06)


def test_an_offset_in_the_shadows_is_taken_back() -> None:
    truth = scene() * np.float32(0.002)
    weight = weight_of(disc(110, 150, 60))
    solid = weight == 1
    result = merge(truth, truth + np.float32(0.001), weight)
    assert np.abs((result - truth)[solid].mean(axis=0)).max() < 1e-4


def test_detail_inside_is_only_scaled() -> None:
    truth = scene()
    engine = scene(9) * GAIN
    weight = weight_of(disc(110, 150, 60))
    solid = weight == 1
    ratio = merge(truth, engine, weight)[solid] / engine[solid]
    picture = np.zeros((HEIGHT, WIDTH, 3))
    picture[solid] = np.log(ratio)
    inner = disc(110, 150, 55) > 0
    steps = np.abs(np.diff(picture, axis=1))[inner[:, 1:] & inner[:, :-1]]
    assert steps.max() < 0.01


def test_blacks_stay_black_beside_a_bright_border() -> None:
    plate = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    engine = plate * np.float32(1.25)
    engine[90:130, 130:170] = 0
    result = merge(plate, engine, weight_of(disc(110, 150, 60)))
    assert np.abs(result[95:125, 135:165]).max() < 0.0015


@pytest.mark.parametrize("value", [20.0, 64.0])
def test_a_highlight_on_the_ring_is_not_smeared_into_the_hole(value: float) -> None:
    truth = scene()
    plate = grained(truth)
    weight = weight_of(disc(110, 150, 60))
    plate[40:60, 140:165] = value  # It lies in the ring at the top of the hole, unknown to the engine.
    result = merge(plate, truth, weight)
    solid = weight == 1
    np.testing.assert_allclose(result[solid], truth[solid], rtol=0.05)


def test_a_highlight_that_both_show_is_no_trouble() -> None:
    truth = scene()
    truth[40:60, 140:165] = 20
    truth[100:110, 140:150] = 40
    weight = weight_of(disc(110, 150, 60))
    result = merge(grained(truth), truth * GAIN, weight)
    solid = weight == 1
    np.testing.assert_allclose(result[solid], truth[solid], rtol=0.05)
    assert result[100:110, 140:150].min() > 38


@pytest.mark.parametrize("softness", [0.0, 6.0])
def test_a_fringe_of_the_object_invents_no_shift(softness: float) -> None:
    """The matte was drawn too small, so 3 px of a dark object stick out all around it."""
    truth = scene()
    plate = grained(truth)
    fringe = disc(110, 150, 65) > 0
    plate[fringe] *= np.float32(0.3)
    weight = weight_of(disc(110, 150, 60), growth=2.0, softness=softness)
    result = merge(plate, truth, weight)
    solid = weight == 1
    assert stops_off(result, truth, solid) < 0.01
    np.testing.assert_allclose(result[solid], truth[solid], rtol=0.03)


def test_a_ring_that_shows_something_else_is_no_witness() -> None:
    truth = scene()
    plate = np.full_like(truth, 30.0)
    weight = weight_of(disc(110, 150, 60))
    result = merge(plate, truth, weight)
    np.testing.assert_array_equal(result[weight == 1], truth[weight == 1])


def test_copied_plate_pixels_do_not_water_the_measurement_down() -> None:
    """The engine copies the plate where it can, so only its own pixels in the ramp tell its colour."""
    truth = scene()
    plate = grained(truth)
    weight = weight_of(disc(110, 150, 60), softness=10.0)
    engine = np.where((weight > 0)[..., None], truth * GAIN, plate)
    result = merge(plate, engine, weight)
    assert stops_off(result, truth, weight == 1) < 0.02


@pytest.mark.parametrize(
    "matte",
    [disc(0, 0, 50), disc(110, 299, 60), disc(219, 150, 120), disc(110, 150, 150)],
    ids=["corner", "right", "bottom", "three sides"],
)
def test_holes_at_the_frames_border(matte: np.ndarray) -> None:
    truth = scene()
    weight = weight_of(matte)
    result = merge(grained(truth), truth * GAIN, weight)
    np.testing.assert_allclose(result[weight == 1], truth[weight == 1], rtol=0.06)


def test_a_hole_over_the_whole_frame_takes_the_engine() -> None:
    truth = scene()
    everywhere = np.ones((HEIGHT, WIDTH), np.float32)
    np.testing.assert_array_equal(merge(truth * 2, truth, everywhere), truth)


def test_a_hole_of_one_pixel() -> None:
    truth = scene()
    weight = np.zeros((HEIGHT, WIDTH), np.float32)
    weight[100, 70] = 1
    result = merge(grained(truth), truth * GAIN, weight)
    np.testing.assert_allclose(result[100, 70], truth[100, 70], rtol=0.02)
    corner = np.zeros((1, 1), np.float32) + 1
    tiny = np.full((1, 1, 3), 0.5, np.float32)
    np.testing.assert_array_equal(merge(tiny, tiny * 2, corner), tiny * 2)


def test_separate_holes_are_matched_separately() -> None:
    truth = scene()
    engine = truth.copy()
    engine[:, :150] *= GAIN
    engine[:, 150:] /= GAIN
    left, right = weight_of(disc(60, 60, 25)), weight_of(disc(150, 230, 30))
    result = merge(grained(truth), engine, np.maximum(left, right))
    for weight in (left, right):
        np.testing.assert_allclose(result[weight == 1], truth[weight == 1], rtol=0.04)


def test_a_visible_island_within_a_hole() -> None:
    truth = scene()
    weight = weight_of(disc(110, 150, 90) - disc(110, 150, 40))
    assert weight[110, 150] == 0
    result = merge(grained(truth), truth * GAIN, weight)
    np.testing.assert_allclose(result[weight == 1], truth[weight == 1], rtol=0.05)


def test_broken_pixels_on_the_ring_are_passed_over() -> None:
    truth = scene()
    plate = grained(truth)
    weight = weight_of(disc(110, 150, 60))
    rng = np.random.default_rng(4)
    broken = (rng.random((HEIGHT, WIDTH)) < 0.2) & (weight < 1)
    plate[broken] = rng.choice(np.float32([np.nan, np.inf, -np.inf]), (int(broken.sum()), 3))
    engine = truth * GAIN
    engine[(rng.random((HEIGHT, WIDTH)) < 0.2) & (weight == 0)] = np.nan
    with np.errstate(all="raise"):
        result = merge(plate, engine, weight)
    np.testing.assert_allclose(result[weight == 1], truth[weight == 1], rtol=0.04)


def test_a_matte_that_is_soft_everywhere() -> None:
    truth = scene()
    weight = 0.5 * weight_of(disc(110, 150, 60))
    result = merge(truth, truth * GAIN, weight)
    inside = weight == 0.5
    np.testing.assert_allclose(result[inside], truth[inside], rtol=0.03)


def test_negative_values_are_carried_through() -> None:
    truth = scene()
    below = np.random.default_rng(8).random(truth.shape) < 0.1
    truth[below] = -0.05
    weight = weight_of(disc(110, 150, 60))
    result = merge(truth, truth * np.float32(1.1), weight)
    solid = weight == 1
    np.testing.assert_allclose(result[solid][~below[solid]], truth[solid][~below[solid]], rtol=0.03)
    np.testing.assert_allclose(result[solid][below[solid]], -0.05, rtol=0.25)


def test_the_end_of_the_float_range_is_kept() -> None:
    truth = scene()
    engine = truth * np.float32(0.7)
    engine[110, 150] = np.finfo(np.float32).max
    result = merge(grained(truth), engine, weight_of(disc(110, 150, 60)))
    assert (result[110, 150] == np.finfo(np.float32).max).all()


def test_only_the_hole_is_changed_by_matching() -> None:
    truth = scene()
    weight = weight_of(disc(110, 150, 60))
    engine = truth * GAIN
    matched = match_to_plate(grained(truth), engine, weight)
    np.testing.assert_array_equal(matched[weight == 0], engine[weight == 0])
    assert (matched[weight > 0] != engine[weight > 0]).any()


def test_the_same_input_gives_the_same_bytes() -> None:
    truth = scene()
    weight = weight_of(disc(110, 150, 60))
    first, second = (merge(grained(truth), truth * GAIN, weight) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(("side", "width"), [(1, 10), (250, 10), (500, 20), (1000, 40), (4000, 40)])
def test_ring_grows_with_the_hole(side: int, width: int) -> None:
    assert ring_width_px(Box.from_size(side, side // 2)) == width
