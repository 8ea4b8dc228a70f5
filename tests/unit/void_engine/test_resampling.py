from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_engine.geometry import Box
from void_engine.resampling import Resampler, crop

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def hdr(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Noise from -0.5 to 64 with most values small."""
    rng = np.random.default_rng(seed)
    return (64 * rng.random(shape) ** 6 - 0.5 * rng.random(shape)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(SIZES, SIZES, st.sampled_from([-3.25, 0.0, 0.18, 64.0]), st.sampled_from([(), (1,), (3,), (4,)]))
def test_constant_pictures_stay_constant(
    source: tuple[int, int], canvas: tuple[int, int], value: float, channels: tuple[int, ...]
) -> None:
    picture = np.full(source + channels, value, np.float32)
    there = Resampler(source, canvas).to_canvas(picture)
    assert there.shape == canvas + channels
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, value, rtol=1e-6)
    np.testing.assert_allclose(Resampler(source, canvas).from_canvas(there), value, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(SIZES, SIZES, st.integers(0, 2**32 - 1))
def test_values_stay_within_their_neighbourhood(
    source: tuple[int, int], canvas: tuple[int, int], seed: int
) -> None:
    picture = hdr(seed, (*source, 3))
    result = Resampler(source, canvas).to_canvas(picture)
    for row in range(canvas[0]):
        for column in range(canvas[1]):
            ys, xs = (
                slice(
                    max(0, int(np.floor(min(at * scale, (at + 0.5) * scale - 0.5)))),
                    int(np.ceil(max((at + 1) * scale, (at + 0.5) * scale + 0.5))),
                )
                for at, scale in ((row, source[0] / canvas[0]), (column, source[1] / canvas[1]))
            )
            around = picture[ys, xs].reshape(-1, 3)
            slack = 1e-5 * np.abs(around).max() + 1e-6
            assert (result[row, column] >= around.min(axis=0) - slack).all()
            assert (result[row, column] <= around.max(axis=0) + slack).all()


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
def test_same_size_is_the_same_picture(shape: tuple[int, ...]) -> None:
    picture = hdr(1, shape)
    picture.flat[0], picture.flat[5] = np.nan, np.inf
    resampler = Resampler((7, 9), (7, 9))
    for result in (resampler.to_canvas(picture), resampler.from_canvas(picture)):
        assert result.tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("crop_shape", "canvas"),
    [((270, 473), (96, 168)), ((96, 168), (270, 473)), ((180, 100), (96, 168)), ((150, 260), (96, 168))],
)
def test_a_point_comes_back_to_its_place(crop_shape: tuple[int, int], canvas: tuple[int, int]) -> None:
    resampler = Resampler(crop_shape, canvas)
    scale_y, scale_x = crop_shape[0] / canvas[0], crop_shape[1] / canvas[1]
    ys, xs = np.mgrid[: crop_shape[0], : crop_shape[1]] + 0.5
    rng = np.random.default_rng(5)
    for _ in range(4):
        y, x = (side * rng.uniform(0.3, 0.7) for side in crop_shape)
        sigma_y, sigma_x = 2.0 * max(1.0, scale_y), 2.0 * max(1.0, scale_x)
        point = 20 * np.exp(-0.5 * (((ys - y) / sigma_y) ** 2 + ((xs - x) / sigma_x) ** 2))
        there = resampler.to_canvas(point.astype(np.float32))
        seen_y, seen_x = centroid(there)
        assert abs(seen_y * scale_y - y) < 0.01
        assert abs(seen_x * scale_x - x) < 0.01
        back_y, back_x = centroid(resampler.from_canvas(there))
        assert abs(back_y - y) < 0.01
        assert abs(back_x - x) < 0.01


def centroid(picture: np.ndarray) -> tuple[float, float]:
    ys, xs = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    mass = picture.astype(np.float64)
    return float((ys * mass).sum() / mass.sum()), float((xs * mass).sum() / mass.sum())


def test_ramps_are_reproduced() -> None:
    ramp = np.tile(np.arange(24, dtype=np.float32), (6, 1))
    larger = Resampler((6, 24), (15, 67)).to_canvas(ramp)
    expected = (np.arange(67) + 0.5) * 24 / 67 - 0.5
    inside = (expected > 1) & (expected < 22)
    np.testing.assert_allclose(larger[:, inside], np.tile(expected[inside], (15, 1)), atol=2e-5)


def test_shrinking_averages_areas() -> None:
    matte = np.random.default_rng(2).random((12, 20)).astype(np.float32)
    small = Resampler((12, 20), (4, 5)).to_canvas(matte)
    np.testing.assert_allclose(small, matte.reshape(4, 3, 5, 4).mean(axis=(1, 3)), atol=1e-6)
    uneven = Resampler((12, 20), (5, 8)).to_canvas(matte)
    np.testing.assert_allclose(uneven.mean(), matte.mean(), atol=1e-6)
    tall = Resampler((12, 20), (12, 5)).to_canvas(matte)
    np.testing.assert_allclose(tall, matte.reshape(12, 5, 4).mean(axis=2), atol=1e-6)


def test_a_highlight_has_no_ring() -> None:
    picture = np.full((20, 20, 3), 0.02, np.float32)
    picture[9:11, 9:11] = 20
    larger = Resampler((20, 20), (71, 71)).to_canvas(picture)
    assert larger.min() == np.float32(0.02)
    assert larger.max() <= 20
    unguarded = cv2.resize(picture, (71, 71), interpolation=cv2.INTER_CUBIC)
    assert unguarded.min() < -0.5  # Without the clamp it would ring this far below.


def test_detail_survives_enlarging_better_than_with_lines() -> None:
    ys, xs = np.mgrid[:120, :120] / 120
    truth = (0.5 + 0.5 * np.sin(60 * xs + 20 * ys)).astype(np.float32)
    resampler = Resampler((120, 120), (48, 48))
    small = resampler.to_canvas(truth)
    ours = np.abs(resampler.from_canvas(small) - truth).mean()
    lines = np.abs(cv2.resize(small, (120, 120), interpolation=cv2.INTER_LINEAR) - truth).mean()
    assert ours < 0.8 * lines


def test_half_floats_are_taken_and_sizes_are_checked() -> None:
    resampler = Resampler((4, 6), (8, 12))
    assert resampler.to_canvas(np.ones((4, 6), np.float16)).dtype == np.float32
    with pytest.raises(ValueError, match="6x4"):
        resampler.to_canvas(np.ones((6, 4), np.float32))
    with pytest.raises(ValueError, match="12x8"):
        resampler.from_canvas(np.ones((4, 6), np.float32))
    for channels in ((5,), (3, 3)):
        with pytest.raises(ValueError, match="4 channels"):
            resampler.to_canvas(np.ones((4, 6, *channels), np.float32))


def test_crop_inside_is_the_plate_itself() -> None:
    picture = hdr(4, (9, 12, 3))
    picture[3, 4] = np.nan
    part = crop(picture, Box(-2, 10, 10, 19), Box(1, 12, 6, 17))
    assert part.tobytes() == picture[2:7, 3:8].tobytes()
    assert not np.shares_memory(part, picture)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_crop_beyond_the_picture_repeats_its_edge(shape: tuple[int, ...]) -> None:
    picture = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    part = crop(picture, Box.from_size(5, 4), Box(-2, -3, 8, 6))
    rows, columns = np.clip(np.arange(-3, 6), 0, 3), np.clip(np.arange(-2, 8), 0, 4)
    np.testing.assert_array_equal(part, picture[rows][:, columns])


def test_crop_checks_its_boxes() -> None:
    picture = np.zeros((4, 5), np.float32)
    with pytest.raises(ValueError, match="no pixel in common"):
        crop(picture, Box.from_size(5, 4), Box(5, 0, 9, 4))
    with pytest.raises(ValueError, match="expected"):
        crop(picture, Box.from_size(4, 5), Box(0, 0, 2, 2))
