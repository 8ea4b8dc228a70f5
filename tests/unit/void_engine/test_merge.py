from __future__ import annotations

import numpy as np
import pytest

from tests.unit.void_engine.whole_merge import merge
from void_engine.errors import EngineError
from void_engine.morphology import replacement_weight


def disc(height: int, width: int, y: float, x: float, radius: float) -> np.ndarray:
    ys, xs = np.mgrid[:height, :width]
    return (np.hypot(ys - y, xs - x) <= radius).astype(np.float32)


def weight_of(matte: np.ndarray, softness: float = 6.0) -> np.ndarray:
    return replacement_weight(matte, np.zeros_like(matte), 2.0, softness)


def texture(height: int, width: int, seed: int = 0, grain: float = 0.02) -> np.ndarray:
    """A plate with gradients, patches, a highlight of 20, some negatives and grain."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[:height, :width]
    base = 0.18 + 0.1 * np.sin(xs / 17) * np.cos(ys / 23) + 0.25 * ((xs // 40 + ys // 40) % 2)
    plate = np.stack([base, 0.8 * base + 0.02, 0.6 * base + 0.05], axis=-1)
    plate[5:12, 5:12] = 20
    plate[5:9, 20:30] = -0.03
    return (plate * (1 + grain * rng.standard_normal(plate.shape))).astype(np.float32)


def bits(picture: np.ndarray) -> np.ndarray:
    return picture.view(np.uint32)


@pytest.mark.parametrize("match_seam", [True, False])
def test_outside_the_weight_every_bit_is_the_plates(match_seam: bool) -> None:
    rng = np.random.default_rng(1)
    # The plate holds any 32 bits: denormals, infinities, NaNs with payloads, huge and negative values.
    plate = rng.integers(0, 2**32, (80, 100, 3), dtype=np.uint32).view(np.float32)
    engine = (rng.random((80, 100, 3)) * 64 - 1).astype(np.float32)
    weight = weight_of(disc(80, 100, 40, 50, 10))
    engine[weight == 0] = np.nan
    before = plate.tobytes(), engine.tobytes(), weight.tobytes()
    result = merge(plate, engine, weight, match_seam=match_seam)
    np.testing.assert_array_equal(bits(result)[weight == 0], bits(plate)[weight == 0])
    assert result.dtype == np.float32
    assert np.isfinite(result[weight >= 1]).all()
    assert (plate.tobytes(), engine.tobytes(), weight.tobytes()) == before
    assert not np.shares_memory(result, plate)


def test_plain_mix() -> None:
    plate, engine = texture(60, 70, 1), texture(60, 70, 2) * 3
    weight = weight_of(disc(60, 70, 30, 35, 12))
    result = merge(plate, engine, weight, match_seam=False)
    np.testing.assert_array_equal(result[weight == 1], engine[weight == 1])
    ramp = (weight > 0) & (weight < 1)
    w = weight[ramp][:, None].astype(np.float64)
    np.testing.assert_allclose(result[ramp], w * engine[ramp] + (1 - w) * plate[ramp], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("match_seam", [True, False])
def test_an_engine_that_gives_the_plate_back_changes_no_bit(match_seam: bool) -> None:
    plate = texture(60, 70)
    plate[20, 20] = 64
    weight = weight_of(disc(60, 70, 30, 35, 12))
    np.testing.assert_array_equal(bits(merge(plate, plate, weight, match_seam=match_seam)), bits(plate))


def test_no_weight_is_the_plate() -> None:
    plate = texture(20, 30)
    nothing = np.full_like(plate, np.nan)
    np.testing.assert_array_equal(bits(merge(plate, nothing, np.zeros((20, 30), np.float32))), bits(plate))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_missing_engine_pixel_is_named(bad: float) -> None:
    plate, engine = texture(40, 50), texture(40, 50, 2)
    weight = weight_of(disc(40, 50, 20, 25, 6))
    engine[22, 27, 1] = bad
    with pytest.raises(EngineError, match=r"frame 1007.*column 27, row 22"):
        merge(plate, engine, weight, frame=1007)
    with pytest.raises(EngineError, match="a frame"):
        merge(plate, engine, weight)


def test_a_tiny_weight_needs_a_finite_pixel_too() -> None:
    plate, engine = texture(40, 50), texture(40, 50, 2)
    weight = np.zeros((40, 50), np.float32)
    weight[3, 4] = 1e-6
    engine[3, 4] = np.nan
    with pytest.raises(EngineError, match="column 4, row 3"):
        merge(plate, engine, weight)


@pytest.mark.parametrize("match_seam", [True, False])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_broken_plate_pixels_under_the_weight_are_replaced(match_seam: bool, bad: float) -> None:
    plate, engine = texture(60, 70), texture(60, 70)
    engine *= np.float32(1.1)
    weight = weight_of(disc(60, 70, 30, 35, 12))
    plate[14:46:3, 19:51:3] = bad
    with np.errstate(all="raise"):
        result = merge(plate, engine, weight, match_seam=match_seam)
    assert np.isfinite(result[weight > 0]).all()
    assert result[weight > 0].max() < 2
    np.testing.assert_array_equal(bits(result)[weight == 0], bits(plate)[weight == 0])


def test_values_from_minus_one_to_64_survive() -> None:
    plate = texture(60, 70)
    engine = np.random.default_rng(3).choice(np.float32([-1, -0.01, 0, 1e-4, 0.18, 1, 64]), (60, 70, 3))
    weight = weight_of(disc(60, 70, 30, 35, 12))
    plain = merge(plate, engine, weight, match_seam=False)
    np.testing.assert_array_equal(plain[weight == 1], engine[weight == 1])
    matched = merge(plate, engine, weight)[weight == 1]
    assert matched.max() > 16
    assert matched.min() < -0.25
    np.testing.assert_array_equal(np.sign(matched)[engine[weight == 1] > 0.1], 1)


def test_sizes_must_agree() -> None:
    plate = texture(20, 30)
    with pytest.raises(ValueError, match="do not fit"):
        merge(plate, plate[:, :-1], np.zeros((20, 30), np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        merge(plate, plate, np.zeros((30, 20), np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        merge(plate[..., 0], plate[..., 0], np.zeros((20, 30), np.float32))
